"""List the keys that the portal signs with, or make one."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal import own_keys
from portal.registry.checkpoints import note_key


class Command(BaseCommand):
    """Shows only public keys."""

    help = (
        "List the keys that the portal signs with. With --make, write a new private key to a "
        "file. See docs/operations.md for how to replace a key."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the argument for the file of a new key."""
        parser.add_argument("--make", metavar="FILE", help="write a new key to this new file")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List the keys, or write a new one; raise `CommandError` if that fails."""
        if options["make"]:
            self._make(options["make"])
            return
        for purpose, keys in own_keys.all_keys().items():
            self.stdout.write(
                f"{purpose}:" + ("" if keys else " no key, so the portal signs nothing")
            )
            is_checkpoint = purpose == own_keys.CHECKPOINT
            sign = keys[:1] if is_checkpoint else own_keys.signing_keys(purpose)
            for key in keys:
                role = "signs" if key in sign else "published"
                text = f"  {note_key(key).text}" if is_checkpoint else ""
                self.stdout.write(f"  {role:9}  kid {key.jwk['kid']}{text}")

    def _make(self, name: str) -> None:
        pem = own_keys.new_pem()
        try:
            # The file is created with these permissions, so nobody else can ever read it.
            file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{name} cannot be written: {error.strerror}.") from None
        with os.fdopen(file, "wb") as opened:
            opened.write(pem)
        kid = own_keys.OwnKey.parse(pem.decode()).jwk["kid"]
        self.stdout.write(f"{name} has a new private key. Its kid is {kid}.")
