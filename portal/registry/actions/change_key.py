"""Change the label and the expiry of a key."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from portal.registry.actions.keep_replaced import keep_replaced
from portal.registry.choices import Verb
from portal.registry.key_dates import check_expiry, check_life
from portal.registry.key_policy import key_policy
from portal.registry.locks import lock_current_key
from portal.registry.models import Actor, ClientKey, Event, recording
from portal.registry.validation import clean_line


@recording()
def change_key(key: ClientKey, *, label: str, expires_at: datetime | None, by: Actor) -> ClientKey:
    """Give the key another label, or let it expire earlier, later, or never (None).

    Without a change it records nothing. If it ends earlier than a key that it was to replace, that
    key stays (`keep_replaced`). Raises `KeyNotLive` if the key has ended, and `UnfitInput`.
    """
    after = {"label": clean_line(label, field="label"), "expires_at": expires_at}
    key = lock_current_key(key)
    changed = {name: value for name, value in after.items() if value != getattr(key, name)}
    if not changed:
        return key
    if "expires_at" in changed:
        now = timezone.now()
        check_expiry(key.not_before, expires_at, now)
        # The key policy never keeps anybody from ending a key earlier.
        if key.expires_at is not None and (expires_at is None or expires_at > key.expires_at):
            check_life(expires_at, key.registered_at, key_policy(key.client, now))
    detail = {
        name: {"before": _recorded(getattr(key, name)), "after": _recorded(value)}
        for name, value in changed.items()
    }
    ended = key.lifecycle.ends_at
    for name, value in changed.items():
        setattr(key, name, value)
    key.save(update_fields=list(changed))
    Event.objects.record(Verb.CHANGE_KEY, by=by, client=key.client, key=key, detail=detail)
    keep_replaced(key, ended=ended)
    return key


def _recorded(value: str | datetime | None) -> str | None:
    return value.isoformat() if isinstance(value, datetime) else value
