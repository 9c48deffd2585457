"""Switch a webhook off because its receiver fails, and say so by e-mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.core.mail import EmailMessage

from portal.accounts.mail import queue
from portal.accounts.models import User
from portal.registry.choices import Verb
from portal.registry.endpoints import issuer
from portal.registry.models import PORTAL, Event
from portal.registry.models.client import active_owners
from portal.webhooks.models import OffBecause, Webhook
from portal.webhooks.paths import path_of

GIVEN_UP: Final = "the webhook was switched off"
"""The error of a message that was to be sent when its webhook was switched off."""

_MOST_TOLD: Final = 50
_LIFE: Final = timedelta(days=3)


def switch_off(webhook: Webhook, because: OffBecause, now: datetime) -> None:
    """Switch a webhook off, whose row is locked, and give up what it has not been sent.

    If no person did it, it is an event of the portal, and its owners get an e-mail: those of its
    client, or the admins. Call it in `recording`.
    """
    webhook.off_at, webhook.off_because = now, because
    webhook.save(update_fields=["off_at", "off_because"])
    waiting = webhook.deliveries.filter(next_at__isnull=False)
    waiting.filter(error="").update(error=GIVEN_UP)
    waiting.update(next_at=None)
    if because != OffBecause.PERSON:
        detail = {"webhook": webhook.pk, "on": False}
        Event.objects.record(Verb.CHANGE_WEBHOOK, by=PORTAL, client=webhook.client, detail=detail)
        for email in _owners(webhook):
            queue(_notice(webhook, email), life=_LIFE)


def _owners(webhook: Webhook) -> list[str]:
    if webhook.client is None:
        people = User.objects.filter(is_staff=True, is_active=True)
    else:
        owners = active_owners().filter(client=webhook.client)
        people = User.objects.filter(pk__in=owners.values("user"))
    return list(people.order_by("pk").values_list("email", flat=True)[:_MOST_TOLD])


def _notice(webhook: Webhook, email: str) -> EmailMessage:
    # The URL is left out: it may contain a secret, and mail programs would make it a link.
    of = f"the client {webhook.client.client_id}" if webhook.client else "the whole portal"
    path = path_of(webhook.client.client_id if webhook.client else None, "webhook", webhook.pk)
    why = OffBecause(webhook.off_because).label
    body = (
        f"The portal no longer sends the events of {of} to one of its webhooks.\n\n"
        f"{why}.\n\n"
        "Correct the receiver, send a test, and switch the webhook on again:\n"
        f"{issuer()}{path}\n\n"
        "Events that happen until then are not sent later.\n"
    )
    return EmailMessage("A webhook was switched off", body, to=[email])
