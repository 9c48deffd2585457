"""Revoke a key at once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.registry.actions import revoke_key
from portal.registry.choices import CHOSEN_REASONS, RevocationReason
from portal.registry.management.inputs import find_admin
from portal.registry.models import ClientKey
from portal.registry.refusals import UnfitInput


class Command(BaseCommand):
    """Revokes as the portal's pages do, in every client that has the key. Idempotent."""

    help = (
        "Revoke a key at once and for good, in every client that has it. "
        "A kid that begins with - comes last, after --."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the kid, the reason and who answers for it."""
        parser.add_argument("kid", metavar="KID")
        reasons = [reason for reason, _ in CHOSEN_REASONS]
        parser.add_argument("--reason", choices=reasons, required=True)
        parser.add_argument("--by", metavar="EMAIL", required=True, help="the admin on record")
        parser.add_argument("--note", default="", help="more about it, for those who ask later")

    def handle(
        self, *_args: Any, kid: str, reason: str, by: str, note: str, **_options: Any
    ) -> None:
        """Revoke the key; raise `CommandError` when something given cannot be used."""
        admin = find_admin(by)
        keys = ClientKey.objects.filter(kid=kid.replace("\0", "")).order_by("pk")
        if not keys:
            raise CommandError(f"There is no key with the kid {kid}.")
        for found in keys:
            try:
                key = revoke_key(found, reason=RevocationReason(reason), by=admin, note=note)
            except UnfitInput as refused:
                raise CommandError(str(refused)) from None
            self.stdout.write(
                f"“{key.label}” of {key.client.name} is revoked since "
                f"{key.revoked_at:%d %B %Y at %H:%M:%S} UTC ({key.revocation_reason})."
            )
