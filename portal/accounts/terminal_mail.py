"""E-mails in the terminal, for trying the portal out: only their plain text."""

from __future__ import annotations

from copy import copy

from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends import console


class EmailBackend(console.EmailBackend):
    """Prints e-mails without their HTML, which nobody reads in a terminal."""

    def write_message(self, message: EmailMessage) -> None:
        """Print a message."""
        if isinstance(message, EmailMultiAlternatives):
            message = copy(message)
            message.alternatives = []
        super().write_message(message)
