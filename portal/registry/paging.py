"""Keyset pagination for very long lists. The cost of a page does not depend on the list's length.

A page is found by the row next to it (`before`: the next page, `after`: the previous one). So the
millionth row costs as much as the first, and new rows do not move the pages. If rows match rarely,
a page examines a limited number of candidates and then stops; so does a count.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from django.db.models import (
    BooleanField,
    F,
    Func,
    IntegerField,
    Model,
    Q,
    QuerySet,
    Subquery,
    Value,
)

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)

SCAN: Final = 10_000
"""How many candidates a page or a count examines at most."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some rows, and the cursors of the next and the previous page (None: no such page).

    `stopped`: the page has fewer rows than fit because it examined `SCAN` candidates. The next page
    (or the previous one, for `after`) continues there.
    """

    rows: list[Item]
    before: Any = None
    after: Any = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows match. If `is_exact` is false, at least so many."""

    number: int
    is_exact: bool = True


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
    candidates: QuerySet[Row] | None = None,
    index_filter: IndexFilter | None = None,
    order: Sequence[str] = ("-pk",),
    anchors: QuerySet[Row] | None = None,
    before: Any = None,
    after: Any = None,
) -> Page[Row]:
    """Return the first rows in the order, or those after the row `before`, or before row `after`.

    `before` and `after` are primary keys; if the row does not exist, the page is empty. `order`
    names the fields as in `order_by`: all in the same direction, the last one unique. With an
    `index_filter` it must be `-pk`. `candidates` are rows that an index finds in this order, among
    them all of the `queryset`; the page examines at most `SCAN` of them. `anchors` are all rows of
    the model, with the annotations that the order names.
    """
    backwards = after is not None
    anchor = after if backwards else before
    directions = _reversed(order) if backwards else list(order)
    if anchor is not None:
        if anchors is None:
            anchors = queryset.model._default_manager.all()  # noqa: SLF001 - Django's documented name
        position = anchors.filter(pk=anchor).values_list(*_names(order)).first()
        if position is None:
            return Page([])
        farther = _beyond(directions, position)
        queryset = queryset.filter(farther)
        candidates = None if candidates is None else candidates.filter(farther)
    end = None if candidates is None else _end_of_scan(candidates, index_filter, directions)
    if end is not None:
        queryset = queryset.filter(_up_to(directions, end))
    if index_filter:
        found = _merged(queryset, index_filter, size=size + 1, oldest_first=backwards)
    else:
        found = list(queryset.order_by(*directions)[: size + 1])
    rows, more = found[:size], len(found) > size
    stopped = end is not None and not more
    farthest = end[-1] if end is not None and stopped else rows[-1].pk if more else None
    if not backwards:
        nearest = rows[0].pk if rows and before is not None else None
        return Page(rows, before=farthest, after=nearest, stopped=stopped)
    rows.reverse()
    return Page(rows, before=rows[-1].pk if rows else None, after=farthest, stopped=stopped)


def count_of(
    queryset: QuerySet[Row],
    *,
    candidates: QuerySet[Row],
    index_filter: IndexFilter | None = None,
    order: Sequence[str] = ("-pk",),
) -> Count:
    """Return how many rows match, among the first `SCAN` candidates. The arguments: see `page_of`.

    If all candidates match, `queryset` is `candidates`.
    """
    end = None
    if queryset is not candidates:
        end = _end_of_scan(candidates, index_filter, order)
    if end is not None:
        queryset = queryset.filter(_up_to(order, end))
    if index_filter:
        found = [newest_of(queryset, index_filter.field, each) for each in index_filter.values]
    else:
        found = [queryset.order_by(*order)]
    share = _share(index_filter)
    # In order, as statistics may say that another way to the rows is short.
    numbers = [rows[: share + 1].count() for rows in found]
    is_exact = end is None and max(numbers) <= share
    return Count(sum(min(number, share) for number in numbers), is_exact=is_exact)


class BoundedCount(Subquery):
    """The number of rows of a queryset in an annotation; at most `limit`, which bounds its cost."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()

    def __init__(self, queryset: QuerySet[Any], *, limit: int) -> None:
        super().__init__(queryset.order_by().values("pk")[:limit])


def _end_of_scan(
    candidates: QuerySet[Any], index_filter: IndexFilter | None, directions: Sequence[str]
) -> tuple[Any, ...] | None:
    """Return the position of the last candidate to examine; None if that is all of them."""
    if index_filter is None:
        return _end_after(candidates.order_by(*directions), directions, SCAN)
    forwards = directions[0].startswith("-")
    share = _share(index_filter)
    ends = []
    for value in index_filter.values:
        rows = newest_of(candidates, index_filter.field, value, oldest_first=not forwards)
        end = _end_after(rows, directions, share)
        if end is not None:
            ends.append(end)
    # The nearest one, so that no value has more than its share.
    return (max if forwards else min)(ends, default=None)


def _share(index_filter: IndexFilter | None) -> int:
    """Return how many candidates of each value are examined."""
    return max(1, SCAN // len(index_filter.values)) if index_filter else SCAN


def _end_after(
    rows: QuerySet[Any], directions: Sequence[str], number: int
) -> tuple[Any, ...] | None:
    positions = list(rows.values_list(*_names(directions))[number - 1 : number + 1])
    return positions[0] if len(positions) == 2 else None


def _names(order: Sequence[str]) -> list[str]:
    return [field.removeprefix("-") for field in order]


def _reversed(order: Sequence[str]) -> list[str]:
    return [field[1:] if field.startswith("-") else f"-{field}" for field in order]


def _beyond(directions: Sequence[str], position: Sequence[Any]) -> Q:
    comparison = "lt" if directions[0].startswith("-") else "gt"
    return beyond(_names(directions), position, comparison)


def _up_to(directions: Sequence[str], position: Sequence[Any]) -> Q:
    comparison = "gt" if directions[0].startswith("-") else "lt"
    return beyond(_names(directions), position, comparison, or_at=True)


def batches(
    queryset: QuerySet[Row],
    *,
    size: int,
    index_filter: IndexFilter | None = None,
    order: Sequence[str] = ("-pk",),
) -> Iterator[list[Row]]:
    """Yield all rows in the order, in batches of `size`, with one query each; see `page_of`.

    Not a database cursor: during a long export, that would hold a transaction or a copy of the
    whole result on the database's disk. It also does not work behind a transaction pooler.
    """
    rest = queryset
    while (
        rows := _merged(rest, index_filter, size=size)
        if index_filter
        else list(rest.order_by(*order)[:size])
    ):
        yield rows
        rest = queryset.filter(_beyond(order, [getattr(rows[-1], each) for each in _names(order)]))


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


def beyond(
    order: Sequence[str], position: Sequence[Any], comparison: str, *, or_at: bool = False
) -> Q:
    """Return the condition that a row is beyond the position, compared field by field.

    `comparison` is "lt" or "gt". With `or_at`, the row at the position also counts. The first field
    has a bound of its own too: that is the part an index can use.
    """
    first, *rest = order
    if not rest:
        return Q((f"{first}__{comparison}{'e' * or_at}", position[0]))
    tie = Q((first, position[0])) & beyond(rest, position[1:], comparison, or_at=or_at)
    bound = Q((f"{first}__{comparison}e", position[0]))
    return bound & (Q((f"{first}__{comparison}", position[0])) | tie)
