"""Show what a key is and whether it can be registered."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Refused
from portal.registry.key_policy import key_policy
from portal.registry.management.inputs import command_error, read_material


class Command(BaseCommand):
    """Exits with 0 for a key that can be registered and with 1 for any other. Stores nothing."""

    help = "Show what a key is and whether it can be registered. Stores nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the file and an optional algorithm."""
        parser.add_argument("file", metavar="FILE", help="the key's file; - for standard input")
        parser.add_argument(
            "--alg", help="check that the key can be used with this algorithm, such as PS256"
        )

    def handle(self, *_args: Any, file: str, alg: str | None, **_options: Any) -> None:
        """Print what the key is; raise `CommandError` if it is refused."""
        try:
            policy = key_policy(None, timezone.now())
            accepted = policy.accept(parse_public_key(read_material(file)))
            algorithms = [accepted.algorithm(alg)] if alg else accepted.algorithms
        except Refused as refused:
            raise command_error(refused) from None
        names = ", ".join(
            f"{each.name} (recommended)" if each.recommended else each.name for each in algorithms
        )
        key = accepted.key
        for line in (
            f"{key.description}, read from: {key.container}.",
            *accepted.notes,
            f"Algorithms:  {names}",
            f"kid:         {key.thumbprint}",
            f"SHA-256:     {key.spki_sha256}",
        ):
            self.stdout.write(line)
