"""Pages of very long lists: each begins where the last one ended, and nothing is counted.

Newest first. A page is found by the row beside it (`before` an older page, `after` a newer one), so
that the millionth row costs as much as the first, and rows that come in meanwhile shift nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows, newest first, and what to ask for the pages beside them (None: there is none)."""

    rows: list[Item]
    before: Any = None
    after: Any = None


def page_of(
    queryset: QuerySet[Row],
    *,
    size: int,
    order: Sequence[str] = ("pk",),
    before: Any = None,
    after: Any = None,
) -> Page[Row]:
    """Return the rows that are older than the row `before`, or newer than `after`, or the newest.

    `before` and `after` are primary keys. `order` names the fields that rows are ordered by, all of
    them descending, the last one unique. A row that is not there gives an empty page.
    """
    newer = after is not None
    anchor = after if newer else before
    if anchor is not None:
        everything = queryset.model._default_manager  # noqa: SLF001 - Django's documented name
        position = everything.filter(pk=anchor).values_list(*order).first()
        if position is None:
            return Page([])
        queryset = queryset.filter(_beyond(order, position, "gt" if newer else "lt"))
    directions = order if newer else [f"-{field}" for field in order]
    found = list(queryset.order_by(*directions)[: size + 1])
    rows, more = found[:size], len(found) > size
    if newer:
        rows.reverse()
    if not rows:
        return Page([])
    return Page(
        rows,
        before=rows[-1].pk if more or newer else None,
        after=rows[0].pk if (more if newer else before is not None) else None,
    )


def batches(queryset: QuerySet[Row], *, size: int) -> Iterator[list[Row]]:
    """Yield all rows by descending primary key, `size` at a time, each batch by a query of its own.

    Not a database cursor: with a long export that would hold a transaction, or a copy of the whole
    result on the database's disk, and it does not work behind a pooler of transactions.
    """
    last: Any = None
    while rows := list(
        (queryset if last is None else queryset.filter(pk__lt=last)).order_by("-pk")[:size]
    ):
        yield rows
        last = rows[-1].pk


def _beyond(order: Sequence[str], position: Sequence[Any], comparison: str) -> Q:
    """Return the condition that a row comes after the position, for one or two fields.

    The first field is bounded on its own too: that is the part which an index serves.
    """
    first, *rest = order
    if not rest:
        return Q((f"{first}__{comparison}", position[0]))
    tie = Q((first, position[0])) & _beyond(rest, position[1:], comparison)
    bound = Q((f"{first}__{comparison}e", position[0]))
    return bound & (Q((f"{first}__{comparison}", position[0])) | tie)
