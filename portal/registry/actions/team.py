"""Change and remove the members of a client, and appoint an owner."""

from __future__ import annotations

from portal.accounts.models import User
from portal.registry.choices import Role, Verb
from portal.registry.errors import HasOwner, LastOwner, NoSuchPerson, NotMember
from portal.registry.locks import lock_client
from portal.registry.models import Actor, Client, Event, Membership, recording
from portal.registry.validation import MAX_EMAIL, clean_line


@recording()
def appoint_owner(client: Client, *, email: str, by: Actor) -> Membership:
    """Make the person with this e-mail address an owner of a client that has none.

    Owners whose account is deactivated do not count. Raises `HasOwner`, `NoSuchPerson` or
    `UnfitInput`.
    """
    email = clean_line(email, field="email", limit=MAX_EMAIL)
    client = lock_client(client)
    if not Client.objects.without_owner().filter(pk=client.pk).exists():
        message = f"{client.name} has an owner, and only an owner can add another."
        raise HasOwner(message)
    user = _find_person(email)
    membership, _ = client.memberships.update_or_create(user=user, defaults={"role": Role.OWNER})
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


def _find_person(email: str) -> User:
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is None or not user.has_confirmed_email:
        message = f"Nobody has an account with {email}. Ask them to sign up first."
        raise NoSuchPerson(message)
    return user


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
