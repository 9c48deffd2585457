"""Check that nobody has changed events, or clients and keys, past the portal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.console.export_check import events_of
from portal.registry.ledger import LedgerDiffers, rebuild, verify_events, wrong_states


class Command(BaseCommand):
    """Recomputes every hash. Any number of events needs no more memory."""

    help = (
        "Check each event against its hash, the root of the ledger against all events, and the "
        "state of each client and key against its events. With --export, check a file alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take a file to check in place of the database."""
        parser.add_argument(
            "--export",
            metavar="FILE",
            help="check this export of all events (JSON Lines) and not the database",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Say how many events there are and their root. Raise `CommandError` for differences."""
        problems = 0
        try:
            said = self._export(options["export"]) if options["export"] else self._events()
            self.stdout.write(said)
        except LedgerDiffers as problem:
            self.stderr.write(str(problem))
            problems += 1
        if not options["export"]:
            for sentence in wrong_states():
                self.stderr.write(sentence)
                problems += 1
        if problems:
            raise CommandError(f"{problems} differences were found; they are named above.")

    def _events(self) -> str:
        head = verify_events()
        return f"{head.size} events are as they were recorded. Root: {head.root}"

    def _export(self, name: str) -> str:
        try:
            with Path(name).open("rb") as file:
                tree = rebuild(events_of(file))
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
        return (
            f"{tree.size} events in the file are as they were recorded. Root: {tree.root.hex()}\n"
            "Compare size and root with those that you have kept, or with the console's."
        )
