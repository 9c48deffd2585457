"""Register a public key for a client."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from portal.accounts.models import User
from portal.core.dates import date_text
from portal.core.jwk import published_jwk
from portal.core.key_policy.accepted import AcceptedKey
from portal.core.public_key import PublicKey
from portal.core.public_key.negation import fingerprints
from portal.core.reasons import Refused
from portal.registry.actions.inspect_key import record_refused_key
from portal.registry.choices import Verb
from portal.registry.errors import (
    ClientArchived,
    ClientSuspended,
    KeyAlreadyHere,
    KeyTaken,
    RegistryRefusal,
)
from portal.registry.key_dates import check_expiry, check_life
from portal.registry.key_numbers import check_limit, count_keys
from portal.registry.key_policy import key_policy
from portal.registry.locks import lock_client, lock_fingerprints
from portal.registry.models import Client, ClientKey, Event, recording
from portal.registry.validation import clean_line


def register_key(
    client: Client,
    accepted: AcceptedKey,
    *,
    alg: str,
    label: str,
    by: User,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> ClientKey:
    """Register the key, as `inspect_key` returned it, for the algorithm `alg`.

    Raises `Refused` if the key has been blocked since or `alg` does not fit it. Raises a
    `RegistryRefusal` if the client cannot have this key or any more keys, or if the label or a date
    is invalid. Each refusal is recorded as an event with its reason. If the key policy requires
    confirmation, the key is not live until it is confirmed.
    """
    try:
        return _register(
            client,
            accepted,
            alg=alg,
            label=label,
            by=by,
            not_before=not_before,
            expires_at=expires_at,
        )
    except (Refused, RegistryRefusal) as refusal:
        record_refused_key(client, refusal, accepted.key, by=by)
        raise


@recording()
def _register(
    client: Client,
    accepted: AcceptedKey,
    *,
    alg: str,
    label: str,
    by: User,
    not_before: datetime | None,
    expires_at: datetime | None,
) -> ClientKey:
    key = accepted.key
    client = lock_client(client)
    lock_fingerprints(fingerprints(key))
    check_client_takes(client, key)
    now = timezone.now()
    check_expiry(not_before, expires_at, now)
    # Check again with the lock held: the key was judged before it.
    policy = key_policy(client, now)
    policy.check_not_blocked(key)
    algorithm = accepted.algorithm(alg)
    policy.check_required(key, algorithm)
    check_life(expires_at, now, policy)
    registered = ClientKey.objects.create(
        client=client,
        number=count_keys(client) + 1,
        label=clean_line(label, field="label"),
        pem=key.pem,
        alg=algorithm.name,
        kty=key.kty,
        curve=key.curve,
        bits=key.bits,
        kid=key.thumbprint,
        spki_sha256=key.spki_sha256,
        jwk=published_jwk(key, algorithm.name),
        registered_by=by,
        not_before=not_before,
        expires_at=expires_at,
        confirmation_required=policy.required.confirmation,
    )
    Event.objects.record(
        Verb.REGISTER_KEY,
        by=by,
        client=client,
        key=registered,
        detail={
            "label": registered.label,
            "alg": algorithm.name,
            "kid": registered.kid,
            "not_before": not_before.isoformat() if not_before else None,
            "expires_at": expires_at.isoformat() if expires_at else None,
            "confirmation_required": registered.confirmation_required,
        },
    )
    return registered


def check_client_takes(client: Client, key: PublicKey) -> None:
    """Raise a `RegistryRefusal` unless the client can register this key now.

    Without the client's lock the result is a forecast; `register_key` checks again with the lock.
    """
    _check_unknown(client, key)
    if client.is_archived:
        message = (
            f"{client.name} is archived. It cannot register keys until an owner takes it back."
        )
        raise ClientArchived(message)
    if client.is_suspended:
        message = f"{client.name} is suspended. It cannot register keys until an admin resumes it."
        raise ClientSuspended(message)
    check_limit(client)


def _check_unknown(client: Client, key: PublicKey) -> None:
    """Raise if the client has the key in any status, or if another client has proved possession.

    A key without proof of possession reserves nothing: anyone can have copied the public key.
    """
    rows = ClientKey.objects.filter(spki_sha256=key.spki_sha256)
    if known := rows.filter(client=client).first():
        status = known.lifecycle.status(timezone.now()).label.lower()
        message = (
            f"This client already has this key: “{known.label}”, {status}, "
            f"registered {date_text(known.registered_at)}."
        )
        if known.revoked_at:
            message += " A revocation is permanent: create a new key pair."
        raise KeyAlreadyHere(message)
    if not rows.proved().exists():
        return
    message = (
        "This key cannot be registered, because the portal already knows it. A key pair "
        "belongs to only one client: create a new one for this client."
    )
    raise KeyTaken(message)
