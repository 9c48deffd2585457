"""Read what somebody sent."""

from __future__ import annotations

from typing import Final

from django.views.decorators.debug import sensitive_variables

from portal.core.public_key import PublicKey
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.registry.actions.block_key import block_leaked_keys
from portal.registry.models import Actor, Client

_BARE: Final = "Bare bytes were sent. They may have been something else than a private key."


@sensitive_variables("material")
def read_key(material: bytes | str, *, by: Actor, client: Client | None) -> PublicKey:
    """Parse what somebody sent; a private key in it blocks its public half for good.

    Raises `Refused`. What was sent is not kept, whatever it is. Not to be called in a transaction:
    the refusal would take back the block.
    """
    try:
        return parse_public_key(material)
    except Refused as refused:
        if refused.leaked:
            note = _BARE if refused.reason == Reason.BARE_BYTES else ""
            block_leaked_keys(refused.leaked, by=by, client=client, note=note)
        raise
