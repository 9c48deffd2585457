"""Register a public key for a client."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.core.jwk import published_jwk, thumbprint
from portal.core.keys import PublicKey
from portal.core.reasons import Refused
from portal.registry.actions.read_key import read_key
from portal.registry.choices import Verb
from portal.registry.locks import lock_client, lock_fingerprint
from portal.registry.models import Client, ClientKey, Event
from portal.registry.policy import key_policy
from portal.registry.refusals import ClientSuspended, KeyAlreadyHere, KeyLimitReached, KeyTaken


def register_key(
    client: Client,
    *,
    material: bytes | str,
    alg: str,
    label: str,
    by: User,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> ClientKey:
    """Register the public key in `material` (PEM, JWK, certificate, OpenSSH) for the algorithm `alg`.

    Raises `Refused` when the key must not be trusted or does not fit, and a `RegistryRefusal` when
    the client can take no key, or not this one. A private key is never kept; its public half is
    blocked for good. Every refusal is recorded as an event, without what was sent.
    """
    try:
        key = read_key(material, by=by, client=client)
        return _register(
            client, key, alg=alg, label=label, by=by, not_before=not_before, expires_at=expires_at
        )
    except Refused as refused:
        Event.objects.create(
            actor=by, verb=Verb.REFUSE_KEY, client=client, detail={"reason": refused.reason}
        )
        raise


@transaction.atomic
def _register(
    client: Client,
    key: PublicKey,
    *,
    alg: str,
    label: str,
    by: User,
    not_before: datetime | None,
    expires_at: datetime | None,
) -> ClientKey:
    client = lock_client(client)
    _check_unknown(client, key)
    if client.is_suspended:
        message = f"{client.name} is suspended, so it takes no new keys until an admin resumes it."
        raise ClientSuspended(message)
    _check_limit(client)
    lock_fingerprint(key.spki_sha256)
    algorithm = key_policy().check(key, alg)
    try:
        with transaction.atomic():
            registered = ClientKey.objects.create(
                client=client,
                label=label,
                pem=key.pem,
                alg=algorithm.name,
                kty=key.kty,
                curve=key.curve,
                bits=key.bits,
                kid=thumbprint(key),
                spki_sha256=key.spki_sha256,
                jwk=published_jwk(key, algorithm.name),
                registered_by=by,
                not_before=not_before,
                expires_at=expires_at,
            )
    except IntegrityError:
        # Another client registered the same key between our look and our insert.
        _check_unknown(client, key)
        raise
    Event.objects.create(
        actor=by,
        verb=Verb.REGISTER_KEY,
        client=client,
        key=registered,
        detail={"label": label, "alg": algorithm.name, "kid": registered.kid},
    )
    return registered


def _check_unknown(client: Client, key: PublicKey) -> None:
    """Raise unless nobody has registered the key, in any state and any container."""
    known = ClientKey.objects.filter(spki_sha256=key.spki_sha256).first()
    if known is None:
        return
    if known.client_id == client.pk:
        status = known.status(timezone.now()).label.lower()
        message = (
            f"This client already has this key: “{known.label}”, {status}, "
            f"registered {known.registered_at:%d %B %Y}."
        )
        if known.revoked_at:
            message += " A revoked key can never come back; please make a new key pair."
        raise KeyAlreadyHere(message)
    message = (
        "This key cannot be registered, because the portal knows it already. "
        "A key pair belongs to one client only; please make a new one for this client."
    )
    raise KeyTaken(message)


def _check_limit(client: Client) -> None:
    """Raise when the client has as many keys as it may; the caller holds the client's lock."""
    limit = settings.KEY_LIMIT
    if client.keys.occupying(timezone.now()).count() >= limit:
        message = (
            f"{client.name} has {limit} keys, which is as many as a client may have. "
            "Retire or revoke one that is no longer used, then add this one."
        )
        raise KeyLimitReached(message)
