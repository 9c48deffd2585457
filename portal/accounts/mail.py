"""Sends messages, and reports failures."""

from __future__ import annotations

import logging
from smtplib import SMTPResponseException

from django.core.mail import EmailMessage

from portal import bulkhead

logger = logging.getLogger(__name__)


class MailNotSent(Exception):  # noqa: N818 - it says what happened to the message
    """The mail server did not take the message; the caller must not do what depends on it."""


def send(message: EmailMessage) -> None:
    """Hand a message to the mail server. Raises `MailNotSent` and `BulkheadFull`."""
    with bulkhead.pages.released(), bulkhead.mails:
        try:
            message.send()
        except OSError as failure:  # the base class of smtplib's errors
            code = failure.smtp_code if isinstance(failure, SMTPResponseException) else ""
            # The error's text is left out, because it may contain the address.
            cause = f"{type(failure).__name__} {code or failure.strerror or ''}".strip()
            logger.error("A message could not be sent: %s", cause)  # noqa: TRY400
            raise MailNotSent from failure
