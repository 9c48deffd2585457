"""How rows of clients, members and keys are compared with what their events say."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from importlib import import_module
from types import SimpleNamespace

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.management import call_command
from django.db.models import Case, QuerySet, When
from django.utils import timezone
from pytest_django import Settings

from portal.accounts.models import User
from portal.core.ledger import sealed
from portal.registry import states
from portal.registry.actions import (
    block_key,
    change_client,
    change_rights,
    change_role,
    create_client,
    deactivate_person,
    grant_admin,
    remove_member,
    withdraw_admin,
)
from portal.registry.choices import GrantType, Role, Verb
from portal.registry.client_states import Member, members_of
from portal.registry.models import PORTAL, Client, ClientKey, Event, Ledger
from tests.db.registry.ledger.support import older_event, problems, sql, verified
from tests.db.registry.racing import outcome_of
from tests.keys import new_private_key, public_pem
from tests.registering import add_member, register_pem
from tests.triggers import triggers_off
from tests.waiting import PATIENCE_S

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("nobody_is_admin")]

ADMINS = import_module("portal.registry.migrations.0038_admins_recorded")


@pytest.fixture
def known(payments: Client, cast: SimpleNamespace, settings: Settings) -> Client:
    """A client that has had a change of each kind."""
    settings.RESOURCES = {"https://api.example.com": "Accounts"}
    change_client(
        payments,
        name="Payments 2",
        contacts=["b@example.com", "a@example.com"],
        redirect_uris=["https://a.example/cb", "https://b.example/cb"],
        by=cast.alice,
    )
    change_client(
        payments,
        name="Payments 3",
        contacts=["a@example.com"],
        redirect_uris=["https://b.example/cb", "https://c.example/cb"],
        by=cast.alice,
    )
    change_rights(
        payments,
        scopes=["read", "write"],
        grant_types=[GrantType.CLIENT_CREDENTIALS],
        resources=["https://api.example.com"],
        by=cast.admin,
    )
    role_of(payments, cast.viewer, Role.OWNER, by=cast.alice)
    remove_member(payments.memberships.get(user=cast.dev), by=cast.alice)
    return Client.objects.get(pk=payments.pk)


def role_of(client: Client, user: User, role: Role, *, by: User) -> None:
    change_role(client.memberships.get(user=user), role=role, by=by)


CLIENT_STATES = [
    ("UPDATE registry_client SET name = 'Payments 2'", "an event names it “Payments 3”"),
    ("UPDATE registry_client SET contacts = '[]'", "other contacts than"),
    ("UPDATE registry_client SET contacts = '[\"a@example.com\", \"b@example.com\"]'",
     "other contacts than"),
    ("UPDATE registry_client SET redirect_uris = '[\"https://b.example/cb\"]'",
     "other redirect_uris than"),
    (("UPDATE registry_client SET redirect_uris = "
      "'[\"https://b.example/cb\", \"https://evil.example/cb\"]'"), "other redirect_uris than"),
    ("UPDATE registry_client SET scopes = '[\"read\", \"write\", \"admin\"]'", "other scopes than"),
    ("UPDATE registry_client SET scopes = NULL", "other scopes than"),
    ("UPDATE registry_client SET grant_types = NULL", "other grant_types than"),
    ("UPDATE registry_client SET resources = '[\"https://evil.example\"]'",
     "other resources than"),
    (("INSERT INTO registry_membership (client_id, user_id, role, since) "
      "SELECT c.id, u.id, 'owner', c.created_at FROM registry_client c, accounts_user u "
      "WHERE u.email = 'stranger@example.com'"),
     "stranger@example.com is owner, and no event says so"),
    ("UPDATE registry_membership SET role = 'viewer' WHERE role = 'owner'",
     "alice@example.com is viewer, and events say owner"),
    ("DELETE FROM registry_membership", "is owner"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "found"), CLIENT_STATES)
def test_a_client_whose_facts_were_changed_by_hand_is_named(
    known: Client, statement: str, found: str
) -> None:
    verified()
    sql(statement)
    assert problems()[0].startswith(f"Client {known.client_id}: ")
    assert any(found in each for each in problems())


def test_a_client_that_never_changed_is_named_too(payments: Client) -> None:
    verified()
    sql('UPDATE registry_client SET scopes = \'["read", "write"]\'')
    sql("UPDATE registry_client SET redirect_uris = '[\"https://evil.example/cb\"]'")
    assert problems() == [
        f"Client {payments.client_id}: it has other redirect_uris than its events say.",
        f"Client {payments.client_id}: it has other scopes than its events say.",
    ]


def test_the_label_of_a_key_that_was_changed_by_hand_is_named(key: ClientKey) -> None:
    sql("UPDATE registry_clientkey SET label = 'Second'")
    assert "an event labels it “First”" in problems()[0]


def as_earlier_version(events: QuerySet[Event]) -> None:
    """Leave out what events of the version before do not have."""
    with triggers_off():
        for event in events:
            for name in ("contacts", "redirect_uris"):
                if event.verb == Verb.CREATE_CLIENT:
                    event.detail.pop(name, None)
            event.detail.pop("member_id", None)
            for change in event.detail.values():
                if event.verb == Verb.CHANGE_RIGHTS:
                    change.pop("after", None)
            event.save(update_fields=["detail"])
        Event.objects.update(number=None, leaf=None, version=None, salts=None)
        Ledger.objects.all().delete()


def test_events_of_the_version_before_say_less_and_are_checked_for_that(
    known: Client, cast: SimpleNamespace
) -> None:
    as_earlier_version(Event.objects.all())
    verified()
    sql("UPDATE registry_client SET scopes = '[\"read\"]'")
    sql("UPDATE registry_client SET redirect_uris = '[\"https://a.example/cb\"]'")
    sql("DELETE FROM registry_membership WHERE user_id = %s", cast.viewer.pk)
    assert problems() == [
        f"Client {known.client_id}: it has other redirect_uris than its events say.",
        f"Client {known.client_id}: it has other scopes than its events say.",
        f"Client {known.client_id}: an event says that person {cast.viewer.pk} is owner.",
    ]


def test_a_member_who_has_another_address_since_is_still_known(
    known: Client, cast: SimpleNamespace
) -> None:
    def rename() -> None:
        cast.viewer.email = "renamed@example.com"
        cast.viewer.save()
        EmailAddress.objects.filter(user=cast.viewer).delete()

    rename()
    verified()
    as_earlier_version(Event.objects.all())
    verified()


def test_versions_may_take_turns(known: Client, cast: SimpleNamespace) -> None:
    as_earlier_version(Event.objects.filter(client=known))
    remove_member(known.memberships.get(user=cast.viewer), by=cast.alice)
    change_rights(
        known,
        scopes=["write"],
        grant_types=[GrantType.CLIENT_CREDENTIALS],
        resources=[],
        by=cast.admin,
    )
    change_client(known, name="Payments 4", contacts=[], redirect_uris=[], by=cast.alice)
    verified()


def test_a_client_whose_texts_were_erased_is_as_its_events_say(known: Client) -> None:
    with triggers_off():
        for event in Event.objects.all():
            assert event.salts is not None
            event.detail, event.salts = sealed(event.detail, event.salts), {}
            event.save(update_fields=["detail", "salts"])
    sql("UPDATE registry_client SET name = 'erased', contacts = '[]', redirect_uris = '[]'")
    verified()


@pytest.mark.parametrize(
    ("verb", "detail"),
    [
        (Verb.CHANGE_CLIENT, '{"name": "x"}'),
        (Verb.CHANGE_CLIENT, '{"contacts": {"added": 1}}'),
        (Verb.CHANGE_RIGHTS, '{"scopes": []}'),
        (Verb.CREATE_CLIENT, "[]"),
        (Verb.REGISTER_KEY, "[]"),
        (Verb.REGISTER_KEY, '{"not_before": "2026-99-99T00:00:00Z"}'),
        (Verb.BLOCK_KEY, "[]"),
    ],
)
def test_an_event_of_another_form_is_named_and_the_check_goes_on(
    known: Client, key: ClientKey, verb: Verb, detail: str
) -> None:
    block_key("ab" * 32, by=known.created_by)
    sql("UPDATE registry_event SET detail = %s WHERE verb = %s", detail, verb)
    sql("DELETE FROM registry_blockedkey")
    changed, *others, last = problems()
    assert "is not what was recorded" in changed
    if verb == Verb.BLOCK_KEY:
        assert last == "Block of None: an event blocks this key, and it is not blocked."
    else:
        assert any("not what the portal records" in each for each in others)
        assert last.startswith("Block of abab")


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_change_in_the_middle_of_a_check_is_no_difference(
    known: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of clients and members are read one after the other, and a verb commits in between."""
    read = members_of

    def read_and_change(clients: Iterable[int]) -> dict[int, list[Member]]:
        members = read(clients)
        monkeypatch.setattr(states, "members_of", read)
        with ThreadPoolExecutor(1) as pool:
            work = partial(add_member, known, email="dev@example.com", role=Role.OWNER)
            pool.submit(outcome_of, partial(work, by=cast.alice)).result(timeout=PATIENCE_S)
        return members

    monkeypatch.setattr(states, "members_of", read_and_change)
    assert known.memberships.count() == 2
    verified()
    assert known.memberships.count() == 3


def test_a_block_that_was_taken_back_by_hand_is_named(history: ClientKey) -> None:
    sql("DELETE FROM registry_blockedkey")
    assert problems() == [f"Block of {'ab' * 32}: an event blocks this key, and it is not blocked."]


def test_keys_of_every_kind_are_as_their_events_say(
    payments: Client, cast: SimpleNamespace
) -> None:
    for alg in ("EdDSA", "ES256", "PS256", "ML-DSA-44"):
        register_pem(
            payments,
            material=public_pem(new_private_key(alg)),
            alg=alg,
            label=alg,
            by=cast.dev,
            not_before=timezone.now(),
            expires_at=timezone.now() + timedelta(days=9),
        )
    verified()


def test_checking_reads_some_rows_at_a_time(
    cast: SimpleNamespace, payments: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ledger._BATCH", "states._BATCH", "states._FEW"):
        monkeypatch.setattr(f"portal.registry.{name}", 2)
    for each in range(5):
        create_client(name=f"Client {each}", by=cast.alice)
    verified()
    sql("DELETE FROM registry_event WHERE number = 7")
    assert "Event 7 is missing" in problems()[0]


PERSON_STATES = [
    ("UPDATE accounts_user SET is_staff = %s", True, "{} is an admin, and no event says so"),
    ("UPDATE accounts_user SET is_active = %s", False, "{} is deactivated, and no event says so"),
]


@pytest.mark.parametrize(("statement", "value", "found"), PERSON_STATES)
def test_a_person_whose_account_was_changed_by_hand_is_named(
    *, cast: SimpleNamespace, statement: str, value: bool, found: str
) -> None:
    verified()
    sql(f"{statement} WHERE id = %s", value, cast.dev.pk)
    assert problems() == [f"Person {found.format(cast.dev.email)}."]


def test_rights_that_were_taken_or_given_back_by_hand_are_named(cast: SimpleNamespace) -> None:
    grant_admin(cast.alice, by=cast.admin)
    grant_admin(cast.dev, by=cast.admin)
    withdraw_admin(cast.dev, by=cast.alice)
    deactivate_person(cast.bob, by=cast.alice)
    verified()
    changed = User.objects.filter(pk__in=[cast.alice.pk, cast.dev.pk])
    changed.update(is_staff=Case(When(pk=cast.dev.pk, then=True), default=False))
    User.objects.update(is_active=True)
    assert problems() == [
        f"Person {cast.alice.email} is not an admin, but an event says so.",
        f"Person {cast.dev.email} is an admin, and no event says so.",
        f"Person {cast.bob.email} is not deactivated, but an event says so.",
    ]


def test_an_admin_by_createsuperuser_is_recorded(db: None) -> None:
    call_command("createsuperuser", email="root@example.com", interactive=False)
    root = User.objects.get(email="root@example.com")
    assert root.is_staff
    event = Event.objects.get()
    assert (event.verb, event.actor) == (Verb.GRANT_ADMIN, PORTAL)
    verified()


def test_the_upgrade_records_who_is_an_admin_or_deactivated(cast: SimpleNamespace) -> None:
    User.objects.filter(pk=cast.alice.pk).update(is_staff=True, is_active=False)
    # As an older version recorded it.
    older_event(cast, Verb.GRANT_ADMIN, detail={"person": cast.dev.email})
    User.objects.filter(pk=cast.dev.pk).update(is_staff=True)
    for _ in range(2):
        ADMINS.record(apps, None)
    grant_admin(cast.viewer, by=cast.dev)
    assert Event.objects.count() == 5
    verified()


def test_a_person_is_known_by_id_after_the_address_changes(cast: SimpleNamespace) -> None:
    grant_admin(cast.dev, by=cast.admin)
    User.objects.filter(pk=cast.dev.pk).update(email="other@example.com")
    verified()
