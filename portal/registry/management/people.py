"""What the commands about people have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.accounts.mail import MailNotSent
from portal.accounts.models import User
from portal.registry.errors import RegistryRefusal
from portal.registry.management.inputs import find_admin


class PersonCommand(BaseCommand, ABC):
    """Does something to a person, named by e-mail address; an admin answers for it."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the person and the admin."""
        parser.add_argument("email", metavar="EMAIL", help="the person's primary e-mail address")
        parser.add_argument(
            "--by", metavar="EMAIL", required=True, help="e-mail address of the admin who does this"
        )

    def handle(self, *_args: Any, by: str, **options: Any) -> None:
        """Do it and say so; raise `CommandError` when it is refused."""
        admin = find_admin(by)
        try:
            self.stdout.write(self.act(admin, **options))
        except RegistryRefusal as refusal:
            raise CommandError(str(refusal)) from None
        except MailNotSent:
            raise CommandError("The e-mail could not be sent, so nothing was done.") from None

    @abstractmethod
    def act(self, admin: User, *, email: str, **options: Any) -> str:
        """Do what the command is for; return what to say."""
