"""The users of the demo, and their client."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.db import transaction

from portal.accounts.models import User
from portal.registry.actions import create_client, grant_admin
from portal.registry.models import PORTAL, recording

DEVELOPER: Final = "developer@example.com"
ADMIN: Final = "admin@example.com"

# Letters and digits that look alike are left out.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"


def create_people() -> Mapping[str, str]:
    """Create the developer, the admin and the demo client; return the passwords by e-mail address.

    Empty if the users exist already. Raises `RuntimeError` outside DEMO.
    """
    if not settings.DEMO:
        raise RuntimeError("The people of the demo exist in the demo only; DEMO is not set.")
    with recording():
        if User.objects.filter(email__in=(DEVELOPER, ADMIN)).exists():
            return {}
        passwords = {email: new_password() for email in (DEVELOPER, ADMIN)}
        developer = User.objects.create_user(DEVELOPER, passwords[DEVELOPER])
        grant_admin(User.objects.create_user(ADMIN, passwords[ADMIN]), by=PORTAL)
        create_client(name="Demo client", contacts=[DEVELOPER], by=developer)
    return passwords


def renew_passwords() -> Mapping[str, str]:
    """Set new passwords for the users; return the passwords by e-mail address.

    Creates the users if there are none. Raises `RuntimeError` outside DEMO.
    """
    passwords = dict(create_people())
    if passwords:
        return passwords
    with transaction.atomic():
        for user in User.objects.filter(email__in=(DEVELOPER, ADMIN)).order_by("-email"):
            passwords[user.email] = new_password()
            user.set_password(passwords[user.email])
            user.save(update_fields=["password"])
    return passwords


def new_password() -> str:
    """Return a random password of 79 bits, in groups that are easy to read and type."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))
