"""Put public keys on the block list, and out of service where they are registered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from portal.core.public_key import PublicKey
from portal.core.public_key.negation import fingerprints
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions.revoke_key import revoke_key
from portal.registry.choices import BlockedWhy, RevocationReason, Verb
from portal.registry.locks import lock_fingerprints
from portal.registry.models import Actor, BlockedKey, Client, ClientKey, Event, recording
from portal.registry.validation import clean_fingerprint, clean_note

_OTHER_SIGN: Final = (
    "It differs from a blocked key only in its sign: the same private key signs for both."
)


@recording()
def block_key(spki_sha256: str, *, by: Actor, note: str = "") -> BlockedKey:
    """Block the public key with this SHA-256 of its SPKI (hexadecimal), in every client, for good.

    Wherever the key is registered it is revoked as compromised, and so is the one of the other sign
    (`portal.core.public_key.negation`). Idempotent. Raises `UnfitInput`.
    """
    fingerprint, note = clean_fingerprint(spki_sha256), clean_note(note)
    registered = ClientKey.objects.filter(spki_sha256=fingerprint).first()
    # Of a key that is nowhere registered the sign is unknown; looking it up takes both signs.
    names = fingerprints(parse_public_key(registered.pem)) if registered else (fingerprint,)
    lock_fingerprints(names)
    return block_locked(names, why=BlockedWhy.ADMIN, by=by, client=None, note=note)


@recording(durable=True)
def block_leaked_keys(
    keys: Iterable[PublicKey], *, by: Actor, client: Client | None, note: str = ""
) -> None:
    """Block keys whose private half was sent to the portal: it must be considered leaked.

    Raises `RuntimeError` in a transaction, which the refusal that follows would take back.
    """
    leaked = {names[0]: names for names in map(fingerprints, keys)}
    lock_fingerprints(set(chain.from_iterable(leaked.values())))
    for names in leaked.values():
        block_locked(names, why=BlockedWhy.PRIVATE_KEY_SEEN, by=by, client=client, note=note)


def block_locked(
    names: Sequence[str], *, why: BlockedWhy, by: Actor, client: Client | None, note: str
) -> BlockedKey:
    """Block a key by its fingerprint, and by that of the other sign where that is registered.

    The caller has locked both. Of a weak key the note tells its people what is wrong with it.
    """
    blocked = _put_on_list(names[0], why=why, by=by, client=client, note=note)
    registered = ClientKey.objects.filter(spki_sha256__in=names)
    for name in names[1:]:
        if registered.filter(spki_sha256=name).exists():
            _put_on_list(name, why=why, by=by, client=client, note=note or _OTHER_SIGN)
    key_note = note if why == BlockedWhy.WEAK else why.label
    for key in registered.filter(revoked_at=None).order_by("pk"):
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
