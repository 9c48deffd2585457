"""Inviting people, switching accounts off and on, admins, and owners who are appointed."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client as Browser

from portal.accounts.models import User
from portal.registry.actions import (
    accept_membership,
    activate_person,
    appoint_owner,
    change_role,
    deactivate_person,
    grant_admin,
    invite_person,
    remove_member,
    withdraw_admin,
)
from portal.registry.choices import Role, Verb
from portal.registry.errors import (
    AlreadyPerson,
    HasOwner,
    LastAdmin,
    LastOwner,
    PersonUnusable,
)
from portal.registry.models import Client, Ledger
from portal.work.models import Task
from tests.db.mailed import delivered
from tests.db.registry.racing import race_behind
from tests.db.registry.recorded import events
from tests.registering import add_member

PASSWORD = "a new and longer one"  # noqa: S105 - of somebody who was invited


def run(*arguments: str) -> str:
    """Return what the command says."""
    said = io.StringIO()
    call_command(*arguments, "--by", "admin@example.com", stdout=said)
    return said.getvalue()


def refusal_of(*arguments: str) -> str:
    with pytest.raises(CommandError) as refusal:
        run(*arguments)
    return str(refusal.value)


def detail_of(email: str) -> dict[str, str | int]:
    """Return what an event says of the person with this address."""
    return {"person": email, "person_id": User.objects.get(email=email).pk}


def choose_password() -> None:
    """Follow the link in the last message, as the owner of the mailbox."""
    link = re.search(r"http://testserver(\S+)", str(delivered()[-1].body))
    assert link
    browser = Browser()
    there = browser.get(link[1], follow=True).redirect_chain[-1][0]
    browser.post(there, {"password1": PASSWORD, "password2": PASSWORD})


def can_sign_in(email: str, password: str = PASSWORD) -> bool:
    browser = Browser()
    browser.post("/account/login/", {"login": email, "password": password})
    return browser.get("/clients/").status_code == 200


# --- Inviting ------------------------------------------------------------------------------------


def test_who_is_invited_chooses_a_password_where_nobody_signs_up(
    cast: SimpleNamespace, settings: Any
) -> None:
    settings.SIGN_UP = False
    assert run("invite", "Ann@Example.com") == "ann@example.com was invited.\n"
    assert delivered()[0].to == ["ann@example.com"]
    assert "admin@example.com created an account for you" in str(delivered()[0].body)
    choose_password()
    assert can_sign_in("ann@example.com")
    assert events(Verb.INVITE_PERSON) == [(cast.admin, None, None, detail_of("ann@example.com"))]


def test_who_is_invited_can_be_added_to_a_client(payments: Client, cast: SimpleNamespace) -> None:
    run("invite", "ann@example.com")
    add_member(payments, email="ann@example.com", role=Role.VIEWER, by=cast.alice)


def test_an_invitation_can_be_sent_again_until_it_is_taken(cast: SimpleNamespace) -> None:
    for _ in range(2):
        run("invite", "ann@example.com")
    assert len(delivered()) == 2
    choose_password()
    assert refusal_of("invite", "ann@example.com") == "ann@example.com already has an account."


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_invite_somebody_at_once_one_does(
    payments: Client, cast: SimpleNamespace
) -> None:
    def invite() -> User:
        return invite_person("ann@example.com", by=cast.admin)

    ann, refusal = race_behind(Ledger.head(), invite, invite)
    assert ann == User.objects.get(email="ann@example.com")
    assert isinstance(refusal, AlreadyPerson)
    assert len(events(Verb.INVITE_PERSON)) == 1


@pytest.mark.parametrize("email", ["", "ann", "ann@example.com\0", "a" * 250 + "@example.com"])
def test_only_an_address_is_invited(cast: SimpleNamespace, email: str) -> None:
    people = User.objects.count()
    refusal_of("invite", email)
    assert User.objects.count() == people


def test_an_invitation_is_queued_while_the_mail_server_is_gone(
    cast: SimpleNamespace, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    run("invite", "ann@example.com")
    assert delivered() == []
    assert Task.objects.get().attempts == 1
    assert User.objects.filter(email="ann@example.com").exists()


# --- Accounts ------------------------------------------------------------------------------------


def test_who_is_switched_off_is_signed_out_and_can_be_switched_on(
    cast: SimpleNamespace, browser_of: Any
) -> None:
    browser = browser_of("dev")
    assert run("deactivate", "dev@example.com") == "dev@example.com can no longer sign in.\n"
    assert browser.get("/clients/").status_code == 302
    assert not can_sign_in("dev@example.com", "correct horse battery")
    assert run("activate", "dev@example.com") == "dev@example.com can sign in again.\n"
    assert can_sign_in("dev@example.com", "correct horse battery")
    told = [(cast.admin, None, None, detail_of("dev@example.com"))]
    assert events(Verb.DEACTIVATE_PERSON) == events(Verb.ACTIVATE_PERSON) == told


def test_an_admin_is_made_and_unmade(cast: SimpleNamespace, browser_of: Any) -> None:
    assert run("grant_admin", "dev@example.com") == "dev@example.com is an admin.\n"
    assert browser_of("dev").get("/console/keys/").status_code == 200
    said = run("withdraw_admin", "dev@example.com")
    assert said == "dev@example.com is no longer an admin.\n"
    assert browser_of("dev").get("/console/keys/").status_code == 404
    told = [(cast.admin, None, None, detail_of("dev@example.com"))]
    assert events(Verb.GRANT_ADMIN) == events(Verb.WITHDRAW_ADMIN) == told


@pytest.mark.parametrize("act", [activate_person, deactivate_person, grant_admin, withdraw_admin])
def test_what_is_so_already_is_not_recorded(
    cast: SimpleNamespace, act: Callable[..., User]
) -> None:
    for _ in range(2):
        act(cast.dev, by=cast.admin) if act is not grant_admin else act(cast.admin, by=cast.admin)
    assert sum(len(events(verb)) for verb in Verb) == (1 if act is deactivate_person else 0)


@pytest.mark.parametrize("command", ["deactivate", "withdraw_admin"])
def test_the_last_admin_stays(cast: SimpleNamespace, command: str) -> None:
    User.objects.create_user("old@example.com", is_staff=True, is_active=False)
    assert "is the only admin" in refusal_of(command, "admin@example.com")
    cast.admin.refresh_from_db()
    assert cast.admin.is_active
    assert cast.admin.is_staff


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_admins_who_go_at_once_leave_one(cast: SimpleNamespace) -> None:
    grant_admin(cast.dev, by=cast.admin)
    outcomes = race_behind(
        cast.admin,
        lambda: withdraw_admin(cast.dev, by=cast.admin),
        lambda: deactivate_person(cast.admin, by=cast.dev),
    )
    assert [isinstance(each, LastAdmin) for each in outcomes] == [False, True]


def test_who_cannot_sign_in_becomes_no_admin(cast: SimpleNamespace) -> None:
    deactivate_person(cast.dev, by=cast.admin)
    cast.dev.refresh_from_db()
    with pytest.raises(PersonUnusable):
        grant_admin(cast.dev, by=cast.admin)


@pytest.mark.parametrize("command", ["activate", "deactivate", "grant_admin", "withdraw_admin"])
def test_commands_name_who_is_not_there(cast: SimpleNamespace, command: str) -> None:
    assert refusal_of(command, "nobody@example.com").startswith("Nobody has an account")
    with pytest.raises(CommandError, match="Only admins can do this"):
        call_command(command, "dev@example.com", "--by", "alice@example.com")


# --- Owners --------------------------------------------------------------------------------------


def test_a_client_whose_owner_leaves_gets_another(payments: Client, cast: SimpleNamespace) -> None:
    said = run("deactivate", "alice@example.com").splitlines()[1]
    expected = f"Payments now has no owner: manage.py appoint_owner {payments.client_id} EMAIL"
    assert said == expected
    assert list(Client.objects.without_owner()) == [payments]
    said = run("appoint_owner", payments.client_id, "dev@example.com")
    assert said == "dev@example.com is an owner of Payments.\n"
    assert not Client.objects.without_owner().exists()
    assert payments.memberships.get(user=cast.dev).role == Role.OWNER
    detail = {"member_id": cast.dev.pk, "member": "dev@example.com", "role": "owner"}
    assert events(Verb.APPOINT_OWNER) == [(cast.admin, payments, None, detail)]


def test_somebody_from_outside_can_be_appointed(payments: Client, cast: SimpleNamespace) -> None:
    deactivate_person(cast.alice, by=cast.admin)
    said = run("appoint_owner", payments.client_id, "Bob@example.com")
    assert said == "bob@example.com is asked to join Payments as owner, by e-mail.\n"
    assert not payments.memberships.filter(user=cast.bob).exists()
    accept_membership(payments.pending_members.get(), by=cast.bob)
    assert payments.memberships.get(user=cast.bob).role == Role.OWNER


def test_a_client_with_an_owner_gets_none_from_an_admin(
    payments: Client, cast: SimpleNamespace
) -> None:
    with pytest.raises(HasOwner):
        appoint_owner(payments, email="bob@example.com", by=cast.admin)
    assert "has an owner" in refusal_of("appoint_owner", payments.client_id, "bob@example.com")


def test_nobody_is_appointed_who_cannot_sign_in(payments: Client, cast: SimpleNamespace) -> None:
    deactivate_person(cast.alice, by=cast.admin)
    with pytest.raises(PersonUnusable):
        appoint_owner(payments, email="alice@example.com", by=cast.admin)
    assert "No client has the" in refusal_of("appoint_owner", "nothing", "bob@example.com")


def test_an_owner_who_is_switched_off_is_none(payments: Client, cast: SimpleNamespace) -> None:
    add_member(payments, email="bob@example.com", role=Role.OWNER, by=cast.alice)
    deactivate_person(cast.bob, by=cast.admin)
    alice = payments.memberships.get(user=cast.alice)
    with pytest.raises(LastOwner):
        change_role(alice, role=Role.DEVELOPER, by=cast.alice)
    with pytest.raises(LastOwner):
        remove_member(alice, by=cast.alice)
