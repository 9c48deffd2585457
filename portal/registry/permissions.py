"""Who may do what: each rule is one function of the person and the client.

`Client.objects.visible_to` hides a client from everyone who may not see it, so these rules are only
about people who may. Admins of the portal see all clients and may revoke keys. Only a client's own
members register and retire keys and change the team.
"""

from __future__ import annotations

from django.conf import settings

from portal.accounts.models import User
from portal.registry.choices import Role
from portal.registry.models import Client, Membership


def role_of(user: User, client: Client) -> Role | None:
    """Return the person's role in the client, or None for a person who is not a member."""
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


def can_remove_member(user: User, membership: Membership) -> bool:
    """Return whether the person may end the membership: an owner any, a member their own."""
    return membership.user_id == user.pk or can_change_client(user, membership.client)


def can_create_client(user: User) -> bool:
    """Return whether the person may create clients. The action checks the limit on their number."""
    return settings.CLIENT_CREATION or user.is_staff


def can_use_console(user: User) -> bool:
    """Return whether the person is an admin of the portal."""
    return user.is_staff
