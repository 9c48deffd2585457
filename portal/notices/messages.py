"""Notices as e-mails, in text and HTML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from portal.core.dates import time_text
from portal.notices.occasions import Letter
from portal.notices.recipients import Recipient

# RFC 3834 §5, and its counterpart for Exchange: nobody's absence note comes back.
_AUTOMATIC: Final = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}


def notice_message(letter: Letter, to: Recipient, now: datetime) -> EmailMultiAlternatives:
    """Return the message of a notice to one recipient."""
    context = {"letter": letter, "url": absolute(letter.path)}
    return message_to(to, "notice", letter.subject, context, now)


def message_to(
    to: Recipient, template: str, subject: str, context: Mapping[str, Any], now: datetime
) -> EmailMultiAlternatives:
    """Return a message to somebody who can choose what they get, and how."""
    path = reverse("notices_stop", args=[to.token]) if to.token else reverse("notices")
    more = {"why": to.why, "is_contact": bool(to.token), "choice_url": absolute(path)}
    headers = one_click(to.token) if to.token else None
    return message(template, subject, {**context, **more}, to=to.email, now=now, headers=headers)


def message(
    template: str,
    subject: str,
    context: Mapping[str, Any],
    *,
    to: str,
    now: datetime,
    headers: Mapping[str, str] | None = None,
) -> EmailMultiAlternatives:
    """Return a message from the templates `notices/NAME.txt` and `.html`."""
    context = {
        **context,
        "subject": subject,
        "portal": settings.PUBLIC_URL,
        "written_at": time_text(now),
    }
    made = EmailMultiAlternatives(
        subject,
        render_to_string(f"notices/{template}.txt", context).strip() + "\n",
        to=[to],
        headers={**_AUTOMATIC, **(headers or {})},
    )
    made.attach_alternative(render_to_string(f"notices/{template}.html", context), "text/html")
    return made


def one_click(token: str) -> dict[str, str]:
    """Return the headers with which a mail program unsubscribes at once (RFC 8058)."""
    return {
        "List-Unsubscribe": f"<{absolute(reverse('notices_stop', args=[token]))}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def absolute(path: str) -> str:
    """Return the address of a path of the portal."""
    return f"{settings.PUBLIC_URL}{path}"
