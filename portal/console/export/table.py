"""The lists of the console that can be exported, with their columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from django.db.models import Model, QuerySet

from portal.console.export.formats import Format
from portal.console.filters.base import ListFilter
from portal.registry.paging import batches

Item = TypeVar("Item", bound=Model)

BATCH: Final = 2000
"""How many rows are loaded and written at a time. Composing their queries takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Table(Generic[Item]):
    """The rows of a list, and their columns with a description of each."""

    name: str
    """Names the file and the command: `events` for `export_events`."""
    filter: type[ListFilter[Item]]
    columns: Mapping[str, str]
    rows: Callable[[Sequence[Any], datetime], Iterator[dict[str, Any]]]
    """Returns the columns of each of some items, as they are at a time."""
    related: tuple[str, ...] = ()
    """The related rows that the columns need and the list does not load."""
    load: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows
    """Returns the queryset that gives the items, such as one of tuples."""

    def export(
        self, to: Format, asked: ListFilter[Item], rows: QuerySet[Item], now: datetime
    ) -> Iterator[bytes]:
        """Yield the rows in the format, in chunks of bytes, in the order of the list.

        `asked` is a valid filter, and `rows` are its rows, or some of them.
        """
        found = batches(
            self.load(rows.prefetch_related(*self.related)),
            size=BATCH,
            index_filter=asked.index_filter,
            order=asked.order,
        )
        return to.lines(self.columns, (self.rows(batch, now) for batch in found))


def timestamp(moment: datetime | None) -> str:
    """Return the time in UTC (RFC 3339). Empty for None."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else ""
