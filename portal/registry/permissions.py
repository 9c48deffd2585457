"""Who may do what: each rule is one function of the person and the client.

A person who may not even see a client gets it from no look-up (`Client.objects.visible_to`), so
these rules only tell those apart who may see it. Admins of the portal see all and revoke; what a
client's own people decide (registering, retiring, its team) stays with them.
"""

from __future__ import annotations

from django.conf import settings

from portal.accounts.models import User
from portal.registry.choices import Role
from portal.registry.models import Client


def role_of(user: User, client: Client) -> Role | None:
    """Return the person's role in the client, or None for somebody who does not belong to it."""
    role = client.memberships.filter(user=user).values_list("role", flat=True).first()
    return Role(role) if role else None


def can_change_keys(user: User, client: Client) -> bool:
    """Return whether the person may register and retire keys."""
    return role_of(user, client) in {Role.OWNER, Role.DEVELOPER}


def can_revoke_keys(user: User, client: Client) -> bool:
    """Return whether the person may revoke keys."""
    return user.is_staff or can_change_keys(user, client)


def can_change_client(user: User, client: Client) -> bool:
    """Return whether the person may rename the client and change its contacts and team."""
    return role_of(user, client) == Role.OWNER


def can_create_client(user: User) -> bool:
    """Return whether the person may create a client at all; how many is for the action to say."""
    return settings.CLIENT_CREATION or user.is_staff


def can_use_console(user: User) -> bool:
    """Return whether the person is an admin of the portal."""
    return user.is_staff
