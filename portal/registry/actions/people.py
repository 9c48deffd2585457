"""Invite people, deactivate and reactivate their accounts, and make them admins."""

from __future__ import annotations

from django.db import IntegrityError

from portal.accounts.invitation import send_invitation
from portal.accounts.models import User
from portal.accounts.sign_up import make_way
from portal.registry.choices import Verb
from portal.registry.errors import AlreadyPerson, LastAdmin, PersonUnusable
from portal.registry.models import Actor, Event, describe_actor, recording
from portal.registry.validation import clean_email


@recording()
def invite_person(email: str, *, by: Actor) -> User:
    """Create an account for this address and send its owner a link to choose a password.

    A person who was invited and has not chosen a password gets a new link. Raises `AlreadyPerson`
    and `UnfitInput`.
    """
    email = clean_email(email)
    make_way(email)
    user = User.objects.filter(emailaddress__email=email).first()
    if user and (user.has_usable_password() or not user.is_active):
        raise AlreadyPerson(f"{email} already has an account.")
    try:
        user = user or User.objects.create_user(email)
    except IntegrityError:
        raise AlreadyPerson(f"Someone else just invited {email}.") from None
    _record(Verb.INVITE_PERSON, user, by=by)
    send_invitation(user, by=describe_actor(by))
    return user


@recording()
def deactivate_person(user: User, *, by: Actor) -> User:
    """Prevent a person from signing in and from using open sessions. Idempotent.

    Raises `LastAdmin` if there is no other admin.
    """
    _check_another_admin(user)
    return _set(user, Verb.DEACTIVATE_PERSON, by=by, is_active=False)


@recording()
def activate_person(user: User, *, by: Actor) -> User:
    """Let a person sign in again. Idempotent."""
    return _set(user, Verb.ACTIVATE_PERSON, by=by, is_active=True)


@recording()
def grant_admin(user: User, *, by: Actor) -> User:
    """Make a person an admin of the portal. Idempotent.

    Raises `PersonUnusable` if the person cannot sign in.
    """
    if not user.is_active or not user.has_confirmed_email:
        raise PersonUnusable(f"{user.email} cannot sign in, so they cannot be an admin.")
    return _set(user, Verb.GRANT_ADMIN, by=by, is_staff=True)


@recording()
def withdraw_admin(user: User, *, by: Actor) -> User:
    """Withdraw a person's admin rights. Idempotent.

    Raises `LastAdmin` if there is no other admin.
    """
    _check_another_admin(user)
    return _set(user, Verb.WITHDRAW_ADMIN, by=by, is_staff=False, is_superuser=False)


def _check_another_admin(user: User) -> None:
    # Lock all admins in one order, so that two concurrent withdrawals do not leave none.
    admins = User.objects.filter(is_active=True, is_staff=True).order_by("pk")
    found = set(admins.select_for_update(no_key=True).values_list("pk", flat=True))
    if found == {user.pk}:
        message = f"{user.email} is the only admin. Make someone else an admin first."
        raise LastAdmin(message)


def _set(user: User, verb: Verb, *, by: Actor, **values: bool) -> User:
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if any(getattr(user, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(user, name, value)
        user.save(update_fields=list(values))
        _record(verb, user, by=by)
    return user


def _record(verb: Verb, user: User, *, by: Actor) -> None:
    # The id identifies the person after the address changes or is erased.
    detail = {"person": user.email, "person_id": user.pk}
    Event.objects.record(verb, by=by, detail=detail)
