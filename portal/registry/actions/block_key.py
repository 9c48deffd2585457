"""Put public keys on the block list, and revoke them where they are registered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from portal.core.public_key import PublicKey
from portal.core.public_key.negation import fingerprints
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions.revoke_key import revoke_key
from portal.registry.choices import BlockedWhy, RevocationReason, Verb
from portal.registry.locks import lock_fingerprints, lock_with_replaced
from portal.registry.models import Actor, BlockedKey, Client, ClientKey, Event, recording
from portal.registry.validation import clean_fingerprint, clean_note

_OTHER_SIGN: Final = (
    "It differs from a blocked key only in its sign: the same private key signs for both."
)


@recording()
def block_key(spki_sha256: str, *, by: Actor, note: str = "") -> BlockedKey:
    """Block a public key permanently for every client. `spki_sha256` is hexadecimal.

    Revokes the key as compromised wherever it is registered, and likewise its negation
    (`portal.core.public_key.negation`). Idempotent. Raises `UnfitInput`.
    """
    fingerprint, note = clean_fingerprint(spki_sha256), clean_note(note)
    registered = ClientKey.objects.filter(spki_sha256=fingerprint).first()
    # The negation of an unregistered key is unknown. `check_not_blocked` looks up both.
    names = fingerprints(parse_public_key(registered.pem)) if registered else (fingerprint,)
    lock_fingerprints(names)
    return block_locked(names, why=BlockedWhy.ADMIN, by=by, client=None, note=note)


@recording(durable=True)
def block_leaked_keys(
    keys: Iterable[PublicKey], *, by: Actor, client: Client | None, note: str = ""
) -> None:
    """Block keys whose private keys were sent to the portal: they must be considered leaked.

    Raises `RuntimeError` in a transaction: the refusal that follows would roll the block back.
    """
    leaked = {names[0]: names for names in map(fingerprints, keys)}
    lock_fingerprints(set(chain.from_iterable(leaked.values())))
    for names in leaked.values():
        block_locked(names, why=BlockedWhy.PRIVATE_KEY_SEEN, by=by, client=client, note=note)


def block_locked(
    names: Sequence[str], *, why: BlockedWhy, by: Actor, client: Client | None, note: str
) -> BlockedKey:
    """Block a key by its fingerprint, and its negation if that is registered.

    The caller must hold the locks of both. The note on a weak key tells its client's members what
    is wrong with it.
    """
    blocked = _put_on_list(names[0], why=why, by=by, client=client, note=note)
    registered = ClientKey.objects.filter(spki_sha256__in=names)
    for name in names[1:]:
        if registered.filter(spki_sha256=name).exists():
            _put_on_list(name, why=why, by=by, client=client, note=note or _OTHER_SIGN)
    key_note = note if why == BlockedWhy.WEAK else why.label
    live = list(registered.filter(revoked_at=None).order_by("pk"))
    lock_with_replaced(*(key.pk for key in live))
    for key in live:
        revoke_key(key, reason=RevocationReason.COMPROMISED, by=by, note=key_note)
    return blocked


def _put_on_list(
    spki_sha256: str, *, why: BlockedWhy, by: Actor, client: Client | None, note: str
) -> BlockedKey:
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
    return blocked
