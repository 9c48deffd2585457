"""Report that a registered key must not be trusted."""

from __future__ import annotations

from django.conf import settings

from portal.core.public_key.negation import fingerprints
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions.block_key import block_locked
from portal.registry.choices import BlockedWhy, Verb
from portal.registry.locks import lock_fingerprints
from portal.registry.models import PORTAL, ClientKey, Event, recording


@recording()
def report_weakness(key: ClientKey, *, reason: str, note: str, shares_with: str = "") -> bool:
    """Record a weakness of a key; with `BLOCK_WEAK_KEYS`, also block the key. Idempotent.

    `reason` is a code of `portal.core.reasons.Reason`, `note` a sentence for the client's members,
    and `shares_with` the fingerprint of a key that shares a prime. Returns whether the weakness is
    new.
    """
    names = fingerprints(parse_public_key(key.pem))
    lock_fingerprints(names)
    known = key.events.filter(verb=Verb.FIND_WEAKNESS, detail__reason=reason).exists()
    if not known:
        detail = {"reason": reason, "note": note}
        if shares_with:
            detail["spki_sha256"] = shares_with
        Event.objects.record(
            Verb.FIND_WEAKNESS, by=PORTAL, client=key.client, key=key, detail=detail
        )
    if settings.BLOCK_WEAK_KEYS:
        block_locked(names, why=BlockedWhy.WEAK, by=PORTAL, client=key.client, note=note)
    return not known
