"""Check that nobody has changed events, clients or keys without the portal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.console.checkpoint_check import CheckpointRefused, read_checkpoint
from portal.console.export_check import events_of
from portal.core.signed_note import Checkpoint, NotANote
from portal.registry.ledger import LedgerDiffers, rebuild, verify_events
from portal.registry.states import wrong_states


class Command(BaseCommand):
    """Recomputes every hash. Memory does not grow with the number of events."""

    help = (
        "Verify the hash of each event, the root of the ledger, and the state of each client "
        "and key. With --export, verify only a file. With --checkpoint, also compare with a "
        "saved checkpoint."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the arguments for files to check, or to compare with."""
        parser.add_argument(
            "--export",
            metavar="FILE",
            help="verify this export of all events (JSON Lines) instead of the database",
        )
        parser.add_argument(
            "--checkpoint",
            metavar="FILE",
            help="compare with this checkpoint, saved from /ledger/checkpoint",
        )
        parser.add_argument(
            "--keys",
            metavar="FILE",
            help="verify the checkpoint with this JWKS, saved from /portal/jwks.json (default: "
            "the keys of CHECKPOINT_KEYS)",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the number of events and their root. Raise `CommandError` for differences."""
        checkpoint = self._checkpoint(options["checkpoint"], options["keys"])
        problems = 0
        try:
            if options["export"]:
                self._verify_export(options["export"], checkpoint)
            else:
                head = verify_events(checkpoint)
                self.stdout.write(
                    f"{head.size} events are as they were recorded. Root: {head.root}"
                )
            if checkpoint:
                self.stdout.write(
                    f"The first {checkpoint.size} match the checkpoint of {checkpoint.origin}, "
                    "and its signature is valid."
                )
        except LedgerDiffers as problem:
            self.stderr.write(str(problem))
            problems += 1
        if not options["export"]:
            for sentence in wrong_states():
                self.stderr.write(sentence)
                problems += 1
        if problems:
            raise CommandError(f"Found {problems} differences, listed above.")

    def _verify_export(self, name: str, checkpoint: Checkpoint | None) -> None:
        try:
            with Path(name).open("rb") as file:
                tree = rebuild(events_of(file), checkpoint)
        except OSError as error:
            raise _unreadable(name, error) from None
        self.stdout.write(
            f"{tree.size} events in the file are as they were recorded. Root: {tree.root.hex()}"
        )
        if not checkpoint:
            self.stdout.write(
                "Compare the size and the root with saved ones, or with the console's."
            )

    def _checkpoint(self, name: str | None, keys: str | None) -> Checkpoint | None:
        if name is None:
            if keys is not None:
                raise CommandError("--keys needs --checkpoint.")
            return None
        try:
            return read_checkpoint(_content(name), _content(keys) if keys else None)
        except NotANote as problem:
            raise CommandError(f"{name} is not a checkpoint. {problem}") from None
        except CheckpointRefused as problem:
            raise CommandError(str(problem)) from None


def _content(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: OSError) -> CommandError:
    return CommandError(f"{name} cannot be read: {error.strerror}.")
