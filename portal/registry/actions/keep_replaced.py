"""Cancel the retirement of a key whose replacement ends before it (ADR 0036)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from portal.registry.choices import Verb
from portal.registry.models import PORTAL, Actor, ClientKey, Event, Replacement


def keep_replaced(new: ClientKey, *, ended: datetime | None) -> None:
    """Cancel planned retirements that rest on this key, if it now ends before them.

    `ended` is when it would have ended before; a key that ends no earlier changes nothing. The
    caller holds the lock of the key, and runs in `recording`.
    """
    ends = new.lifecycle.ends_at
    if ends is None or (ended is not None and ended <= ends):
        return
    replaced = Replacement.objects.standing().filter(new=new).values("old")
    keys = ClientKey.objects.select_for_update(no_key=True, of=("self",)).select_related("client")
    planned = keys.filter(pk__in=replaced, retires_at__gte=ends).order_by("pk")
    now = timezone.now()
    for old in planned:
        if not old.lifecycle.is_over(now):
            detail = {"new_kid": new.kid, "new_label": new.label}
            cancel_retirement(old, by=PORTAL, detail=detail)


def cancel_retirement(key: ClientKey, *, by: Actor, detail: dict[str, Any] | None = None) -> None:
    """Let the key, which is locked, live until its expiry again, and record it."""
    key.retires_at, key.retired_by = None, None
    key.save(update_fields=["retires_at", *ClientKey.retired_by.fields])
    Event.objects.record(Verb.KEEP_KEY, by=by, client=key.client, key=key, detail=detail)
