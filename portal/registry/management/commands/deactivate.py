"""Deactivate an account."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import deactivate_person
from portal.registry.choices import Role
from portal.registry.management.inputs import find_person
from portal.registry.management.people import PersonCommand
from portal.registry.models import Client


class Command(PersonCommand):
    """Also prints which clients have no owner left."""

    help = "Deactivate an account, and sign the person out everywhere."

    def act(self, admin: User, *, email: str, **_options: Any) -> str:
        """Deactivate the account."""
        person = deactivate_person(find_person(email), by=admin)
        theirs = Client.objects.filter(memberships__user=person, memberships__role=Role.OWNER)
        said = [f"{person.email} can no longer sign in."]
        said += [
            f"{client.name} now has no owner: manage.py appoint_owner {client.client_id} EMAIL"
            for client in theirs.without_owner().order_by("pk")
        ]
        return "\n".join(said)
