"""Keyset pagination for very long lists, newest first. It counts nothing.

A page is found by the row next to it (`before`: the older page, `after`: the newer one). So the
millionth row costs as much as the first, and new rows do not move the pages.
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
    """Some rows, newest first, and the cursors of the older and newer page (None: no such page)."""

    rows: list[Item]
    before: Any = None
    after: Any = None


class _Only(Func):
    """The condition `field = value`, written so that PostgreSQL does not see it allows one value.

    With a plain `field = value`, PostgreSQL drops the field from ORDER BY field, id. It may then
    scan the primary key for rows with the value, which reads the whole table if statistics call the
    value frequent but no row has it. With `= ANY`, only the index on (field, id) gives the order.
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
    """Return the rows with one value of a field, newest first. The value may be an `OuterRef`.

    The field needs an index on (field, -id). The cost of the first rows then depends neither on the
    number of other rows nor on the statistics. `rows` must not join tables (`prefetch_related` is
    fine): if PostgreSQL expects few rows, it joins all of them before it sorts.
    """
    column = getattr(rows.model, field).field.attname
    order = (f"-{column}", "pk") if oldest_first else (column, "-pk")
    if value is None:
        return rows.filter(**{f"{column}__isnull": True}).order_by(*order)
    value = value if isinstance(value, F) else Value(value)
    return rows.filter(_Only(F(column), value)).order_by(*order)


@dataclass(frozen=True, slots=True)
class IndexFilter:
    """A field to find rows by, and the values wanted. See `newest_of`."""

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
    """Return the rows older than the row `before`, or newer than `after`, or else the newest.

    `before` and `after` are primary keys. `order` names the fields to sort by, all descending and
    the last one unique; with an `index_filter` it must be the primary key. If the row `before` or
    `after` does not exist, the page is empty.
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
    """Yield all rows by descending primary key, in batches of `size`, with one query each.

    Not a database cursor: during a long export, that would hold a transaction or a copy of the
    whole result on the database's disk. It also does not work behind a transaction pooler.
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
    """Return the first rows over all values of the filter together."""
    found = [
        newest_of(queryset, index_filter.field, value, oldest_first=oldest_first)[:size]
        for value in index_filter.values
    ]
    if len(found) == 1:
        return list(found[0])
    # The index orders the rows of one value, not those of several.
    keys = (rows.values_list("pk", flat=True) for rows in found)
    first = list(islice(heapq.merge(*keys, reverse=not oldest_first), size))
    return list(queryset.filter(pk__in=first).order_by("pk" if oldest_first else "-pk"))


def beyond(order: Sequence[str], position: Sequence[Any], comparison: str) -> Q:
    """Return the condition that a row is beyond the position, compared field by field.

    The first field has a bound of its own too: that is the part an index can use.
    """
    first, *rest = order
    if not rest:
        return Q((f"{first}__{comparison}", position[0]))
    tie = Q((first, position[0])) & beyond(rest, position[1:], comparison)
    bound = Q((f"{first}__{comparison}e", position[0]))
    return bound & (Q((f"{first}__{comparison}", position[0])) | tie)
