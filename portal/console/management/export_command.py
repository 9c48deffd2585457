"""The base class of the commands that export a list of the console."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from portal.console.export import FORMATS
from portal.console.export.table import Table


class ExportCommand(BaseCommand):
    """Writes rows in batches, so that memory does not grow with their number."""

    table: Table[Any]

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments for the filter and the format."""
        parser.add_argument(
            "--filter",
            metavar="QUERY",
            default="",
            help=f"only {self.table.name} that match this query string of the console's page",
        )
        parser.add_argument("--format", choices=FORMATS, default="jsonl")

    def rows(self, rows: QuerySet[Any], options: dict[str, Any]) -> QuerySet[Any]:  # noqa: ARG002 - for subclasses
        """Return the rows of the filter that the other options allow."""
        return rows

    def handle(self, *_args: Any, **options: Any) -> None:
        """Write the rows; raise `CommandError` for an invalid option."""
        asked, now = self.table.filter.parse(options["filter"]), timezone.now()
        if not asked.is_valid():
            raise CommandError(asked.errors.as_text())
        rows = self.rows(asked.rows(now), options)
        try:
            for piece in self.table.export(FORMATS[options["format"]], asked, rows, now):
                self.stdout.write(piece.decode(), ending="")
            self.stdout.flush()
        except BrokenPipeError:
            # The reader closed the pipe, as `head` does. Python would report that at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stdout.fileno())
