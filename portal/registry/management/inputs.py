"""Read and check the inputs of the commands."""

from __future__ import annotations

import sys
from pathlib import Path

from django.core.management.base import CommandError
from django.utils import timezone

from portal.accounts.models import User
from portal.core.key_files import files_made_at
from portal.core.public_key.parse import MAX_INPUT_BYTES
from portal.core.reasons import Refused


def read_material(name: str) -> bytes:
    """Return the content of the file, or of standard input for "-". Raises `CommandError`.

    Reads at most one byte more than the parser accepts.
    """
    if name == "-":
        return sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_INPUT_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None


def read_lines(name: str) -> list[str]:
    """Return the lines of a file, or of standard input for "-". Raises `CommandError`."""
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        # Text files saved by spreadsheets may start with a byte order mark.
        return data.decode("utf-8-sig").splitlines()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CommandError(f"{name} is not UTF-8 text. Save it as UTF-8.") from None


def find_person(email: str) -> User:
    """Return the person with this primary address, active or not. Raises `CommandError`."""
    person = User.objects.filter(email=email.strip().lower()).first()
    if person is None:
        raise CommandError(f"Nobody has an account with the e-mail address {email}.")
    return person


def find_admin(email: str) -> User:
    """Return the active admin with this e-mail address. Raises `CommandError`."""
    person = User.objects.filter(email=email.strip().lower(), is_active=True, is_staff=True).first()
    if person is None:
        message = f"No admin of the portal has the e-mail address {email}. Only admins can do this."
        raise CommandError(message)
    return person


def command_error(refused: Refused, *, blocked: bool = False) -> CommandError:
    """Return the refusal as the error of a command: found, needed, and a command that helps.

    `blocked` says that the public key of a private key in the input was blocked.
    """
    lines = [refused.found, refused.needed]
    if refused.leaked and blocked:
        lines += ["Its public key is now blocked."]
    if refused.command:
        lines += ["", f"  {files_made_at(timezone.now()).put_into(refused.command)}"]
    return CommandError("\n".join(lines))
