"""Reactivate an account."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import activate_person
from portal.registry.management.inputs import find_person
from portal.registry.management.people import PersonCommand


class Command(PersonCommand):
    """Reverses `deactivate`."""

    help = "Reactivate an account, so that the person can sign in again."

    def act(self, admin: User, *, email: str, **_options: Any) -> str:
        """Reactivate the account."""
        return f"{activate_person(find_person(email), by=admin).email} can sign in again."
