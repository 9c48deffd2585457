"""Read and judge what somebody sent as a key, before or without registering it."""

from __future__ import annotations

from portal.accounts.models import User
from portal.core.key_policy.accepted import AcceptedKey
from portal.core.public_key import PublicKey
from portal.core.reasons import Refused
from portal.registry.actions.read_key import read_key
from portal.registry.choices import Verb
from portal.registry.errors import RegistryRefusal
from portal.registry.key_policy import key_policy
from portal.registry.models import Client, Event


def inspect_key(
    material: bytes | str,
    *,
    by: User,
    client: Client,
    registering: bool = False,
    choice: str = "",
) -> AcceptedKey:
    """Return the public key in `material`, in any form the core reads, once it has been judged.

    Of several keys it is that with the kid `choice`. Raises `Refused` when it must not be trusted.
    A private key is never kept; its public half is blocked for good. When somebody is registering
    the key, a refusal is recorded as an event with its reason, without what was sent. Not to be
    called in a transaction.
    """
    key = None
    try:
        key = read_key(material, by=by, client=client, choice=choice)
        return key_policy().accept(key)
    except Refused as refusal:
        if key is not None:
            refusal.choices = key.choices  # another may still be chosen
        if registering:
            record_refused_key(client, refusal, key, by=by)
        raise


def record_refused_key(
    client: Client, refusal: Refused | RegistryRefusal, key: PublicKey | None, *, by: User
) -> None:
    """Record that a key was not registered, and why."""
    detail = {"reason": str(refusal.reason)}
    if key is not None:
        # A public key's: whoever looks into this later can ask whose key it was.
        detail["spki_sha256"] = key.spki_sha256
    Event.objects.record(Verb.REFUSE_KEY, by=by, client=client, detail=detail)
