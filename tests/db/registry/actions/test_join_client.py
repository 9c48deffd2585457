"""`ask_member`, `withdraw_member`, `accept_membership`, `decline_membership`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from allauth.account.models import EmailAddress
from django.utils import timezone

from portal.registry.actions import (
    accept_membership,
    appoint_owner,
    ask_member,
    change_client,
    change_rights,
    decline_membership,
    delete_client,
    suspend_client,
    withdraw_member,
)
from portal.registry.choices import Role, Verb
from portal.registry.errors import (
    AlreadyMember,
    ClientDeleted,
    NotAsked,
    PendingLimitReached,
    UnfitInput,
)
from portal.registry.models import Client, PendingMember
from portal.registry.models.pending_member import OPEN_FOR
from tests.db.registry.ledger.support import problems, sql, verified
from tests.db.registry.recorded import events


@pytest.fixture
def pending(payments: Client, cast: SimpleNamespace) -> PendingMember:
    """The stranger is asked to join as owner."""
    return ask_member(payments, email=" Stranger@Example.com ", role=Role.OWNER, by=cast.alice)


@pytest.mark.sqlite
@pytest.mark.usefixtures("nobody_is_admin")
def test_a_person_is_a_member_only_after_accepting(
    payments: Client, pending: PendingMember, cast: SimpleNamespace
) -> None:
    assert not Client.objects.visible_to(cast.stranger).exists()
    asked = {"pending_id": pending.pk, "member": "stranger@example.com", "role": "owner"}
    assert events(Verb.ASK_MEMBER) == [(cast.alice, payments, None, asked)]
    verified()
    accept_membership(pending, by=cast.stranger)
    assert payments.memberships.get(user=cast.stranger).role == Role.OWNER
    joined = asked | {"member_id": cast.stranger.pk}
    assert events(Verb.ACCEPT_MEMBERSHIP) == [(cast.stranger, payments, None, joined)]
    assert not PendingMember.objects.exists()
    verified()


@pytest.mark.parametrize("answer", [decline_membership, withdraw_member])
@pytest.mark.usefixtures("nobody_is_admin")
def test_a_declined_or_withdrawn_request_gives_no_membership(
    payments: Client, pending: PendingMember, cast: SimpleNamespace, answer: object
) -> None:
    assert callable(answer)
    answer(pending, by=cast.stranger)
    with pytest.raises(NotAsked, match="not asked to join this client any more"):
        accept_membership(pending, by=cast.stranger)
    assert not payments.memberships.filter(user=cast.stranger).exists()
    verified()


def test_only_who_has_confirmed_the_address_accepts(
    payments: Client, pending: PendingMember, cast: SimpleNamespace
) -> None:
    with pytest.raises(NotAsked):
        accept_membership(pending, by=cast.bob)
    EmailAddress.objects.filter(user=cast.stranger).update(verified=False)
    with pytest.raises(NotAsked):
        accept_membership(pending, by=cast.stranger)
    assert not PendingMember.objects.of_person(cast.stranger).exists()


@pytest.mark.usefixtures("nobody_is_admin")
def test_a_request_ends_after_its_time_and_can_be_made_again(
    payments: Client, pending: PendingMember, cast: SimpleNamespace
) -> None:
    PendingMember.objects.update(asked_at=timezone.now() - OPEN_FOR)
    assert not PendingMember.objects.open(timezone.now()).exists()
    with pytest.raises(NotAsked):
        accept_membership(pending, by=cast.stranger)
    again = ask_member(payments, email=pending.email, role=Role.VIEWER, by=cast.alice)
    assert again.pk == pending.pk
    accept_membership(again, by=cast.stranger)
    assert payments.memberships.get(user=cast.stranger).role == Role.VIEWER
    verified()


def test_who_asks_does_not_learn_whether_there_is_an_account(
    payments: Client, cast: SimpleNamespace
) -> None:
    for email in ("nobody@example.com", "stranger@example.com"):
        assert ask_member(payments, email=email, role=Role.VIEWER, by=cast.alice).email == email


def test_a_member_is_not_asked_again_and_keeps_their_role(
    payments: Client, cast: SimpleNamespace
) -> None:
    with pytest.raises(AlreadyMember, match=r"dev@example\.com is already a member of Payments\."):
        ask_member(payments, email="Dev@example.com", role=Role.OWNER, by=cast.alice)
    EmailAddress.objects.create(user=cast.dev, email="second@example.com", verified=True)
    second = ask_member(payments, email="second@example.com", role=Role.OWNER, by=cast.alice)
    with pytest.raises(AlreadyMember, match="You are already a member of Payments"):
        accept_membership(second, by=cast.dev)
    assert payments.memberships.get(user=cast.dev).role == Role.DEVELOPER


@pytest.mark.parametrize("email", ["", "no address", "a\0@example.com", f"{'x' * 250}@example.com"])
def test_an_address_that_cannot_be_is_refused(
    payments: Client, cast: SimpleNamespace, email: str
) -> None:
    with pytest.raises(UnfitInput) as refusal:
        ask_member(payments, email=email, role=Role.VIEWER, by=cast.alice)
    assert refusal.value.field == "email"


def test_a_client_asks_a_limited_number_of_people(
    payments: Client,
    pending: PendingMember,
    cast: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("portal.registry.actions.join_client.MAX_PENDING", 1)
    with pytest.raises(PendingLimitReached, match="Withdraw one"):
        ask_member(payments, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    ask_member(payments, email=pending.email, role=Role.VIEWER, by=cast.alice)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE registry_pendingmember SET role = 'viewer'", "asked to join as viewer, and no"),
        ("UPDATE registry_pendingmember SET email = 'b@b.example'", "b@b.example is asked to join"),
        ("DELETE FROM registry_pendingmember", "an event asks stranger@example.com to join"),
    ],
)
def test_a_request_that_was_changed_by_hand_is_named(
    pending: PendingMember, statement: str, found: str
) -> None:
    sql(statement)
    assert found in problems()[0]


@pytest.mark.usefixtures("nobody_is_admin")
def test_a_request_that_was_changed_by_hand_is_named_after_it_was_accepted(
    payments: Client, cast: SimpleNamespace
) -> None:
    pending = ask_member(payments, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    sql("UPDATE registry_pendingmember SET role = 'owner'")
    accept_membership(pending, by=cast.bob)
    assert problems() == [
        f"Client {payments.client_id}: no event asks for what “joined the client” as owner says."
    ]


@pytest.mark.usefixtures("nobody_is_admin")
def test_a_deleted_client_asks_nobody_and_is_not_changed(
    payments: Client, pending: PendingMember, cast: SimpleNamespace
) -> None:
    delete_client(payments, by=cast.alice)
    for verb, more in (
        (ask_member, {"email": "bob@example.com", "role": Role.VIEWER}),
        (appoint_owner, {"email": "bob@example.com"}),
        (change_client, {"name": "Other", "contacts": [], "redirect_uris": []}),
        (change_rights, {"scopes": ["read"], "grant_types": [], "resources": []}),
    ):
        # As a request that began before the client was deleted.
        with pytest.raises(ClientDeleted, match=r"Payments was deleted\."):
            verb(payments, **more, by=cast.alice)
    assert not suspend_client(payments, note="", by=cast.admin).is_suspended
    assert not PendingMember.objects.exists()
    verified()


def test_nobody_joins_a_deleted_client(
    payments: Client, pending: PendingMember, cast: SimpleNamespace
) -> None:
    Client.objects.filter(pk=payments.pk).update(
        deleted=True, archived_at=timezone.now(), archived_by=cast.alice
    )
    assert not PendingMember.objects.of_person(cast.stranger).exists()
    for answer in (accept_membership, decline_membership):
        with pytest.raises(NotAsked):
            answer(pending, by=cast.stranger)
