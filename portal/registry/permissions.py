"""Who may do what: each rule is one function of the person and the client.

`Client.objects.visible_to` hides a client from everyone who may not see it, so these rules are only
about people who may. Admins of the portal see all clients and may revoke keys. Only a client's own
members register and retire keys and change the team.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from portal.accounts.models import User
from portal.registry.choices import Role
from portal.registry.models import Client, Membership


def role_of(user: User, client: Client) -> Role | None:
    """Return the person's role in the client, or None for a person who is not a member."""
    role = client.memberships.filter(user=user).values_list("role", flat=True).first()
    return Role(role) if role else None


@dataclass(frozen=True, slots=True)
class Rights:
    """What a person may do with a client: the role decides, read once for several rules."""

    role: Role | None
    is_admin: bool

    @property
    def may_change_keys(self) -> bool:
        """Whether the person may register and retire keys."""
        return self.role in {Role.OWNER, Role.DEVELOPER}

    @property
    def may_revoke_keys(self) -> bool:
        """Whether the person may revoke keys."""
        return self.is_admin or self.may_change_keys

    @property
    def may_change_client(self) -> bool:
        """Whether the person may rename the client and change its contacts and team."""
        return self.role == Role.OWNER


def rights_in(user: User, client: Client) -> Rights:
    """Return what the person may do with the client."""
    return Rights(role_of(user, client), user.is_staff)


def can_change_keys(user: User, client: Client) -> bool:
    """Return whether the person may register and retire keys."""
    return rights_in(user, client).may_change_keys


def can_revoke_keys(user: User, client: Client) -> bool:
    """Return whether the person may revoke keys."""
    return rights_in(user, client).may_revoke_keys


def can_change_client(user: User, client: Client) -> bool:
    """Return whether the person may rename the client and change its contacts and team."""
    return rights_in(user, client).may_change_client


def can_remove_member(user: User, membership: Membership) -> bool:
    """Return whether the person may end the membership: an owner any, a member their own."""
    return membership.user_id == user.pk or can_change_client(user, membership.client)


def can_create_client(user: User) -> bool:
    """Return whether the person may create clients. The action checks the limit on their number."""
    return settings.CLIENT_CREATION or user.is_staff


def can_use_console(user: User) -> bool:
    """Return whether the person is an admin of the portal."""
    return user.is_staff
