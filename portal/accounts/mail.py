"""Send messages, and say so when that fails."""

from __future__ import annotations

import logging
from smtplib import SMTPResponseException

from django.core.mail import EmailMessage

from portal import bulkhead

logger = logging.getLogger(__name__)


class MailNotSent(Exception):  # noqa: N818 - it says what has become of the message
    """The mail server did not take the message. What needs it must not be done then."""


def send(message: EmailMessage) -> None:
    """Hand a message to the mail server. Raises `MailNotSent` and `BulkheadFull`."""
    with bulkhead.pages.released(), bulkhead.mails:
        try:
            message.send()
        except OSError as failure:  # smtplib's errors are among them
            code = failure.smtp_code if isinstance(failure, SMTPResponseException) else ""
            # Not its text, which may have the address in it.
            cause = f"{type(failure).__name__} {code or failure.strerror or ''}".strip()
            logger.error("A message could not be sent: %s", cause)  # noqa: TRY400
            raise MailNotSent from failure
