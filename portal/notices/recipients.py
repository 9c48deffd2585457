"""Who gets a notice, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from allauth.account.models import EmailAddress
from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.accounts.models import User
from portal.notices.kinds import RULES
from portal.notices.models import Notice
from portal.notices.occasions import Occasion
from portal.notices.quoting import quoted
from portal.registry.choices import Role
from portal.registry.models import Client


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who gets a notice.

    `name` identifies them in `Notice`. `why` completes "You get this e-mail because".
    """

    name: str
    email: str
    why: str
    token: str = ""
    """Of a contact: what proves that somebody has read an e-mail to its address."""
    is_concerned: bool = False
    """Whether they get it whatever their role, as it is about them."""


_ROLES: Final = {Role.OWNER: "an owner", Role.DEVELOPER: "a developer", Role.VIEWER: "a viewer"}


def members_for(occasion: Occasion) -> list[Recipient]:
    """Return the people who get a notice of the occasion."""
    rule, roles = RULES[occasion.kind], {}
    if occasion.client:
        members = occasion.client.memberships.filter(role__in=rule.roles)
        roles = {user_id: Role(role) for user_id, role in members.values_list("user_id", "role")}
    ids = {*roles, *occasion.concerned}
    if not rule.to_actor:
        ids.discard(occasion.actor_id)
    people = reachable().filter(pk__in=ids)
    if not rule.is_security:
        people = people.exclude(mutes__kind=occasion.kind)
    return [
        Recipient(
            name_of(user),
            user.email,
            _why(roles.get(user.pk), occasion),
            is_concerned=user.pk in occasion.concerned,
        )
        for user in people.order_by("pk")
    ]


def name_of(user: User) -> str:
    """Return what identifies a person as recipient."""
    return f"person {user.pk}"


def reachable() -> QuerySet[User]:
    """Return the people who can get e-mails: with an active account and a confirmed address."""
    own = EmailAddress.objects.filter(user=OuterRef("pk"), verified=True)
    return User.objects.filter(Exists(own.filter(email=OuterRef("email"))), is_active=True)


def notices_of(user: User) -> QuerySet[Notice]:
    """Return the notices of a person, without those of clients that they can no longer see."""
    seen = Q(client=None) | Q(client__in=Client.objects.visible_to(user))
    return Notice.objects.filter(seen, recipient=name_of(user))


def _why(role: Role | None, occasion: Occasion) -> str:
    if role and occasion.client:
        return f"you are {_ROLES[role]} of {quoted(occasion.client.name)}"
    return "it is about you, or about something that you did"
