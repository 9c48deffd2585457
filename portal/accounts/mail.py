"""The outbox: messages are queued with what they are about, and a worker sends them.

So no request waits for the mail server.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from email.errors import MessageError
from email.utils import make_msgid
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPResponseException
from typing import Final

from django.core.mail import DNS_NAME, EmailMessage, EmailMultiAlternatives
from django.utils import timezone

from portal.work.models import Task
from portal.work.sealing import NotSealed, unseal
from portal.work.tasks import Kind, TaskDropped, TaskFailed, put


def queue(
    message: EmailMessage,
    *,
    life: timedelta,
    now: datetime | None = None,
    is_notice: bool = False,
) -> None:
    """Let a worker send the message, or drop it if it cannot be sent within its life.

    Keeps the headers and the other forms of the text, such as HTML, and no attachments. Address and
    text are encrypted until then, because the text may contain what signs somebody in. Notices may
    be many, so they are a kind of their own: nobody who signs up has to wait for them.
    """
    content = {
        "subject": message.subject,
        "body": message.body,
        "from_email": message.from_email,
        "to": message.to,
        # Given now, so that mail programs recognize a message that is sent once more.
        "headers": {"Message-ID": make_msgid(domain=str(DNS_NAME)), **message.extra_headers},
        "alternatives": getattr(message, "alternatives", []),
    }
    kind = NOTICE if is_notice else MESSAGE
    put_sealed(kind, json.dumps(content, default=str), life=life, now=now)


def put_sealed(kind: Kind, text: str, *, life: timedelta, now: datetime | None = None) -> None:
    """Queue a task that needs only this text, encrypted; it is dropped after its life."""
    now = now or timezone.now()
    put(kind, uuid.uuid4().hex, due_at=now, last_at=now + life, sealed=text)


def opened(task: Task) -> str:
    """Return what the task has sealed. Raises `TaskDropped`."""
    try:
        return unseal(task.sealed)
    except NotSealed:
        raise TaskDropped("it was encrypted with another SECRET_KEY") from None


def hand_over(message: EmailMessage) -> None:
    """Hand a message to the mail server, in a worker. Raises `TaskFailed` and `TaskDropped`."""
    try:
        message.send()
    # The texts of the errors are left out, because they may contain the address.
    except OSError as failure:  # the base class of smtplib's errors
        code = _reply_code(failure)
        cause = f"{type(failure).__name__} {code or failure.strerror or ''}".strip()
        # RFC 5321 §4.2.1: 5yz is permanent. But an operator can correct a wrong password or sender.
        is_of_message = isinstance(failure, (SMTPRecipientsRefused, SMTPDataError))
        is_permanent = code >= 500 and is_of_message
        raise (TaskDropped if is_permanent else TaskFailed)(cause) from None
    except (ValueError, MessageError) as failure:  # a header cannot contain the address
        raise TaskDropped(type(failure).__name__) from None


def _reply_code(failure: OSError) -> int:
    """Return the mail server's reply code; 0 without one."""
    if isinstance(failure, SMTPRecipientsRefused):
        return min(code for code, _ in failure.recipients.values())
    return failure.smtp_code if isinstance(failure, SMTPResponseException) else 0


def _send(task: Task, _now: datetime) -> None:
    hand_over(EmailMultiAlternatives(**json.loads(opened(task))))


MESSAGE: Final = Kind(
    "message",
    "Messages",
    _send,
    # Each of the nine or so exchanges with a mail server may take EMAIL_TIMEOUT.
    lease=timedelta(minutes=3),
    # A worker that is killed after sending sends the message once more, and no more than that.
    most_lost=1,
)
NOTICE: Final = replace(MESSAGE, name="notice_message", title="Messages of notices")
