"""Read what somebody sent, and block each key whose private half was in it."""

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
    """Block the keys that a `Refused` from inside names as leaked, and let it pass on.

    Not to be used in a transaction: the refusal would take back the block.
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
    """Parse what somebody sent; a private key in it blocks its public half for good.

    Of several keys in it that with the kid `choice` is returned. Raises `Refused`. What was sent is
    not kept, whatever it is. Not to be called in a transaction.
    """
    with blocking_leaked_keys(by=by, client=client):
        return parse_public_key(material, choice=choice)
