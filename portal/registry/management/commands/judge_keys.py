"""Judge registered keys again."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.registry.judging import compare_moduli, judge_again

AGAIN = 10_000
"""How many keys one run judges again. The limit lets the next run compare new moduli soon."""


class Command(BaseCommand):
    """Judges keys in its own process while the portal serves. Idempotent."""

    help = (
        "Find RSA keys that share a prime, and check keys again when the rules about weak keys "
        "have changed. Block and revoke weak keys, or only record them (BLOCK_WEAK_KEYS)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the maximum number of keys."""
        parser.add_argument(
            "--again",
            type=int,
            default=AGAIN,
            metavar="KEYS",
            help="maximum number of keys to check again (default: %(default)s)",
        )

    def handle(self, *_args: Any, again: int, **_options: Any) -> None:
        """Judge keys; print how many were judged and how many are weak, after each batch."""
        for done in compare_moduli():
            self.stdout.write(
                f"{done.keys} RSA keys compared with all others, {done.weak} share a prime"
            )
        for done in judge_again(again):
            self.stdout.write(f"{done.keys} keys checked again, {done.weak} are weak")
