"""Password reset: a worker looks the address up, makes the link and sends it.

So the request does the same for every address, and the link is stored nowhere.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Final
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.conf import settings

from portal.accounts.invitation import password_url
from portal.accounts.mail import MESSAGE, hand_over, opened, put_sealed
from portal.work.models import Task
from portal.work.tasks import Kind

LIFE: Final = timedelta(hours=1)
"""How long a worker tries to send the message. The link in it lives from then on."""


def request_reset(email: str) -> None:
    """Let a worker send a link to the owner of the address, or tell them that they have no account.

    Only a confirmed address of an active user gets a link.
    """
    put_sealed(RESET, email.lower(), life=LIFE)


def _send(task: Task, _now: datetime) -> None:
    email = opened(task)
    found = EmailAddress.objects.filter(email=email, verified=True, user__is_active=True)
    address = found.select_related("user").first()
    domain = urlsplit(settings.PUBLIC_URL).netloc
    context: dict[str, object] = {"email": email, "current_site": SimpleNamespace(domain=domain)}
    if address:
        context["password_reset_url"] = password_url(address.user)
    template = f"account/email/{'password_reset_key' if address else 'unknown_account'}"
    hand_over(get_adapter().render_mail(template, email, context))


RESET: Final = Kind(
    "password_reset", "Password resets", _send, lease=MESSAGE.lease, most_lost=MESSAGE.most_lost
)
