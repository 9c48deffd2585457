"""The token requests of a client, refused and accepted ones in one list, newest first.

They stand in two tables, each in the order of its own numbers. A page is cut out of both at once: a
`Cut` names a number in each, and what is below it is older. So the millionth request costs as much
as the first, and requests that come in meanwhile shift nothing (see `paging`).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Final, NamedTuple, TypeVar

from django.db.models import Exists, Model, OuterRef, QuerySet

from portal.registry.models import Client, ClientKey, RedeemedAssertion, RefusedRequest
from portal.registry.paging import Page

_Row = TypeVar("_Row", RefusedRequest, RedeemedAssertion)
_HEAVY: Final = ("key__pem", "key__jwk")


class Outcome(StrEnum):
    """How a token request ended."""

    REFUSED = "refused"
    ACCEPTED = "accepted"


class Cut(NamedTuple):
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
    only: Outcome | None = None,
    before: Cut | None = None,
    after: Cut | None = None,
) -> Page[TokenRequest]:
    """Return a page of the client's requests: the newest, those before a cut, or those after one.

    The `before` and `after` of the page are the cuts to ask for the pages beside it with.
    """
    cut, newer = (after, True) if after else (before, False)
    refused: list[RefusedRequest] = []
    accepted: list[RedeemedAssertion] = []
    if only != Outcome.ACCEPTED:
        refused = _some(_refused(client), cut and cut.refused, newer=newer, size=size + 1)
    if only != Outcome.REFUSED:
        accepted = _some(_accepted(client), cut and cut.accepted, newer=newer, size=size + 1)
    told = (map(_of_refused, refused), map(_of_accepted, accepted))
    merged = list(heapq.merge(*told, key=attrgetter("at"), reverse=not newer))
    rows, more = merged[:size], len(merged) > size
    if not rows:
        return Page([])
    near = cut or Cut(_above(refused), _above(accepted))
    far = Cut(
        _far([row.row for row in rows if row.is_refused], near.refused, newer=newer),
        _far([row.row for row in rows if not row.is_refused], near.accepted, newer=newer),
    )
    if newer:
        return Page(rows[::-1], before=near, after=far if more else None)
    return Page(rows, before=far if more else None, after=near if cut else None)


def latest_token_request(client: Client, only: Outcome | None = None) -> TokenRequest | None:
    """Return the client's newest request, of this outcome if one is given, if there is one."""
    return next(iter(token_requests(client, size=1, only=only).rows), None)


def find_token_request(client: Client, reference: str) -> TokenRequest | None:
    """Return the client's request of this reference, if there is one."""
    if refused := _refused(client).filter(reference=reference).first():
        return _of_refused(refused)
    # Without an index of its own, which each token request would have to pay for: the one of the
    # client leads to those of TOKEN_REQUEST_DAYS, and people look up accepted ones rarely.
    accepted = RedeemedAssertion.objects.filter(client=client, reference=reference)
    found = accepted.select_related("client", "key").first()
    return _of_accepted(found) if found else None


def find_refused_request(reference: str) -> TokenRequest | None:
    """Return the refused request of this reference, whosever it is, if there is one."""
    found = RefusedRequest.objects.select_related("client", "key").filter(reference=reference)
    refused = found.first()
    return _of_refused(refused) if refused else None


def _refused(client: Client) -> QuerySet[RefusedRequest]:
    return (
        RefusedRequest.objects.filter(client=client).select_related("client", "key").defer(*_HEAVY)
    )


def _accepted(client: Client) -> QuerySet[RedeemedAssertion]:
    """Return what was accepted to the end: a grant refused after the sign-in is in both tables."""
    refused = RefusedRequest.objects.filter(reference=OuterRef("reference"))
    return (
        RedeemedAssertion.objects.filter(~Exists(refused), client=client)
        .select_related("client", "key")
        .defer(*_HEAVY)
    )


def _some(rows: QuerySet[_Row], cut: int | None, *, newer: bool, size: int) -> list[_Row]:
    """Return the rows nearest to the cut on one side of it, the nearest first."""
    if cut is not None:
        rows = rows.filter(pk__gte=cut) if newer else rows.filter(pk__lt=cut)
    return list(rows.order_by("pk" if newer else "-pk")[:size])


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
