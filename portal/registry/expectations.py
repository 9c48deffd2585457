"""What the portal expects of an assertion, from its settings and the client's keys."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.conf import settings

from portal.core.assertion import CandidateKey, Expectation, never_seen
from portal.core.lifecycle import KeyStatus
from portal.registry.endpoints import issuer, token_endpoint
from portal.registry.models import Client, ClientKey, RedeemedAssertion


def expectation_of(
    client: Client, keys: Iterable[ClientKey], now: datetime, *, looking_up_jti: bool = False
) -> Expectation:
    """Return what the token endpoint expects of an assertion of the client at `now`.

    `keys` are the candidates for its signature, as in `Expectation.keys`. `looking_up_jti` looks up
    whether its `jti` was used; the token endpoint does not need that, because it consumes the
    `jti`.
    """
    candidates = [candidate_of(key, now) for key in keys]
    # An archived client has no live key, unless an older version of the portal registered one.
    if client.is_archived:
        retired = partial(replace, status=KeyStatus.RETIRED, since=client.archived_at)
        candidates = [retired(each) if each.is_live else each for each in candidates]
    return replace(
        expectation_for(client.client_id, candidates, now),
        suspended=client.is_suspended,
        first_seen=partial(first_seen, client) if looking_up_jti else never_seen,
    )


def expectation_for(client_id: str, keys: Iterable[CandidateKey], now: datetime) -> Expectation:
    """Return what the token endpoint expects of an assertion of a client that is not suspended.

    `portal.registry.fast_authentication` calls it with a key from memory. The statement in
    `portal.registry.issuing` has a condition for each fact that may have changed since.
    """
    return Expectation(
        client_id=client_id,
        issuer=issuer(),
        token_endpoint=token_endpoint() if settings.ACCEPT_TOKEN_ENDPOINT_AUDIENCE else "",
        keys=tuple(keys),
        now=now.timestamp(),
    )


def candidate_of(key: ClientKey, now: datetime) -> CandidateKey:
    """Return the key as a candidate for verification in the core, with its status at `now`."""
    life = key.lifecycle
    return CandidateKey(key.kid, key.alg, key.pem, status=life.status(now), since=life.since(now))


def first_seen(client: Client, jti: str) -> datetime | None:
    """Return when the client's assertion with this `jti` was redeemed, or None."""
    sha256 = hashlib.sha256(jti.encode("utf-8", "surrogatepass")).hexdigest()
    rows = RedeemedAssertion.objects.filter(client=client, jti_sha256=sha256)
    return rows.values_list("at", flat=True).first()
