"""Read what somebody sent."""

from __future__ import annotations

from django.views.decorators.debug import sensitive_variables

from portal.core.keys import PublicKey
from portal.core.pem import parse_public_key
from portal.core.reasons import Refused
from portal.registry.actions.block_key import block_leaked_keys
from portal.registry.models import Actor, Client


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
            block_leaked_keys(refused.leaked, by=by, client=client)
        raise
