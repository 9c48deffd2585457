"""Block a public key permanently."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts.models import User
from portal.core.reasons import Refused
from portal.registry.actions import block_key, read_key
from portal.registry.errors import UnfitInput
from portal.registry.key_policy import fingerprint_here
from portal.registry.management.inputs import command_error, find_admin, read_material
from portal.registry.models import ClientKey


class Command(BaseCommand):
    """Blocks a key as the portal's pages do, and revokes it where it is registered."""

    help = "Block a public key permanently for every client, and revoke it where it is registered."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the key, as a fingerprint or a file, the admin and the note."""
        key = parser.add_mutually_exclusive_group(required=True)
        key.add_argument("--sha256", metavar="HEX", help="SHA-256 of its SubjectPublicKeyInfo")
        key.add_argument("--file", help="a file with the public key; - for standard input")
        parser.add_argument(
            "--by", metavar="EMAIL", required=True, help="e-mail address of the admin who does this"
        )
        parser.add_argument("--note", default="", help="the reason, for later reference")

    def handle(
        self,
        *_args: Any,
        sha256: str | None,
        file: str | None,
        by: str,
        note: str,
        **_options: Any,
    ) -> None:
        """Block the key; raise `CommandError` for an invalid input."""
        admin = find_admin(by)
        try:
            blocked = block_key(sha256 or _fingerprint(file or "", admin), by=admin, note=note)
        except Refused as refused:
            raise command_error(refused, blocked=True) from None
        except UnfitInput as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(f"Blocked: {blocked.pk}")
        for key in ClientKey.objects.filter(spki_sha256=blocked.pk).select_related("client"):
            self.stdout.write(f"“{key.label}” of {key.client.name} is revoked.")


def _fingerprint(file: str, admin: User) -> str:
    return fingerprint_here(read_key(read_material(file), by=admin, client=None))
