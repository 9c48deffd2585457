"""The token requests of a client: refused and accepted ones in one list, newest first.

They are in two tables, each ordered by its primary key. A `Cursor` holds a primary key for each
table; rows below it are older. So the millionth request costs as much as the first, and new
requests do not move the pages (see `paging`).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

from django.db.models import Manager, Model, Prefetch

from portal.registry.models import Client, ClientKey, RedeemedAssertion, RefusedRequest
from portal.registry.paging import Page, newest_of

_Row = TypeVar("_Row", RefusedRequest, RedeemedAssertion)
_LATEST: Final = 20
"""How many requests are read to find the latest one with an outcome."""


class RequestOutcome(StrEnum):
    """How a token request ended."""

    REFUSED = "refused"
    ACCEPTED = "accepted"


class Cursor(NamedTuple):
    """A position between two requests. In each table, rows with lower primary keys are older."""

    refused: int
    accepted: int


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request that was refused or accepted.

    If it was refused, nothing is proven: `client`, `key` and `kid` are what the request claimed.
    `reason` is empty if it was accepted. `kid_sent` says whether the header of an accepted request
    named the key, and is None if that was not recorded.
    """

    reference: str
    at: datetime
    client: Client | None
    key: ClientKey | None
    kid: str
    reason: str = ""
    seen: str = ""
    expected: str = ""
    kid_sent: bool | None = None
    row: int = 0

    @property
    def is_refused(self) -> bool:
        """Whether the request was refused."""
        return bool(self.reason)


def token_requests(
    client: Client,
    *,
    size: int,
    only: RequestOutcome | None = None,
    before: Cursor | None = None,
    after: Cursor | None = None,
) -> Page[TokenRequest]:
    """Return a page of the client's requests: the newest, or those `before` or `after` a cursor.

    The page's `before` and `after` are the cursors of the older and the newer page.
    """
    cursor, newer = (after, True) if after else (before, False)
    refused: list[RefusedRequest] = []
    accepted: list[RedeemedAssertion] = []
    if only != RequestOutcome.ACCEPTED:
        refused = _some(
            RefusedRequest.objects, client, cursor and cursor.refused, newer=newer, size=size + 1
        )
    if only != RequestOutcome.REFUSED:
        accepted = _some(
            RedeemedAssertion.objects,
            client,
            cursor and cursor.accepted,
            newer=newer,
            size=size + 1,
        )
    rows_of_both = (map(_of_refused, refused), map(_of_accepted, accepted))
    merged = list(heapq.merge(*rows_of_both, key=attrgetter("at"), reverse=not newer))
    found, more = merged[:size], len(merged) > size
    if not found:
        return Page([])
    near = cursor or Cursor(_above(refused), _above(accepted))
    far = Cursor(
        _far([each.row for each in found if each.is_refused], near.refused, newer=newer),
        _far([each.row for each in found if not each.is_refused], near.accepted, newer=newer),
    )
    rows = _to_the_end(found)
    if newer:
        return Page(rows[::-1], before=near, after=far if more else None)
    return Page(rows, before=far if more else None, after=near if cursor else None)


def _to_the_end(requests: list[TokenRequest]) -> list[TokenRequest]:
    """Leave out accepted requests whose grant was then refused: they are in both tables.

    So a page can be short: filling it up could mean reading any number of rows.
    """
    accepted = [each.reference for each in requests if not each.is_refused]
    refused = RefusedRequest.objects.filter(reference__in=accepted)
    twice = set(refused.values_list("reference", flat=True))
    return [each for each in requests if each.is_refused or each.reference not in twice]


def latest_token_request(client: Client, only: RequestOutcome) -> TokenRequest | None:
    """Return the client's newest request with this outcome, if there is one.

    Reads only the newest `_LATEST`. A request whose grant was refused counts as refused.
    """
    return next(iter(token_requests(client, size=_LATEST, only=only).rows), None)


def find_token_request(client: Client, reference: str) -> TokenRequest | None:
    """Return the client's request with this reference, if there is one."""
    found = find_refused_request(reference)
    if found is None:
        redeemed = RedeemedAssertion.objects.select_related("client", "key")
        accepted = redeemed.filter(reference=reference).first()
        found = _of_accepted(accepted) if accepted else None
    return found if found and found.client == client else None


def find_refused_request(reference: str) -> TokenRequest | None:
    """Return the refused request with this reference, of any client, if there is one."""
    found = RefusedRequest.objects.select_related("client", "key").filter(reference=reference)
    refused = found.first()
    return _of_refused(refused) if refused else None


def _some(
    table: Manager[_Row], client: Client, cursor: int | None, *, newer: bool, size: int
) -> list[_Row]:
    """Return the client's rows on one side of the cursor, nearest first."""
    rows = table.prefetch_related(Prefetch("key", ClientKey.objects.defer("pem", "jwk")))
    if cursor is not None:
        rows = rows.filter(pk__gte=cursor) if newer else rows.filter(pk__lt=cursor)
    found = list(newest_of(rows, "client", client.pk, oldest_first=newer)[:size])
    for row in found:
        row.client = client
    return found


def _above(rows: Sequence[Model]) -> int:
    """Return the cursor above these rows, which are sorted newest first."""
    return rows[0].pk + 1 if rows else 0


def _far(shown: list[int], near: int, *, newer: bool) -> int:
    """Return the cursor beyond the rows shown, or `near` if none is shown."""
    return (shown[-1] + newer) if shown else near


def _of_refused(row: RefusedRequest) -> TokenRequest:
    return TokenRequest(
        row.reference,
        row.at,
        row.client,
        row.key,
        row.key.kid if row.key else row.kid,
        row.reason,
        row.seen,
        row.expected,
        row=row.pk,
    )


def _of_accepted(row: RedeemedAssertion) -> TokenRequest:
    return TokenRequest(
        row.reference,
        row.at,
        row.client,
        row.key,
        row.key.kid,
        kid_sent=row.kid_sent,
        row=row.pk,
    )
