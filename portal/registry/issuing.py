"""Consume the assertions of clients and store their tokens: many in one statement (ADR 0024)."""

from __future__ import annotations

import json
import logging
import select
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any, Final, NamedTuple

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.utils import timezone

from portal.core.assertion import CandidateKey, VerifiedAssertion
from portal.core.lifecycle import Lifecycle
from portal.registry.batching import OutcomeUnknown
from portal.registry.ledger_source import bounded, conninfo_of_primary
from portal.registry.models import Client, ClientKey
from portal.registry.signing_keys import SigningKey
from portal.registry.statements import condition, is_direct

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 10.0
"""How long PostgreSQL may take for a statement. As long as other requests of clients wait."""


_SESSION: Final = {
    # A snapshot for each statement.
    "default_transaction_isolation": "read committed",
    # Indexes, also while PostgreSQL's statistics of a table are outdated.
    **dict.fromkeys(("enable_seqscan", "enable_hashjoin", "enable_mergejoin"), "off"),
}


_REFUSED: Final = (
    *(psycopg.DataError, psycopg.IntegrityError),
    *(psycopg.ProgrammingError, psycopg.NotSupportedError),
)


class NotDecided(Exception):  # noqa: N818 - a state, not an error in the code
    """PostgreSQL accepted no connection, or refused the statement: nothing of it was stored."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request of a client, with an assertion that was verified with `key`.

    `at` is when the request came in, and `network` where from, as it is stored. `token_sha256` is
    the hash of the token to store, in hexadecimal. Without one, only the assertion is consumed.
    """

    verified: VerifiedAssertion
    key: SigningKey
    reference: str
    at: datetime
    token_sha256: str | None = None
    scope: str = ""
    resource: Sequence[str] = ()
    network: str = ""


class Consumed(NamedTuple):
    """The ids of the client and the key whose assertion was consumed, and the dates of the key."""

    client_pk: int
    key_pk: int
    lifecycle: Lifecycle


class TokenDatabase:
    """The statements for token requests, on a connection of its own to the primary.

    The methods may be called from several threads. Their statements run one after the other.
    """

    def __init__(self) -> None:
        self._connection: psycopg.Connection[Any] | None = None
        self._opened = 0.0
        self._lock = Lock()

    def read_keys(self, names: Sequence[tuple[str, str]]) -> list[SigningKey | None]:
        """Return the key for each client_id and kid, in any state; None if there is none.

        Raises as `issue`.
        """
        asked = json.dumps([{"client": client_id, "kid": kid} for client_id, kid in names])
        with self._lock:
            rows = self._execute(self._connected(), _READ, {"rows": asked})
        found = {(client_id, kid): _key(client_id, kid, *rest) for client_id, kid, *rest in rows}
        return [found.get(name) for name in names]

    def issue(self, requests: Sequence[TokenRequest]) -> list[Consumed | None]:
        """Consume each assertion and store its token, if any; return whose assertions these were.

        Returns None for a request for which nothing was stored: the assertion was used before or
        has expired, the key is not live, not confirmed or not the one that was verified with, or
        the client's rights have changed.

        One statement, committed on its own, whose snapshot is younger than all the requests. So a
        key that was revoked before a request came in is refused. Raises `NotDecided`, or
        `OutcomeUnknown` if PostgreSQL did not answer.
        """
        sql, constant = _statement()
        rows = json.dumps([_row(each) for each in requests])
        with self._lock:
            connection = self._connected()
            # Not before the waits: what has expired meanwhile is refused.
            now = timezone.now()
            expires = now + timedelta(seconds=settings.ACCESS_TOKEN_SECONDS)
            parameters = {**constant, "rows": rows, "now": now, "expires": expires}
            found = self._execute(connection, sql, parameters)
        consumed = {
            reference: Consumed(client_pk, key_pk, Lifecycle(*dates))
            for reference, client_pk, key_pk, *dates in found
        }
        return [consumed.get(each.reference) for each in requests]

    def close(self) -> None:
        """Close the connection. The next statement opens another one."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()

    def _execute(
        self, connection: psycopg.Connection[Any], sql: str, parameters: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        try:
            return connection.execute(sql, parameters).fetchall()
        except BaseException as failure:
            # A statement that still runs must not answer the next one, and one that was prepared
            # for other tables is prepared again.
            connection.close()
            if isinstance(failure, _REFUSED):
                logger.exception("A batch of token requests was refused by PostgreSQL")
                raise NotDecided(str(failure)) from None
            logger.warning("A statement for token requests failed: %s", failure)
            if isinstance(failure, psycopg.Error):
                raise OutcomeUnknown(str(failure)) from None
            raise

    def _connected(self) -> psycopg.Connection[Any]:
        """Return the connection, a new one if need be. Raises `NotDecided` if there is none.

        It gets as old as Django's, so that both follow when a name leads to another server.
        """
        connection = self._connection
        # Django's own connection would be one object more in each of hundreds of threads.
        oldest = time.monotonic() - settings.DATABASES[DEFAULT_DB_ALIAS]["CONN_MAX_AGE"]
        if connection is not None and (
            connection.closed or self._opened < oldest or _is_ended(connection)
        ):
            connection.close()
            connection = None
        if connection is None:
            try:
                connection = self._connection = _connect()
            except psycopg.Error as failure:
                raise NotDecided(str(failure)) from None
            self._opened = time.monotonic()
        return connection


def _connect() -> psycopg.Connection[Any]:
    connection = psycopg.connect(
        conninfo_of_primary("portal: tokens"), autocommit=True, prepare_threshold=None
    )
    bounded(connection, PATIENCE_S)
    if is_direct(connection):
        for name, value in _SESSION.items():
            connection.execute("SELECT set_config(%s, %s, false)", [name, value])
        connection.prepare_threshold = 0
    return connection


def _is_ended(connection: psycopg.Connection[Any]) -> bool:
    """Return whether the server has said something since the last answer: that it ends."""
    poll = select.poll()  # `select` takes no descriptor above 1,023
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))


def _row(request: TokenRequest) -> dict[str, object]:
    verified, key = request.verified, request.key
    return {
        "client": verified.client_id,
        "kid": verified.kid,
        "alg": key.candidate.alg,
        "rights": key.rights,
        "jti": verified.jti_sha256,
        "kid_sent": verified.kid_sent,
        "reference": request.reference,
        "at": request.at.isoformat(),
        "expires": datetime.fromtimestamp(verified.expires_at, UTC).isoformat(),
        "token": request.token_sha256,
        "scope": request.scope,
        "resource": request.resource,
        "network": request.network,
    }


def _key(client_id: str, kid: str, alg: str, pem: str, rights: str) -> SigningKey:
    given = dict(zip(_RIGHTS_FIELDS, json.loads(rights), strict=True))
    return SigningKey(CandidateKey(kid, alg, pem), Client(client_id=client_id, **given), rights)


@cache
def _statement() -> tuple[str, dict[str, Any]]:
    """Return the statement, and its parameters that are always the same."""
    usable = condition(lambda _: Client.objects.usable())
    live = condition(lambda now: ClientKey.objects.live(now).filter(confirmed_at__isnull=False))
    return (
        _ISSUE.format(usable=usable.sql, live=live.sql, rights=_RIGHTS, dates=_DATES),
        {**usable.parameters, **live.parameters},
    )


_RIGHTS_FIELDS: Final = ("scopes", "grant_types", "resources", "redirect_uris")
_RIGHTS: Final = "jsonb_build_array({})::text".format(
    ", ".join(f'"registry_client"."{each}"' for each in _RIGHTS_FIELDS)
)
"""The rights of a client in one text. One that was never set is null."""

_DATES: Final = ", ".join(each.name for each in fields(Lifecycle))

_READ: Final = f"""
SELECT asked.client, asked.kid, "registry_clientkey"."alg", "registry_clientkey"."pem", {_RIGHTS}
FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS asked (client text, kid text)
JOIN "registry_client" ON "registry_client"."client_id" = asked.client
JOIN "registry_clientkey" ON "registry_clientkey"."client_id" = "registry_client"."id"
    AND "registry_clientkey"."kid" = asked.kid"""  # noqa: S608 - only SQL of ours is put in

# Rows go in sorted by what is unique: two statements with the same assertions in another order
# would each wait for the other.
_ISSUE: Final = """
WITH asked AS (
    SELECT * FROM jsonb_to_recordset(%(rows)s::text::jsonb) AS asked (
        client text, kid text, alg text, rights text, jti text, kid_sent boolean, reference text,
        at timestamptz, expires timestamptz, token text, scope text, resource jsonb,
        network text
    )
), good AS (
    SELECT asked.*, "registry_client"."id" AS client_pk, "registry_clientkey"."id" AS key_pk,
        {dates}
    FROM asked
    JOIN "registry_client" ON "registry_client"."client_id" = asked.client
    JOIN "registry_clientkey" ON "registry_clientkey"."client_id" = "registry_client"."id"
        AND "registry_clientkey"."kid" = asked.kid AND "registry_clientkey"."alg" = asked.alg
    WHERE {usable} AND {live} AND {rights} = asked.rights AND asked.expires > %(now)s
), redeemed AS (
    INSERT INTO registry_redeemedassertion
        (client_id, key_id, jti_sha256, reference, network, kid_sent, at, expires_at)
    SELECT client_pk, key_pk, jti, reference, network, kid_sent, at, expires FROM good
    ORDER BY client_pk, jti
    ON CONFLICT (client_id, jti_sha256) DO NOTHING
    RETURNING reference
), consumed AS MATERIALIZED (
    SELECT good.* FROM good JOIN redeemed USING (reference)
), stored AS (
    INSERT INTO registry_accesstoken
        (application_id, key_id, token, token_checksum, expires, scope, resource, created, updated)
    SELECT client_pk, key_pk, '', token, %(expires)s, scope, resource, %(now)s, %(now)s
    FROM consumed WHERE token IS NOT NULL
)
SELECT reference, client_pk, key_pk, {dates} FROM consumed"""
