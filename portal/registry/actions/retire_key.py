"""Retire a key at a planned time, and cancel that while the key is live."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.utils import timezone

from portal.core.lifecycle import KeyStatus
from portal.registry.actions.keep_replaced import cancel_retirement, keep_replaced
from portal.registry.choices import Verb
from portal.registry.errors import KeyNotLive, UnfitInput
from portal.registry.key_numbers import check_limit
from portal.registry.locks import lock_client, lock_current_key, lock_with_replaced
from portal.registry.models import Actor, ClientKey, Event, recording
from portal.registry.replacements import watch_again

MAX_GRACE: Final = timedelta(days=366)


@recording()
def retire_key(key: ClientKey, *, grace: timedelta, by: Actor) -> ClientKey:
    """Let the key leave the JWKS when `grace` is over (zero: now).

    Retiring again moves the date. If it ends earlier than a key that it was to replace, that key
    stays (`keep_replaced`). Raises `KeyNotLive` if the key has already ended, and
    `UnfitInput` if `grace` is negative or more than a year.
    """
    if not timedelta(0) <= grace <= MAX_GRACE:
        message = "A key can retire now or within a year. Choose a date in that time."
        raise UnfitInput(message, field="grace")
    key = lock_current_key(key)
    ended = key.lifecycle.ends_at
    key.retires_at, key.retired_by = timezone.now() + grace, by
    key.save(update_fields=["retires_at", *ClientKey.retired_by.fields])
    Event.objects.record(
        Verb.RETIRE_KEY,
        by=by,
        client=key.client,
        key=key,
        detail={"retires_at": key.retires_at.isoformat()},
    )
    keep_replaced(key, ended=ended)
    return key


@recording()
def keep_key(key: ClientKey, *, by: Actor) -> ClientKey:
    """Cancel a retirement, until an hour after the key has left the JWKS. Idempotent.

    Raises `KeyNotLive` if it is too late, the key has ended in another way or its client was
    archived, and `KeyLimitReached` if other keys have taken its place.
    """
    now = timezone.now()
    client, key = lock_client(key.client), lock_with_replaced(key.pk)[key.pk]
    is_retired = key.lifecycle.status(now) is KeyStatus.RETIRED
    if not is_retired or key.lifecycle.undo_until(now) is None:
        key = lock_current_key(key)
    elif client.is_archived or _was_archived(key):
        raise KeyNotLive(f"“{key.label}” was retired when its client was archived.")
    else:
        check_limit(client)
    if key.retires_at is None:
        return key
    if is_retired:
        watch_again(key, now)  # verifiers may have fetched the set without it
    cancel_retirement(key, by=by)
    return key


def _was_archived(key: ClientKey) -> bool:
    """Return whether the client was archived since the key retired, and perhaps taken back."""
    events = Event.objects.filter(client=key.client_id, verb=Verb.ARCHIVE_CLIENT)
    return events.filter(at__gte=key.retires_at).exists()
