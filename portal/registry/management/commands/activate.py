"""Switch an account on."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import activate_person
from portal.registry.management.inputs import find_person
from portal.registry.management.people import PersonCommand


class Command(PersonCommand):
    """Takes back `deactivate`."""

    help = "Reactivate an account, so that the person can sign in again."

    def act(self, admin: User, *, email: str, **_options: Any) -> str:
        """Switch the account on."""
        return f"{activate_person(find_person(email), by=admin).email} can sign in again."
