"""The token requests of a client, refused and accepted ones in one list, newest first.

They stand in two tables, each in the order of its own numbers. A `Cursor` names a number in each;
what is below it is older. So the millionth request costs as much as the first, and requests that
come in meanwhile shift nothing (see `paging`).
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
"""How many requests are looked at for the latest of an outcome."""


class RequestOutcome(StrEnum):
    """How a token request ended."""

    REFUSED = "refused"
    ACCEPTED = "accepted"


class Cursor(NamedTuple):
    """A place between two requests: in each table, numbers below are older than it."""

    refused: int
    accepted: int


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request that was refused or accepted.

    Of a refused one nothing is proven: `client`, `key` and `kid` are what it claimed. `reason` is
    empty when it was accepted. `kid_sent` tells of an accepted one whether its header named the
    key, where that was recorded.
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
    """Return a page of the client's requests: the newest, those before a cut, or those after one.

    The `before` and `after` of the page are the cuts to ask for the pages beside it with.
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
    """Leave out what was accepted and then refused its grant: that is in both tables.

    So a page may have fewer rows: to fill it up, any number of rows might have to be read.
    """
    accepted = [each.reference for each in requests if not each.is_refused]
    refused = RefusedRequest.objects.filter(reference__in=accepted)
    twice = set(refused.values_list("reference", flat=True))
    return [each for each in requests if each.is_refused or each.reference not in twice]


def latest_token_request(client: Client, only: RequestOutcome) -> TokenRequest | None:
    """Return the client's newest request of this outcome, if there is one.

    Of so many, that is: what was accepted and then refused its grant counts as refused.
    """
    return next(iter(token_requests(client, size=_LATEST, only=only).rows), None)


def find_token_request(client: Client, reference: str) -> TokenRequest | None:
    """Return the client's request of this reference, if there is one."""
    found = find_refused_request(reference)
    if found is None:
        redeemed = RedeemedAssertion.objects.select_related("client", "key")
        accepted = redeemed.filter(reference=reference).first()
        found = _of_accepted(accepted) if accepted else None
    return found if found and found.client == client else None


def find_refused_request(reference: str) -> TokenRequest | None:
    """Return the refused request of this reference, whosever it is, if there is one."""
    found = RefusedRequest.objects.select_related("client", "key").filter(reference=reference)
    refused = found.first()
    return _of_refused(refused) if refused else None


def _some(
    table: Manager[_Row], client: Client, cursor: int | None, *, newer: bool, size: int
) -> list[_Row]:
    """Return the client's rows nearest to the cut on one side of it, the nearest first."""
    rows = table.prefetch_related(Prefetch("key", ClientKey.objects.defer("pem", "jwk")))
    if cursor is not None:
        rows = rows.filter(pk__gte=cursor) if newer else rows.filter(pk__lt=cursor)
    found = list(newest_of(rows, "client", client.pk, oldest_first=newer)[:size])
    for row in found:
        row.client = client
    return found


def _above(rows: Sequence[Model]) -> int:
    """Return the cut above the newest rows, which stand newest first."""
    return rows[0].pk + 1 if rows else 0


def _far(shown: list[int], near: int, *, newer: bool) -> int:
    """Return the cut beyond the rows that are shown; where none is, it stays where it was."""
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
