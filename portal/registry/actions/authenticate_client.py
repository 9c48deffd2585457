"""Authenticate a client by the assertion in its request (RFC 7523 §3, OpenID Connect Core §9)."""

from __future__ import annotations

import logging
import re
import secrets
from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from portal.core.assertion import (
    UNREADABLE,
    Pointers,
    UnverifiedAssertion,
    VerifiedAssertion,
    client_assertion_of,
    parse_unverified,
    pointers_in,
    verify,
)
from portal.core.assertion.formatting import brief
from portal.core.assertion.token_request import private_key_in, why_of_another
from portal.core.dates import time_text
from portal.core.public_key import PublicKey
from portal.core.public_key.negation import fingerprints
from portal.core.reasons import Reason, Refused
from portal.logs import log_facts
from portal.metrics import REFUSALS
from portal.registry.actions.block_key import block_leaked_keys
from portal.registry.actions.confirm_key import confirm_key
from portal.registry.errors import RegistryRefusal
from portal.registry.expectations import expectation_of, first_seen
from portal.registry.jti_store import consume_jti
from portal.registry.models import PORTAL, BlockedKey, Client, ClientKey, RefusedRequest
from portal.registry.models.token_request import MAX_SEEN
from portal.registry.regexes import CLIENT_ID, KID

logger = logging.getLogger(__name__)

MAX_BLOCKED_A_DAY: Final = 1000
"""How many unregistered keys the portal blocks in 24 hours because of token requests."""

_PLAIN_MEMBERS: Final = frozenset(
    {"alg", "kid", "typ", "iss", "sub", "aud", "jti", "exp", "iat", "nbf"}
)
"""The members that an assertion needs. A valid one with others is searched for a private key."""

_CLIENT_ID: Final = re.compile(CLIENT_ID)
_KID: Final = re.compile(KID)
_KEYS: Final = ClientKey.objects.select_related("client").only(
    *("kid", "alg", "pem", "not_before", "expires_at", "retires_at", "revoked_at"),
    *("confirmation_required", "confirmed_at"),
    *("client__client_id", "client__suspended_at", "client__archived_at"),
    "client__redirect_uris",
    *("client__scopes", "client__grant_types", "client__resources"),
)
"""The columns that authentication needs. Loading all of them makes a request 10 % slower."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """An authenticated client, the key that signed its assertion, and the request's reference."""

    client: Client
    key: ClientKey
    reference: str


class AuthenticationRefused(Exception):  # noqa: N818 - the name says what happened
    """The client is not authenticated. The cause is recorded under `reference`.

    `client` is the client that the request points to, if any: its members can read the cause.
    `unreadable` tells a malformed request (RFC 6749 §5.2: invalid_request) from a failed
    authentication (invalid_client). The response must not contain the cause.
    """

    def __init__(self, refused: Refused, reference: str, client: Client | None) -> None:
        super().__init__(refused, reference, client)
        self.refused = refused
        self.reference = reference
        self.client = client
        self.unreadable = refused.reason in UNREADABLE


@dataclass(slots=True)
class _Attempt:
    """The facts about a request so far. None of them is proven."""

    now: datetime
    reference: str
    network: str
    unverified_client_id: str = ""
    unverified_kid: str = ""
    client: Client | None = None
    key: ClientKey | None = None


def authenticate_client(
    parameters: Mapping[str, Sequence[str]], *, authorization: str = "", network: str = ""
) -> Authenticated:
    """Return the client whose assertion is in the request, and consume the assertion's `jti`.

    `parameters` has all values of each parameter; `authorization` is the header of that name, and
    `network` where the request came from, as it is stored.
    Raises `AuthenticationRefused` after recording the reason, but never the assertion. A database
    error is raised unchanged: no client is authenticated then.
    """
    attempt = _Attempt(timezone.now(), new_reference(), network)
    try:
        return _authenticate(attempt, parameters, authorization)
    except Refused as problem:
        refused = private_key_in(parameters) or problem
        _block(attempt, refused.leaked)
        _follow(attempt, pointers_in(parameters, authorization=authorization))
        _record(attempt, refused)
        raise AuthenticationRefused(refused, attempt.reference, attempt.client) from None


def record_refused_grant(authenticated: Authenticated, error: str, *, seen: str = "") -> None:
    """Record that the client was authenticated but its request was refused.

    `error` is a code of RFC 6749 §5.2, such as `invalid_grant`. `seen` gives details.
    """
    REFUSALS.labels(error).inc()
    RefusedRequest.objects.create(
        client=authenticated.client,
        key=authenticated.key,
        kid=authenticated.key.kid,
        reason=error,
        seen=brief(seen)[:MAX_SEEN] if seen else "",
        reference=authenticated.reference,
        at=timezone.now(),
    )
    log_facts(
        logger,
        logging.INFO,
        "Grant refused",
        reason=error,
        client=authenticated.client.client_id,
        kid=authenticated.key.kid,
        reference=authenticated.reference,
    )


def _authenticate(
    attempt: _Attempt, parameters: Mapping[str, Sequence[str]], authorization: str
) -> Authenticated:
    given = client_assertion_of(parameters, authorization=authorization)
    unverified = parse_unverified(given.assertion)
    attempt.unverified_client_id = given.client_id or unverified.unverified_client_id or ""
    attempt.unverified_kid = unverified.unverified_kid or ""
    keys = _find_keys(attempt)
    attempt.client = keys[0].client if keys else _find_client(attempt)
    attempt.key = keys[0] if len(keys) == 1 else None
    verified = _verify(attempt, unverified, keys)
    refuse_private_key(parameters, unverified)
    key = next(key for key in keys if key.kid == verified.kid)
    request = {"reference": attempt.reference, "network": attempt.network}
    if not consume_jti(verified, key, **request, now=attempt.now):
        seen = first_seen(key.client, verified.jti) or attempt.now
        raise Refused(
            Reason.JTI_REUSED,
            found=f"First used {time_text(seen, seconds=True)}",
            needed="Not used before",
        )
    if key.confirmed_at is None:
        _confirm(attempt, unverified, key)
    return Authenticated(key.client, key, attempt.reference)


def refuse_private_key(
    parameters: Mapping[str, Sequence[str]], unverified: UnverifiedAssertion
) -> None:
    """Refuse a private key next to a valid assertion, or in one with members it does not need."""
    refused = private_key_in(parameters, beside_assertion=_is_plain(unverified))
    if refused:
        raise refused


def _is_plain(unverified: UnverifiedAssertion) -> bool:
    """Return whether an assertion has no members that it does not need."""
    return _PLAIN_MEMBERS.issuperset((*unverified.header, *unverified.claims))


def _block(attempt: _Attempt, leaked: Sequence[PublicKey]) -> None:
    """Block the keys whose private keys were sent, and note which client has them.

    No client is authenticated, so the portal is the actor. It blocks a limited number of
    unregistered keys a day, because strangers can create any number of them.
    """
    if not leaked:
        return
    names = [name for key in leaked for name in fingerprints(key)]
    registered = ClientKey.objects.select_related("client").filter(spki_sha256__in=names)
    found = list(registered[:2])
    if found or _may_block(attempt.now):
        block_leaked_keys(leaked, by=PORTAL, client=None)
    if len(found) == 1:
        [attempt.key] = found
        attempt.client = found[0].client


def _may_block(now: datetime) -> bool:
    day = BlockedKey.objects.filter(blocked_at__gt=now - timedelta(days=1), blocked_by_portal=True)
    return day[:MAX_BLOCKED_A_DAY].count() < MAX_BLOCKED_A_DAY


def _confirm(attempt: _Attempt, unverified: UnverifiedAssertion, key: ClientKey) -> None:
    """Confirm the key at its first use: the assertion proves possession.

    Raises `Refused` if the key has ended since it was read, or another client has proved it.
    """
    try:
        confirm_key(key, by=key)
    except RegistryRefusal as refusal:
        attempt.now = timezone.now()
        _verify(attempt, unverified, _find_keys(attempt))
        raise Refused(Reason.KEY_REVOKED, found=str(refusal), needed="A key of its own") from None


def _verify(
    attempt: _Attempt, unverified: UnverifiedAssertion, keys: list[ClientKey]
) -> VerifiedAssertion:
    _of_one_client(attempt, unverified)
    if attempt.client is None:
        raise Refused(
            Reason.CLIENT_UNKNOWN,
            found=brief(attempt.unverified_client_id),
            needed="The client ID of a client of this portal.",
        )
    return verify(unverified, expectation_of(attempt.client, keys, attempt.now))


def _of_one_client(attempt: _Attempt, unverified: UnverifiedAssertion) -> None:
    """Refuse an assertion of one client in a request that names another."""
    refused = why_of_another(attempt.unverified_client_id, unverified)
    if refused is not None:
        raise refused


def _find_keys(attempt: _Attempt) -> list[ClientKey]:
    """Return the key that the assertion names, or all live keys if it names none."""
    if not _CLIENT_ID.fullmatch(attempt.unverified_client_id):
        return []
    client_id = attempt.unverified_client_id
    if not attempt.unverified_kid:
        return list(_KEYS.live(attempt.now).filter(client__client_id=client_id))
    if not _KID.fullmatch(attempt.unverified_kid):
        return []
    return list(_KEYS.filter(client__client_id=client_id, kid=attempt.unverified_kid))


def _find_client(attempt: _Attempt) -> Client | None:
    """Return the client that the request claims to come from, if it exists."""
    if not _CLIENT_ID.fullmatch(attempt.unverified_client_id):
        return None
    return Client.objects.existing().filter(client_id=attempt.unverified_client_id).first()


def _follow(attempt: _Attempt, pointers: Pointers) -> None:
    """Find the client that a refused request points to, and the key of it that it names."""
    if attempt.client is None:
        clients = Client.objects.existing().filter(client_id__in=pointers.client_ids)
        by_id = {client.client_id: client for client in clients}
        known = (by_id[each] for each in pointers.client_ids if each in by_id)
        attempt.client = next(known, None)
    if attempt.key is not None or not pointers.kid:
        return
    attempt.unverified_kid = pointers.kid
    keys = ClientKey.objects.select_related("client").filter(kid=pointers.kid)
    if attempt.client:
        keys = keys.filter(client=attempt.client)
    found = list(keys[:2])
    if len(found) == 1:  # a kid that several clients have identifies none of them
        [attempt.key] = found
        attempt.client = found[0].client


def _record(attempt: _Attempt, refused: Refused) -> None:
    """Record the cause, for the client's members, in the operator's log and in its metrics."""
    REFUSALS.labels(refused.reason).inc()
    client = attempt.client
    kid = attempt.unverified_kid if _KID.fullmatch(attempt.unverified_kid) else ""
    RefusedRequest.objects.create(
        client=client,
        key=attempt.key,
        kid=kid,
        reason=refused.reason,
        seen=refused.found[:MAX_SEEN],
        expected=refused.needed[:MAX_SEEN],
        reference=attempt.reference,
        at=attempt.now,
    )
    log_facts(
        logger,
        logging.INFO,
        "Client not authenticated",
        reason=refused.reason,
        client=client.client_id if client else "unknown",
        kid=kid or "none",
        reference=attempt.reference,
    )


def new_reference() -> str:
    """Return a random reference for a request: 80 bits in lower-case base32."""
    return b32encode(secrets.token_bytes(10)).decode("ascii").lower()
