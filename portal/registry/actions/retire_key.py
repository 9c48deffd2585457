"""Retire a key at a planned time, and cancel that while the key is live."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from portal.core.lifecycle import OVER
from portal.registry.choices import Verb
from portal.registry.errors import KeyNotLive, UnfitInput
from portal.registry.locks import lock_client, lock_key
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
    key = _lock_not_gone(key)
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
    key = _lock_not_gone(key)
    if key.retires_at is None:
        return key
    key.retires_at, key.retired_by = None, None
    key.save(update_fields=["retires_at", *ClientKey.retired_by.fields])
    Event.objects.record(Verb.KEEP_KEY, by=by, client=key.client, key=key)
    return key


def _lock_not_gone(key: ClientKey) -> ClientKey:
    # Lock the client too: once the grace ends, another key may take this key's place in the limit.
    lock_client(key.client)
    key = lock_key(key)
    status = key.lifecycle.status(timezone.now())
    if status in OVER:
        message = (
            f"“{key.label}” is already {status.label.lower()}, so its retirement cannot be changed."
        )
        raise KeyNotLive(message)
    return key
