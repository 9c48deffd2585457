"""Make a member an owner of a client that has none, or ask another person to join as owner."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from portal.accounts.models import User
from portal.registry.actions import appoint_owner
from portal.registry.management.people import PersonCommand
from portal.registry.models import Client, PendingMember


class Command(PersonCommand):
    """Does the same as the console under Clients, Without an owner."""

    help = "Make a member an owner of a client without one, or ask another person to join as owner."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the client, the person and the admin."""
        parser.add_argument("client_id", metavar="CLIENT_ID")
        super().add_arguments(parser)

    def act(self, admin: User, *, email: str, client_id: str = "", **_options: Any) -> str:
        """Appoint the owner."""
        client = Client.objects.existing().filter(client_id=client_id).first()
        if client is None:
            raise CommandError(f"No client has the client_id {client_id}.")
        appointed = appoint_owner(client, email=email, by=admin)
        if isinstance(appointed, PendingMember):
            return f"{appointed.email} is asked to join {client.name} as owner, by e-mail."
        return f"{appointed.user.email} is an owner of {client.name}."
