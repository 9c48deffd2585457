"""Invite a person."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.registry.actions import invite_person
from portal.registry.management.people import PersonCommand


class Command(PersonCommand):
    """Creates an account, even if people cannot sign up themselves (`SIGN_UP=false`)."""

    help = (
        "Create an account and send its owner a link to choose a password. Repeat it to "
        "send a new link."
    )

    def act(self, admin: User, *, email: str, **_options: Any) -> str:
        """Invite the person."""
        return f"{invite_person(email, by=admin).email} was invited."
