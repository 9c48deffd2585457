"""Pages of very long lists: each begins where the last one ended, and nothing is counted.

Newest first. A page is found by the row beside it (`before` an older page, `after` a newer one), so
that the millionth row costs as much as the first, and rows that come in meanwhile shift nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db.models import BooleanField, F, Func, Model, Q, QuerySet, Value

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows, newest first, and what to ask for the pages beside them (None: there is none)."""

    rows: list[Item]
    before: Any = None
    after: Any = None


class _Only(Func):
    """The condition `field = value`, which PostgreSQL does not know to leave one value only.

    Of `field = value` it does, so it drops the field from ORDER BY field, id. It may then walk
    through the primary key to the first rows of the value: through the whole table, where
    statistics call the value frequent and it has no row. With `= ANY` no other index than that of
    (field, id) has the order.
    """

    arg_joiner = " = "
    template = "%(expressions)s"
    output_field = BooleanField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        array = {"arg_joiner": " = ANY (ARRAY[", "template": "%(expressions)s])"}
        return self.as_sql(compiler, connection, **array, **context)


def newest_of(
    rows: QuerySet[Row], field: str, value: Any, *, oldest_first: bool = False
) -> QuerySet[Row]:
    """Return the rows of one value of a field, newest first; the value may be an `OuterRef`.

    For a field with an index on (field, -id). The first of them cost what they cost, however many
    others there are and whatever the statistics say. The rows may join nothing (`prefetch_related`
    is good): where few are expected all of them are joined, and sorted after that.
    """
    column = getattr(rows.model, field).field.attname
    order = (f"-{column}", "pk") if oldest_first else (column, "-pk")
    if value is None:
        return rows.filter(**{f"{column}__isnull": True}).order_by(*order)
    value = value if isinstance(value, F) else Value(value)
    return rows.filter(_Only(F(column), value)).order_by(*order)


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """The field by which rows are found, with the values that are wanted: see `newest_of`."""

    field: str
    values: Sequence[Any]


def page_of(
    queryset: QuerySet[Row],
    *,
    size: int,
    index_filter: IndexFilter | None = None,
    order: Sequence[str] = ("pk",),
    before: Any = None,
    after: Any = None,
) -> Page[Row]:
    """Return the rows that are older than the row `before`, or newer than `after`, or the newest.

    `before` and `after` are primary keys. `order` names the fields that rows are ordered by, all of
    them descending, the last one unique; with an `index_filter` it is the primary key.
    A row that is not there gives an empty page.
    """
    newer = after is not None
    anchor = after if newer else before
    if anchor is not None:
        everything = queryset.model._default_manager  # noqa: SLF001 - Django's documented name
        position = everything.filter(pk=anchor).values_list(*order).first()
        if position is None:
            return Page([])
        queryset = queryset.filter(beyond(order, position, "gt" if newer else "lt"))
    if index_filter:
        found = _merged(queryset, index_filter, size=size + 1, oldest_first=newer)
    else:
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


def batches(
    queryset: QuerySet[Row], *, size: int, index_filter: IndexFilter | None = None
) -> Iterator[list[Row]]:
    """Yield all rows by descending primary key, `size` at a time, each batch by a query of its own.

    Not a database cursor: with a long export that would hold a transaction, or a copy of the whole
    result on the database's disk, and it does not work behind a pooler of transactions.
    """
    rest = queryset
    while (
        rows := _merged(rest, index_filter, size=size)
        if index_filter
        else list(rest.order_by("-pk")[:size])
    ):
        yield rows
        rest = queryset.filter(pk__lt=rows[-1].pk)


def _merged(
    queryset: QuerySet[Row], index_filter: IndexFilter, *, size: int, oldest_first: bool = False
) -> list[Row]:
    """Return the first rows of all values of the lead together."""
    found = [
        newest_of(queryset, index_filter.field, value, oldest_first=oldest_first)[:size]
        for value in index_filter.values
    ]
    if len(found) == 1:
        return list(found[0])
    # An index has the rows of each value in order, and not those of several.
    keys = (rows.values_list("pk", flat=True) for rows in found)
    first = list(islice(heapq.merge(*keys, reverse=not oldest_first), size))
    return list(queryset.filter(pk__in=first).order_by("pk" if oldest_first else "-pk"))


def beyond(order: Sequence[str], position: Sequence[Any], comparison: str) -> Q:
    """Return the condition that a row comes after the position, for one or two fields.

    The first field is bounded on its own too: that is the part which an index serves.
    """
    first, *rest = order
    if not rest:
        return Q((f"{first}__{comparison}", position[0]))
    tie = Q((first, position[0])) & beyond(rest, position[1:], comparison)
    bound = Q((f"{first}__{comparison}e", position[0]))
    return bound & (Q((f"{first}__{comparison}", position[0])) | tie)
