"""Put public keys on the block list, and out of service where they are registered."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from portal.core.keys import PublicKey
from portal.registry.actions.revoke_key import revoke_key
from portal.registry.choices import BlockedWhy, RevocationReason, Verb
from portal.registry.locks import lock_fingerprint
from portal.registry.models import Actor, BlockedKey, Client, ClientKey, Event
from portal.registry.texts import clean_fingerprint, clean_note


@transaction.atomic
def block_key(spki_sha256: str, *, by: Actor, note: str = "") -> BlockedKey:
    """Block the public key with this SHA-256 of its SPKI (hexadecimal), in every client, for good.

    Where the key is registered it is revoked as compromised. Idempotent. Raises `UnfitInput`.
    """
    fingerprint, note = clean_fingerprint(spki_sha256), clean_note(note)
    lock_fingerprint(fingerprint)
    return _block(fingerprint, why=BlockedWhy.ADMIN, by=by, client=None, note=note)


@transaction.atomic(durable=True)
def block_leaked_keys(
    keys: Iterable[PublicKey], *, by: Actor, client: Client | None, note: str = ""
) -> None:
    """Block keys whose private half was sent to the portal: it must be considered leaked.

    Raises `RuntimeError` in a transaction, which the refusal that follows would take back.
    """
    fingerprints = sorted({key.spki_sha256 for key in keys})
    for spki_sha256 in fingerprints:
        lock_fingerprint(spki_sha256)
    for spki_sha256 in fingerprints:
        _block(spki_sha256, why=BlockedWhy.PRIVATE_KEY_SEEN, by=by, client=client, note=note)


def _block(
    spki_sha256: str, *, why: BlockedWhy, by: Actor, client: Client | None, note: str
) -> BlockedKey:
    """Block a key whose fingerprint is locked."""
    blocked, is_new = BlockedKey.objects.get_or_create(
        pk=spki_sha256, defaults={"why": why, "note": note, **BlockedKey.blocked_by.values(by)}
    )
    if is_new:
        Event.objects.record(
            Verb.BLOCK_KEY,
            by=by,
            client=client,
            detail={"spki_sha256": spki_sha256, "why": why, "note": note},
        )
    registered = ClientKey.objects.filter(spki_sha256=spki_sha256).first()
    if registered:
        revoke_key(registered, reason=RevocationReason.COMPROMISED, by=by, note=why.label)
    return blocked
