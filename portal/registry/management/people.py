"""The base class of the commands about people."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts.models import User
from portal.registry.errors import RegistryRefusal
from portal.registry.management.inputs import find_admin


class PersonCommand(BaseCommand, ABC):
    """Changes a person, named by e-mail address. An admin is the actor."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the person and the admin."""
        parser.add_argument("email", metavar="EMAIL", help="the person's primary e-mail address")
        parser.add_argument(
            "--by", metavar="EMAIL", required=True, help="e-mail address of the admin who does this"
        )

    def handle(self, *_args: Any, by: str, **options: Any) -> None:
        """Call `act` and print the result; raise `CommandError` if it is refused."""
        admin = find_admin(by)
        try:
            self.stdout.write(self.act(admin, **options))
        except RegistryRefusal as refusal:
            raise CommandError(str(refusal)) from None

    @abstractmethod
    def act(self, admin: User, *, email: str, **options: Any) -> str:
        """Run the command's action; return the text to print."""
