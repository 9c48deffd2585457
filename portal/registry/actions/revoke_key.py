"""Revoke a key at once."""

from __future__ import annotations

from django.utils import timezone

from portal.registry.actions.keep_replaced import keep_replaced
from portal.registry.choices import RevocationReason, Verb
from portal.registry.locks import lock_with_replaced
from portal.registry.models import Actor, ClientKey, Event, recording
from portal.registry.validation import clean_note


@recording()
def revoke_key(key: ClientKey, *, reason: RevocationReason, by: Actor, note: str = "") -> ClientKey:
    """Remove the key from the JWKS permanently, within the bound of ADR 0020.

    Idempotent: revoking a revoked key changes and records nothing. A retired or expired key can be
    revoked too, which records the reason. A key that it was to replace stays (`keep_replaced`).
    Raises `UnfitInput`.
    """
    note = clean_note(note)
    key = lock_with_replaced(key.pk)[key.pk]
    if key.revoked_at:
        return key
    ended = key.lifecycle.ends_at
    key.revoked_at, key.revoked_by = timezone.now(), by
    key.revocation_reason, key.revocation_note = reason, note
    revocation = ["revoked_at", "revocation_reason", "revocation_note"]
    key.save(update_fields=[*revocation, *ClientKey.revoked_by.fields])
    Event.objects.record(
        Verb.REVOKE_KEY,
        by=by,
        client=key.client,
        key=key,
        detail={"reason": reason, "note": note, "kid": key.kid},
    )
    keep_replaced(key, ended=ended)
    return key
