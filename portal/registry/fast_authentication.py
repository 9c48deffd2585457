"""Authenticate clients by keys in memory, and many in one statement (ADR 0024)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from django.db import DEFAULT_DB_ALIAS
from django.db.models import DEFERRED, Model
from django.utils import timezone

from portal.core.assertion import VerifiedAssertion, client_assertion_of, parse_unverified, verify
from portal.core.reasons import Refused
from portal.registry.actions.authenticate_client import (
    Authenticated,
    new_reference,
    refuse_private_key,
)
from portal.registry.batching import Batches
from portal.registry.expectations import expectation_for
from portal.registry.issuing import PATIENCE_S, Consumed, NotDecided, TokenDatabase, TokenRequest
from portal.registry.models import Client, ClientKey
from portal.registry.regexes import CLIENT_ID, KID
from portal.registry.signing_keys import SigningKey, SigningKeys

MOST: Final = 256
"""How many requests one statement decides."""

_CLIENT_ID: Final = re.compile(CLIENT_ID)
_KID: Final = re.compile(KID)
_Row = TypeVar("_Row", bound=Model)


class Signed(NamedTuple):
    """A verified assertion, and the key that made it. The key may have been revoked since."""

    verified: VerifiedAssertion
    key: SigningKey


class FastAuthentication:
    """Authenticates clients whose assertion is as it should be.

    It returns None for all others. `authenticate_client` then decides them from the beginning, and
    records the cause if it refuses them.
    """

    def __init__(self, keys: SigningKeys, database: TokenDatabase, *, waiting: int) -> None:
        """Take the keys in memory, the database, and how many requests may wait for it."""
        self._keys = keys
        self._reads = Batches(
            database.read_keys, name="keys", most=MOST, waiting=waiting, patience_s=PATIENCE_S
        )
        self._requests = Batches(
            database.issue, name="requests", most=MOST, waiting=waiting, patience_s=PATIENCE_S
        )

    def authenticate(
        self, parameters: Mapping[str, Sequence[str]], *, network: str = ""
    ) -> Authenticated | None:
        """Return the client whose assertion is in the request, and consume the assertion's `jti`.

        `parameters` has all values of each parameter, and `network` is where the request came from,
        as it is stored. Raises `BatchesFull`, or `OutcomeUnknown` if PostgreSQL does not answer.
        """
        at = timezone.now()
        signed = self.verify(parameters, at)
        if signed is None:
            return None
        request = TokenRequest(signed.verified, signed.key, new_reference(), at, network=network)
        consumed = self.consume(request)
        return consumed and _authenticated(request, consumed)

    def verify(self, parameters: Mapping[str, Sequence[str]], at: datetime) -> Signed | None:
        """Return the assertion in the request, if it is valid at this time and names its key.

        Its `jti` and the state of its key are left to `consume`. Raises as `authenticate`.
        """
        try:
            given = client_assertion_of(parameters)
            unverified = parse_unverified(given.assertion)
            client_id = given.client_id or unverified.unverified_client_id or ""
            kid = unverified.unverified_kid or ""
            if not (_CLIENT_ID.fullmatch(client_id) and _KID.fullmatch(kid)):
                return None
            key = self._keys.find(client_id, kid) or self._read_key(client_id, kid)
            if key is None:
                return None
            verified = verify(unverified, expectation_for(client_id, [key.candidate], at))
            refuse_private_key(parameters, unverified)
        except (Refused, NotDecided):
            return None
        return Signed(verified, key)

    def consume(self, request: TokenRequest) -> Consumed | None:
        """Consume the assertion and store the token, if any; return None if nothing was stored.

        Raises as `authenticate`.
        """
        try:
            consumed = self._requests.decide(request)
        except NotDecided:
            consumed = None
        if consumed is None:
            self._keys.forget(request.key)
        return consumed

    def _read_key(self, client_id: str, kid: str) -> SigningKey | None:
        clearings = self._keys.clearings
        key = self._reads.decide((client_id, kid))
        if key is not None:
            self._keys.put(key, clearings)
        return key


def _authenticated(request: TokenRequest, consumed: Consumed) -> Authenticated:
    """Return the client and the key of a request, with the ids that the statement has found.

    The statement has compared the rights with those in memory, and demanded a usable client. All
    other fields are read from the database when somebody asks for them.
    """
    known = request.key.client
    client = _loaded(
        Client,
        id=consumed.client_pk,
        client_id=known.client_id,
        scopes=known.scopes,
        grant_types=known.grant_types,
        resources=known.resources,
        redirect_uris=known.redirect_uris,
        suspended_at=None,
        archived_at=None,
    )
    key = _loaded(
        ClientKey,
        id=consumed.key_pk,
        kid=request.verified.kid,
        alg=request.key.candidate.alg,
        client_id=client.pk,
        **asdict(consumed.lifecycle),
    )
    key.client = client
    return Authenticated(client, key, request.reference)


def _loaded(model: type[_Row], **known: Any) -> _Row:
    """Return a row with these columns, as if the others were deferred."""
    columns = [field.attname for field in model._meta.concrete_fields]  # noqa: SLF001 - Django's name
    return model.from_db(DEFAULT_DB_ALIAS, columns, [known.get(each, DEFERRED) for each in columns])
