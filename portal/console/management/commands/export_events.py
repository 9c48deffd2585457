"""Write events to standard output, in the formats of the console's export."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from portal.console.export import EVENTS
from portal.console.filters.base import MAX_ID, midnight
from portal.console.management.export_command import ExportCommand
from portal.console.time_range import since
from portal.registry.models import Event

_YEARS: Final = range(2000, 3000)


class Command(ExportCommand):
    """Writes events."""

    help = "Write all events, or only the newer ones, to standard output, newest first."
    table = EVENTS

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments for the start, the filter and the format."""
        super().add_arguments(parser)
        parser.add_argument(
            "--since",
            metavar="DATE|ID",
            help="only events from this date on (2026-03-31, or 2026-03-31T12:00:00Z), or with "
            "a higher number than this",
        )

    def rows(self, rows: QuerySet[Event], options: dict[str, Any]) -> QuerySet[Event]:
        """Return the events from the start on; raise `CommandError` for an unusable one."""
        start = options["since"]
        return rows if start is None else _newer(rows, start.strip())


def _newer(events: QuerySet[Event], start: str) -> QuerySet[Event]:
    if re.fullmatch(r"[0-9]{1,19}", start) and int(start) <= MAX_ID:
        return events.filter(pk__gt=int(start))
    return since(events, _moment(start))


def _moment(text: str) -> datetime:
    """Return the moment, or the start of the date; in UTC if the text has no offset."""
    try:
        day, moment = parse_date(text), parse_datetime(text)
        if day and day.year in _YEARS:
            return midnight(day)
        if moment and moment.year in _YEARS:
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    message = (
        f"--since {text} is neither a date (2026-03-31, or 2026-03-31T12:00:00Z) nor an event "
        "number."
    )
    raise CommandError(message)
