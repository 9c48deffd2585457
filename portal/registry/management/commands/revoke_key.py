"""Revoke a key, or all keys in a list, immediately."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts.models import User
from portal.core.dates import time_text
from portal.registry.actions import revoke_key
from portal.registry.choices import CHOSEN_REASONS, RevocationReason
from portal.registry.errors import UnfitInput
from portal.registry.management.inputs import find_admin, read_lines
from portal.registry.models import ClientKey
from portal.registry.regexes import KID
from portal.registry.validation import clean_fingerprint, clean_note

_KID: Final = re.compile(KID)


class Command(BaseCommand):
    """Revokes keys as the portal's pages do. Idempotent."""

    help = (
        "Revoke a key, or all keys of a list, permanently, for every client that has it. Put a "
        "kid that starts with - last, after --."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the kid or the list, the reason, the admin and the note."""
        named = parser.add_mutually_exclusive_group(required=True)
        named.add_argument("kid", metavar="KID", nargs="?")
        named.add_argument(
            "--file",
            help="a file with one kid or SHA-256 fingerprint per line; # starts a comment; - "
            "for standard input",
        )
        reasons = [reason for reason, _ in CHOSEN_REASONS]
        parser.add_argument("--reason", choices=reasons, required=True)
        parser.add_argument(
            "--by", metavar="EMAIL", required=True, help="e-mail address of the admin who does this"
        )
        parser.add_argument("--note", default="", help="further details, for later reference")

    def handle(
        self,
        *_args: Any,
        kid: str | None,
        file: str | None,
        reason: str,
        by: str,
        note: str,
        **_options: Any,
    ) -> None:
        """Revoke the keys, each in its own transaction.

        Raises `CommandError` for an invalid input before it revokes any key, and at the end if a
        name matches no key.
        """
        admin = find_admin(by)
        try:
            clean_note(note)
        except UnfitInput as refused:
            raise CommandError(str(refused)) from None
        names = list(_names_in(file)) if file else [str(kid)]
        unknown = []
        for number, name in enumerate(names, 1):
            lead = f"{number} of {len(names)}: " if file else ""
            if not self._revoke(lead, name, reason=RevocationReason(reason), by=admin, note=note):
                unknown.append(name)
        if unknown and not file:
            raise CommandError(f"No key has the kid {unknown[0]}.")
        if unknown:
            known = len(names) - len(unknown)
            lines = [f"{known} of {len(names)} are revoked. No key has these:", *unknown]
            raise CommandError("\n".join(lines))

    def _revoke(
        self, lead: str, name: str, *, reason: RevocationReason, by: User, note: str
    ) -> bool:
        """Revoke the keys with this name, print each, and return whether there was one."""
        named = {"kid": name} if _KID.fullmatch(name) else {"spki_sha256": name}
        keys = list(ClientKey.objects.filter(**named).order_by("pk"))
        for found in keys:
            key = revoke_key(found, reason=reason, by=by, note=note)
            since = time_text(key.revoked_at, seconds=True) if key.revoked_at else ""
            self.stdout.write(
                f"{lead}“{key.label}” of {key.client.name} is revoked since {since} "
                f"({key.revocation_reason})."
            )
        return bool(keys)


def _names_in(file: str) -> Iterator[str]:
    """Yield each kid and SHA-256 in the file once. Raises `CommandError`.

    The error does not show an invalid line, because it may be part of a private key.
    """
    seen = set()
    for number, line in enumerate(read_lines(file), 1):
        name = line.partition("#")[0].strip()
        if name and not _KID.fullmatch(name):
            try:
                name = clean_fingerprint(name)
            except UnfitInput:
                message = (
                    f"Line {number} of the file is neither a kid (43 letters, digits, - and _) nor "
                    "a SHA-256 (64 hexadecimal digits). Nothing was revoked."
                )
                raise CommandError(message) from None
        if name and name not in seen:
            seen.add(name)
            yield name
    if not seen:
        raise CommandError("The file contains no kid and no SHA-256. Nothing was revoked.")
