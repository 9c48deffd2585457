"""Withdraw a person's admin rights."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import withdraw_admin
from portal.registry.management.inputs import find_person
from portal.registry.management.people import PersonCommand


class Command(PersonCommand):
    """Reverses `grant_admin`. The account stays."""

    help = "Withdraw a person's admin rights."

    def act(self, admin: User, *, email: str, **_options: Any) -> str:
        """Withdraw the person's admin rights."""
        return f"{withdraw_admin(find_person(email), by=admin).email} is no longer an admin."
