"""Change and remove the members of a client, and appoint an owner."""

from __future__ import annotations

from portal.accounts.models import User
from portal.registry.actions.join_client import ask_member
from portal.registry.choices import Role, Verb
from portal.registry.errors import HasOwner, LastOwner, NotMember, PersonUnusable
from portal.registry.locks import lock_client, lock_existing_client
from portal.registry.models import Actor, Client, Event, Membership, PendingMember, recording
from portal.registry.validation import clean_email


@recording()
def appoint_owner(client: Client, *, email: str, by: User) -> Membership | PendingMember:
    """Make a member an owner of a client that has none; ask anybody else to join as owner.

    Owners whose account is deactivated do not count. Raises `ClientDeleted`, `HasOwner`,
    `PersonUnusable` or `UnfitInput`.
    """
    email = clean_email(email)
    client = lock_existing_client(client)
    if not Client.objects.without_owner().filter(pk=client.pk).exists():
        message = f"{client.name} has an owner, and only an owner can add another."
        raise HasOwner(message)
    membership = client.memberships.filter(user__email=email).first()
    if membership is None:
        return ask_member(client, email=email, role=Role.OWNER, by=by)
    if not membership.user.is_active or not membership.user.has_confirmed_email:
        raise PersonUnusable(f"{email} cannot sign in, so they cannot be an owner.")
    membership.role = Role.OWNER
    membership.save(update_fields=["role"])
    _record(Verb.APPOINT_OWNER, membership, by=by)
    return membership


@recording()
def change_role(membership: Membership, *, role: Role, by: Actor) -> Membership:
    """Give a member another role.

    Raises `LastOwner` if the client has no other owner, and `NotMember` if the person was removed
    meanwhile.
    """
    client = lock_client(membership.client)
    now = client.memberships.filter(pk=membership.pk).first()
    if now is None:
        message = f"{membership.user.email} is no longer a member of {client.name}."
        raise NotMember(message)
    membership = now
    if membership.role == role:
        return membership
    _check_another_owner(client, membership)
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    _record(Verb.CHANGE_MEMBER, membership, by=by, before=before)
    return membership


@recording()
def remove_member(membership: Membership, *, by: Actor) -> None:
    """Remove a member from the client. Idempotent. Members leave a client in the same way.

    Raises `LastOwner` if the client has no other owner.
    """
    client = lock_client(membership.client)
    now = client.memberships.filter(pk=membership.pk).first()
    if now is None:
        return
    _check_another_owner(client, now)
    _record(Verb.REMOVE_MEMBER, now, by=by)
    now.delete()


def _check_another_owner(client: Client, membership: Membership) -> None:
    if membership.is_last_owner:
        message = f"{client.name} would have no owner. Make someone else an owner first."
        raise LastOwner(message)


def _record(verb: Verb, membership: Membership, *, by: Actor, **more: str) -> None:
    Event.objects.record(
        verb,
        by=by,
        client=membership.client,
        detail={
            # The id identifies the person after the address changes or is erased.
            "member_id": membership.user_id,
            "member": membership.user.email,
            "role": membership.role,
            **more,
        },
    )
