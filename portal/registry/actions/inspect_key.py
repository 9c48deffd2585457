"""Parse and judge a key that a person sent, before or without registering it."""

from __future__ import annotations

from django.utils import timezone

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
    """Return the public key in `material`, judged by the key policy.

    `material` is in any format that the core parses. If it has several keys, `choice` is the kid of
    the one to return. Raises `Refused` if the key must not be trusted. A private key is never kept;
    its public key is blocked permanently. With `registering`, a refusal is recorded as an event
    with its reason, without `material`. Do not call this in a transaction.
    """
    key = None
    try:
        key = read_key(material, by=by, client=client, choice=choice)
        return key_policy(client, timezone.now()).accept(key)
    except Refused as refusal:
        if key is not None:
            refusal.choices = key.choices  # the person can still choose another
        if registering:
            record_refused_key(client, refusal, key, by=by)
        raise


def record_refused_key(
    client: Client, refusal: Refused | RegistryRefusal, key: PublicKey | None, *, by: User
) -> None:
    """Record that a key was not registered, and why."""
    detail = {"reason": str(refusal.reason)}
    if key is not None:
        # Of the public key, so that an admin can later find out which key it was.
        detail["spki_sha256"] = key.spki_sha256
    Event.objects.record(Verb.REFUSE_KEY, by=by, client=client, detail=detail)
