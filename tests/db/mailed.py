"""What the portal sends by e-mail."""

from __future__ import annotations

from django.core import mail
from django.core.mail import EmailMessage

from portal.accounts.mail import MESSAGE
from portal.work.worker import Worker


def delivered() -> list[EmailMessage]:
    """Let a worker send what is due, and return all messages that were sent."""
    worker = Worker(kinds=[MESSAGE.name])
    while worker.step():
        pass
    sent: list[EmailMessage] = mail.outbox
    return sent
