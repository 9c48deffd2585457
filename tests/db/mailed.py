"""The messages that the portal sends by e-mail."""

from __future__ import annotations

from typing import Final

from django.core import mail
from django.core.mail import EmailMessage

from portal.accounts.mail import MESSAGE
from portal.accounts.password_reset import RESET
from portal.work.worker import Worker

MAIL: Final = (MESSAGE.name, RESET.name)
"""The kinds of tasks that send messages."""


def delivered() -> list[EmailMessage]:
    """Let a worker send what is due, and return all messages that were sent."""
    worker = Worker(kinds=MAIL)
    while worker.step():
        pass
    sent: list[EmailMessage] = mail.outbox
    return sent
