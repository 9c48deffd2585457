"""Parse what a person sent, and block each key whose private key was in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from portal.core.public_key import PublicKey
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.registry.actions.block_key import block_leaked_keys
from portal.registry.models import Actor, Client

_BARE: Final = "Raw bytes were sent. They may not have been a private key."


@contextmanager
def blocking_leaked_keys(*, by: Actor, client: Client | None) -> Iterator[None]:
    """Block the keys that a `Refused` raised inside reports as leaked, and re-raise it.

    Do not use this in a transaction: the refusal would roll the block back.
    """
    try:
        yield
    except Refused as refused:
        if refused.leaked:
            note = "" if refused.reason == Reason.PRIVATE_KEY else _BARE
            block_leaked_keys(refused.leaked, by=by, client=client, note=note)
        raise


def read_key(
    material: bytes | str, *, by: Actor, client: Client | None, choice: str = ""
) -> PublicKey:
    """Return the public key in `material`. If it has a private key, block that key permanently.

    If `material` has several keys, `choice` is the kid of the one to return. `material` is never
    kept. Raises `Refused`. Do not call this in a transaction.
    """
    with blocking_leaked_keys(by=by, client=client):
        return parse_public_key(material, choice=choice)
