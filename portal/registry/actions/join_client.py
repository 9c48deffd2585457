"""Ask a person to join a client; they accept or decline, or the request is withdrawn."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from portal.accounts.models import User
from portal.registry.choices import Role, Verb
from portal.registry.errors import AlreadyMember, NotAsked, PendingLimitReached
from portal.registry.locks import lock_client, lock_existing_client
from portal.registry.models import Actor, Client, Event, Membership, PendingMember, recording
from portal.registry.validation import clean_email

MAX_PENDING: Final = 50
"""How many people a client can have asked who have not answered."""


@recording()
def ask_member(client: Client, *, email: str, role: Role, by: User) -> PendingMember:
    """Ask the person with this e-mail address to join; asking again replaces role and time.

    Nobody learns whether an account has the address. Raises `AlreadyMember`, `ClientDeleted`,
    `PendingLimitReached` or `UnfitInput`.
    """
    email = clean_email(email)
    client = lock_existing_client(client)
    if client.memberships.filter(user__email=email).exists():
        raise AlreadyMember(f"{email} is already a member of {client.name}.")
    others = client.pending_members.exclude(email=email).count()
    # An admin asks only for a client without an owner, who could withdraw one.
    if others >= MAX_PENDING and not by.is_staff:
        message = f"{client.name} has asked {others} people who have not answered. Withdraw one."
        raise PendingLimitReached(message)
    asked = {"role": role, "asked_at": timezone.now(), "asked_by": by}
    pending, _ = client.pending_members.update_or_create(email=email, defaults=asked)
    _record(Verb.ASK_MEMBER, pending, by=by)
    return pending


@recording()
def withdraw_member(pending: PendingMember, *, by: Actor) -> None:
    """Withdraw the request to join. Idempotent."""
    found = _lock(pending)
    if found:
        _record(Verb.WITHDRAW_MEMBER, found, by=by)
        found.delete()


@recording()
def accept_membership(pending: PendingMember, *, by: User) -> Membership:
    """Make the person who was asked a member. Raises `NotAsked` or `AlreadyMember`."""
    found = _lock_own(pending, by)
    if found.client.memberships.filter(user=by).exists():
        raise AlreadyMember(f"You are already a member of {found.client.name}.")
    membership = Membership.objects.create(client=found.client, user=by, role=found.role)
    _record(Verb.ACCEPT_MEMBERSHIP, found, by=by, member_id=by.pk, member=by.email)
    found.delete()
    return membership


@recording()
def decline_membership(pending: PendingMember, *, by: User) -> None:
    """Decline to join. Raises `NotAsked`."""
    found = _lock_own(pending, by)
    _record(Verb.DECLINE_MEMBERSHIP, found, by=by)
    found.delete()


def _lock(pending: PendingMember) -> PendingMember | None:
    client = lock_client(pending.client)
    return client.pending_members.filter(pk=pending.pk).first()


def _lock_own(pending: PendingMember, person: User) -> PendingMember:
    found = _lock(pending)
    is_open = found and found.is_open(timezone.now()) and not found.client.deleted
    if found is None or not is_open or not person.has_confirmed(found.email):
        raise NotAsked("You are not asked to join this client any more. Ask its owner.")
    return found


def _record(verb: Verb, pending: PendingMember, *, by: Actor, **more: str | int) -> None:
    # The id ties the answer to the request after the address is erased.
    detail = {"pending_id": pending.pk, "member": pending.email, "role": pending.role, **more}
    Event.objects.record(verb, by=by, client=pending.client, detail=detail)
