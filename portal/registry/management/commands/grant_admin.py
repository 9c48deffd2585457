"""Make a person an admin."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import grant_admin
from portal.registry.management.inputs import find_person
from portal.registry.management.people import PersonCommand


class Command(PersonCommand):
    """Gives a person who has an account access to the console."""

    help = "Make a person an admin of the portal."

    def act(self, admin: User, *, email: str, **_options: Any) -> str:
        """Make the person an admin."""
        return f"{grant_admin(find_person(email), by=admin).email} is an admin."
