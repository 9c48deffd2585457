"""`change_role`, `remove_member`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.accounts.models import User
from portal.registry.actions import change_role, remove_member
from portal.registry.choices import Role, Verb
from portal.registry.errors import LastOwner, NotMember
from portal.registry.models import Client, Event, Membership
from tests.db.registry.recorded import events


def membership(client: Client, user: User) -> Membership:
    return client.memberships.get(user=user)


def test_a_new_role_is_recorded_with_the_old_one(payments: Client, cast: SimpleNamespace) -> None:
    change_role(membership(payments, cast.dev), role=Role.OWNER, by=cast.alice)
    assert membership(payments, cast.dev).role == Role.OWNER
    detail = {
        "member_id": cast.dev.pk,
        "member": "dev@example.com",
        "role": "owner",
        "before": "developer",
    }
    assert events(Verb.CHANGE_MEMBER) == [(cast.alice, payments, None, detail)]


def test_the_same_role_again_records_nothing(payments: Client, cast: SimpleNamespace) -> None:
    change_role(membership(payments, cast.dev), role=Role.DEVELOPER, by=cast.alice)
    assert not events(Verb.CHANGE_MEMBER)


def test_the_last_owner_stays_owner(payments: Client, cast: SimpleNamespace) -> None:
    with pytest.raises(LastOwner) as stepping_down:
        change_role(membership(payments, cast.alice), role=Role.VIEWER, by=cast.alice)
    with pytest.raises(LastOwner) as leaving:
        remove_member(membership(payments, cast.alice), by=cast.alice)
    sentence = "Payments would have no owner. Make someone else an owner first."
    assert str(stepping_down.value) == str(leaving.value) == sentence
    assert membership(payments, cast.alice).role == Role.OWNER


def test_a_removed_member_is_on_record(payments: Client, cast: SimpleNamespace) -> None:
    remove_member(membership(payments, cast.dev), by=cast.alice)
    assert not payments.memberships.filter(user=cast.dev).exists()
    detail = {"member_id": cast.dev.pk, "member": "dev@example.com", "role": "developer"}
    assert events(Verb.REMOVE_MEMBER) == [(cast.alice, payments, None, detail)]


def test_removing_a_member_again_records_nothing(payments: Client, cast: SimpleNamespace) -> None:
    gone = membership(payments, cast.dev)
    remove_member(gone, by=cast.alice)
    before = Event.objects.count()
    remove_member(Membership(pk=999_999, client=payments, user=cast.dev), by=cast.alice)
    assert Event.objects.count() == before


def test_who_was_removed_gets_no_other_role(payments: Client, cast: SimpleNamespace) -> None:
    gone = membership(payments, cast.dev)
    Membership.objects.filter(pk=gone.pk).delete()
    with pytest.raises(NotMember) as refusal:
        change_role(gone, role=Role.OWNER, by=cast.alice)
    assert str(refusal.value) == "dev@example.com is no longer a member of Payments."
