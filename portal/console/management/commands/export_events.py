"""Write events to standard output, in the formats of the console's export."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from portal.console.export import FORMATS
from portal.console.filters import EventFilter
from portal.console.filters.base import MAX_ID, midnight
from portal.console.time_range import since
from portal.registry.models import Event

_YEARS: Final = range(2000, 3000)


class Command(BaseCommand):
    """Writes events in batches, so that memory does not grow with their number."""

    help = "Write all events, or only the newer ones, to standard output, newest first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments for the start, the filter and the format."""
        parser.add_argument(
            "--since",
            metavar="DATE|ID",
            help="only events from this date on (2026-03-31, or 2026-03-31T12:00:00Z), or with "
            "a higher number than this",
        )
        parser.add_argument(
            "--filter",
            metavar="QUERY",
            default="",
            help="only events that match this query string of the console's Events page, such "
            "as verb=revoke_key&person=you@example.com",
        )
        parser.add_argument("--format", choices=FORMATS, default="jsonl")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the events; raise `CommandError` for an unusable start."""
        form = EventFilter.parse(options["filter"])
        if not form.is_valid():
            raise CommandError(form.errors.as_text())
        events = form.rows(timezone.now())
        if options["since"] is not None:
            events = _newer(events, options["since"].strip())
        try:
            for piece in FORMATS[options["format"]].export(events, form.index_filter):
                self.stdout.write(piece.decode(), ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # The reader closed the pipe, as `head` does. Python would report that at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())


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
