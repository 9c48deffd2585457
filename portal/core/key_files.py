"""Names for the files of a key pair, so that no command overwrites a private key in use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

PRIVATE: Final = "private_key.pem"
PUBLIC: Final = "public_key.pem"
"""The file names in the texts of commands and programs. Code that shows one replaces them with
`KeyFiles`: otherwise a second key would overwrite the first."""


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """The two files of one key pair; `name` distinguishes pairs and is safe in a shell."""

    name: str

    @property
    def private(self) -> str:
        """The file of the private key."""
        return f"private_key_{self.name}.pem"

    @property
    def public(self) -> str:
        """The file of the public key."""
        return f"public_key_{self.name}.pem"

    def put_into(self, command: str) -> str:
        """Return the command or program with these names."""
        return command.replace(PRIVATE, self.private).replace(PUBLIC, self.public)


def files_made_at(now: datetime) -> KeyFiles:
    """Return names for a key pair that does not belong to a client yet."""
    return KeyFiles(f"{now:%Y%m%d_%H%M%S}")
