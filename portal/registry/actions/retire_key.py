"""Retire a key at a planned time, and cancel that while the key is live."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from portal.registry.choices import Verb
from portal.registry.errors import UnfitInput
from portal.registry.locks import lock_current_key
from portal.registry.models import Actor, ClientKey, Event, recording

MAX_GRACE: Final = timedelta(days=366)


@recording()
def retire_key(key: ClientKey, *, grace: timedelta, by: Actor) -> ClientKey:
    """Let the key leave the JWKS when `grace` is over (zero: now).

    Retiring again moves the date. Raises `KeyNotLive` if the key has already ended, and
    `UnfitInput` if `grace` is negative or more than a year.
    """
    if not timedelta(0) <= grace <= MAX_GRACE:
        message = "A key can retire now or within a year. Choose a date in that time."
        raise UnfitInput(message, field="grace")
    key = lock_current_key(key)
    key.retires_at, key.retired_by = timezone.now() + grace, by
    key.save(update_fields=["retires_at", *ClientKey.retired_by.fields])
    Event.objects.record(
        Verb.RETIRE_KEY,
        by=by,
        client=key.client,
        key=key,
        detail={"retires_at": key.retires_at.isoformat()},
    )
    return key


@recording()
def keep_key(key: ClientKey, *, by: Actor) -> ClientKey:
    """Cancel a retirement whose grace is not over yet. Idempotent.

    Raises `KeyNotLive` if the key has already left the JWKS.
    """
    key = lock_current_key(key)
    if key.retires_at is None:
        return key
    key.retires_at, key.retired_by = None, None
    key.save(update_fields=["retires_at", *ClientKey.retired_by.fields])
    Event.objects.record(Verb.KEEP_KEY, by=by, client=key.client, key=key)
    return key
