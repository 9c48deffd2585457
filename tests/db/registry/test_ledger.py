"""The ledger: what is written, in which order, and how changes past the portal are found."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import Settings

from portal.accounts.models import User
from portal.core.ledger import Tree, sealed
from portal.registry import states
from portal.registry.actions import (
    add_member,
    block_key,
    change_client,
    change_rights,
    change_role,
    confirm_key,
    create_client,
    keep_key,
    remove_member,
    resume_client,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.choices import GrantType, RevocationReason, Role, Verb
from portal.registry.client_states import Member, members_of
from portal.registry.models import PORTAL, Client, ClientKey, Event, Ledger, recording
from portal.registry.models.appending import entry_of
from tests.db.registry.racing import outcome_of
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
from tests.triggers import triggers_off
from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.sqlite


def verified() -> str:
    """Return what the command says of a ledger that is whole."""
    output = io.StringIO()
    call_command("verify_ledger", stdout=output)
    return output.getvalue()


def problems(*arguments: str) -> list[str]:
    """Return the differences that the command names."""
    errors = io.StringIO()
    with pytest.raises(CommandError, match="differences were found"):
        call_command("verify_ledger", *arguments, stdout=io.StringIO(), stderr=errors)
    return errors.getvalue().splitlines()


def sql(statement: str, *parameters: Any) -> None:
    with triggers_off(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def numbers() -> list[int | None]:
    return list(Event.objects.order_by("pk").values_list("number", flat=True))


def older_event(cast: SimpleNamespace, verb: Verb, **facts: Any) -> Event:
    """Write an event as a portal of the version before does."""
    return Event.objects.create(verb=verb, actor_user=cast.dev, **facts)


@pytest.fixture
def history(key: ClientKey, cast: SimpleNamespace) -> ClientKey:
    """A key after some events of each kind of actor."""
    confirm_key(key, by=key)
    retire_key(key, grace=timedelta(days=1), by=cast.dev)
    keep_key(key, by=PORTAL)
    suspend_client(key.client, note="Asked by Ann", by=cast.admin)
    resume_client(key.client, by=cast.admin)
    retire_key(key, grace=timedelta(days=2), by=cast.dev)
    block_key("ab" * 32, by=cast.admin, note="Ann sent it")
    return key


# --- Writing --------------------------------------------------------------------------------------


def test_each_event_has_the_next_number_and_the_head_has_the_root_of_all(
    history: ClientKey,
) -> None:
    events = list(Event.objects.order_by("number"))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    tree = Tree.empty()
    for event in events:
        tree.append(bytes.fromhex(event.leaf or ""))
    head = Ledger.head()
    assert (head.size, head.root) == (len(events), tree.root.hex())
    assert [event.pk for event in events] == sorted(event.pk for event in events)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert verified() == f"{len(events)} events are as they were recorded. Root: {head.root}\n"


def test_a_verb_in_a_verb_hands_its_events_up(
    key: ClientKey, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    save = Ledger.save

    def spy(self: Ledger, *args: Any, **kwargs: Any) -> None:
        sizes.append(self.size)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Ledger, "save", spy)
    before = Ledger.head().size
    block_key(key.spki_sha256, by=cast.admin)
    assert list(Event.objects.order_by("-number").values_list("verb", flat=True)[:2]) == [
        Verb.REVOKE_KEY,
        Verb.BLOCK_KEY,
    ]
    assert sizes == [before + 2]


def test_the_head_is_locked_after_all_that_a_verb_does(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    asked: list[str] = []

    def note(execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        asked.append(statement)
        return execute(statement, *rest)

    with connection.execute_wrapper(note):
        block_key(key.spki_sha256, by=cast.admin)
    begins = next(at for at, each in enumerate(asked) if "registry_ledger" in each)
    tables = [each for each in asked[begins:] if "SAVEPOINT" not in each]
    assert all("registry_ledger" in each or "registry_event" in each for each in tables)
    assert any("registry_clientkey" in each for each in asked[:begins])


def test_a_verb_in_a_verb_that_fails_leaves_no_event(cast: SimpleNamespace) -> None:
    before = Ledger.head().size

    @recording()
    def fail() -> None:
        create_client(name="Never", by=cast.alice)
        raise ZeroDivisionError

    with recording():
        with pytest.raises(ZeroDivisionError):
            fail()
        create_client(name="Made", by=cast.alice)
    assert [event.detail["name"] for event in Event.objects.filter(number__gt=before)] == ["Made"]
    verified()


def test_a_verb_in_a_transaction_of_somebody_else_is_refused(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    """It would hold the head while others, or a second verb, wait for more locks."""
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        retire_key(key, grace=timedelta(0), by=cast.dev)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        Event.objects.record(Verb.KEEP_KEY, by=cast.dev, client=key.client, key=key)


def test_private_texts_are_not_in_the_leaf_and_can_be_erased(
    history: ClientKey, cast: SimpleNamespace
) -> None:
    change_client(
        history.client, name="Ann's", contacts=["ann@example.com"], redirect_uris=[], by=cast.alice
    )
    expected = verified()
    with triggers_off():
        for event in Event.objects.all():
            assert event.salts is not None
            event.detail, event.salts = sealed(event.detail, event.salts), {}
            event.save(update_fields=["detail", "salts"])
    left = json.dumps(list(Event.objects.values_list("detail", flat=True)))
    assert not any(word in left for word in ("Ann", "example.com", "Payments", "First"))
    assert verified() == expected


def test_a_person_can_be_renamed_and_the_tree_still_verifies(
    history: ClientKey, cast: SimpleNamespace
) -> None:
    expected = verified()
    cast.dev.email = "erased-4711@invalid.example"
    cast.dev.save()
    assert verified() == expected


# --- Events of a portal of the version before -----------------------------------------------------


def test_the_next_verb_numbers_events_that_have_none(key: ClientKey, cast: SimpleNamespace) -> None:
    size = Ledger.head().size
    older_event(cast, Verb.CHANGE_CLIENT, client=key.client, detail={"note": "Ann"})
    older_event(cast, Verb.CHANGE_CLIENT, client=key.client)
    assert numbers()[-2:] == [None, None]
    retire_key(key, grace=timedelta(0), by=cast.dev)
    assert numbers()[-3:] == [size + 1, size + 2, size + 3]
    verified()


def test_checking_numbers_events_that_have_none(cast: SimpleNamespace, payments: Client) -> None:
    size = Ledger.head().size
    older_event(cast, Verb.CHANGE_CLIENT, client=payments)
    assert verified().startswith(f"{size + 1} events")


@pytest.mark.parametrize(
    "change",
    [
        "verb = 'keep_key', number = 99, leaf = '{leaf}', version = 1, salts = '{{}}'",
        "detail = '{{\"a\": 1}}', number = 99, leaf = '{leaf}', version = 1, salts = '{{}}'",
        "verb = 'keep_key'",
    ],
)
def test_an_event_without_a_number_changes_in_no_other_way(
    cast: SimpleNamespace, payments: Client, change: str
) -> None:
    older_event(cast, Verb.CHANGE_CLIENT, client=payments)
    statement = f"UPDATE registry_event SET {change.format(leaf='ab' * 32)}"  # noqa: S608 - ours
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"{statement} WHERE number IS NULL")


@pytest.mark.parametrize(
    "change", ["number = number", "number = NULL", "leaf = 'x'", "salts = '{}'"]
)
def test_an_event_with_a_number_never_changes(payments: Client, change: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE registry_event SET {change}")  # noqa: S608 - ours


# --- Changes past the portal ----------------------------------------------------------------------

TAMPERED = [
    ("UPDATE registry_event SET verb = 'keep_key' WHERE number = 3", "Event 3 is not what"),
    ("UPDATE registry_event SET actor_portal = NOT actor_portal, actor_id = NULL WHERE number = 2",
     "Event 2 is not what"),
    ("UPDATE registry_event SET detail = '{\"name\": \"x\"}' WHERE number = 1",
     "Event 1 is not what"),
    ("UPDATE registry_event SET salts = '{}' WHERE number = 1", "Event 1 is not what"),
    ("UPDATE registry_event SET client_id = NULL WHERE number = 4", "Event 4 is not what"),
    ("DELETE FROM registry_event WHERE number = 2", "Event 2 is missing: event 3 is next"),
    ("DELETE FROM registry_event WHERE number = (SELECT size FROM registry_ledger)",
     "is missing: the head counts"),
    ("UPDATE registry_event SET number = number + 100 WHERE number >= 5", "Event 5 is missing"),
    (("INSERT INTO registry_event (number, leaf, version, salts, at, actor_portal, verb, detail) "
     "SELECT size + 1, root, 1, '{}', CURRENT_TIMESTAMP, true, 'keep_key', '{}' "
     "FROM registry_ledger"), "is beyond the head"),
    ("UPDATE registry_ledger SET size = 5, frontier = '[]'", "are not those that the head was"),
    ("UPDATE registry_ledger SET root = frontier ->> 0", "The root of the head is not"),
    ("DELETE FROM registry_ledger", "Event 1 is beyond the head"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "found"), TAMPERED)
def test_the_first_event_that_differs_is_named(
    history: ClientKey, statement: str, found: str
) -> None:
    verified()
    sql(statement)
    assert found in problems()[0]


def test_events_that_change_places_are_found(history: ClientKey) -> None:
    """Everything but the number goes from one row to the other, leaf hashes too."""
    verified()
    sql("UPDATE registry_event SET number = 1000 WHERE number = 3")
    sql("UPDATE registry_event SET number = 3 WHERE number = 6")
    sql("UPDATE registry_event SET number = 6 WHERE number = 1000")
    assert "Event 3 is not what" in problems()[0]


def test_an_event_that_changes_together_with_its_leaf_hash_is_found(history: ClientKey) -> None:
    changed = Event.objects.get(number=6)
    changed.verb = Verb.REFUSE_KEY
    with triggers_off():
        changed.leaf = entry_of(changed).leaf.hex()
        changed.save(update_fields=["verb", "leaf"])
    assert "Events 1 to 8 are not those that the head was made of" in problems()[0]


STATES = [
    (("UPDATE registry_clientkey SET revoked_at = NULL, revoked_by_id = NULL, "
     "revocation_reason = '', revocation_note = ''"), "an event says it is revoked"),
    ("UPDATE registry_clientkey SET revocation_reason = 'superseded'", "for another reason"),
    (("UPDATE registry_clientkey SET client_id = "
      "(SELECT id FROM registry_client WHERE name = 'Other')"),
     "registered for another client"),
    ("UPDATE registry_clientkey SET retires_at = NULL, retired_by_id = NULL", "retires at another"),
    ("UPDATE registry_clientkey SET confirmed_at = NULL, confirmed_by_key_id = NULL",
     "an event says it is confirmed"),
    ("UPDATE registry_clientkey SET expires_at = '2099-01-01 00:00:00'", "its expires_at is not"),
    ("UPDATE registry_clientkey SET confirmation_required = NOT confirmation_required",
     "its confirmation_required is not"),
    ("UPDATE registry_clientkey SET alg = 'ES256'", "another kid or algorithm"),
    ("UPDATE registry_clientkey SET jwk = '{\"kty\": \"OKP\"}'", "its JWK is not that of its PEM"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "found"), STATES)
def test_a_key_that_is_not_as_its_events_say_is_named(
    history: ClientKey, other: Client, cast: SimpleNamespace, statement: str, found: str
) -> None:
    revoke_key(history, reason=RevocationReason.COMPROMISED, by=cast.dev)
    verified()
    sql(statement)
    named = [line for line in problems() if line.startswith(f"Key {history.kid} of client ")]
    assert any(found in line for line in named)


def test_a_key_that_was_replaced_is_named(history: ClientKey) -> None:
    sql("UPDATE registry_clientkey SET pem = %s", public_pem(new_private_key()))
    assert "its PEM is another key" in problems()[0]


def test_a_key_that_was_inserted_by_hand_is_named(history: ClientKey) -> None:
    names = [f.column for f in ClientKey._meta.concrete_fields if f.name not in ("id", "kid")]
    columns = ", ".join(each for each in names if each and each != "spki_sha256")
    sql(
        f"INSERT INTO registry_clientkey (kid, spki_sha256, {columns}) "  # noqa: S608 - ours
        f"SELECT %s, %s, {columns} FROM registry_clientkey",
        "k" * 43,
        "cd" * 32,
    )
    assert problems()[0].startswith(f"Key {'k' * 43} of client ")
    assert "no event registers it" in problems()[0]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (("UPDATE registry_client SET suspended_at = NULL, suspended_by_id = NULL, "
         "suspension_note = ''"), "an event says it is suspended"),
        (("INSERT INTO registry_client (client_id, name, contacts, redirect_uris, created_at, "
         "created_by_id, suspension_note) SELECT 'forged', 'Forged', '[]', '[]', created_at, "
         "created_by_id, '' FROM registry_client"), "Client forged: no event creates it"),
    ],
)  # fmt: skip
def test_a_client_that_is_not_as_its_events_say_is_named(
    payments: Client, cast: SimpleNamespace, statement: str, found: str
) -> None:
    suspend_client(payments, note="", by=cast.admin)
    verified()
    sql(statement)
    assert found in problems()[0]


# --- Names, lists, rights and members -------------------------------------------------------------


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
    assert "it was registered with the label “First”" in problems()[0]


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


# --- An export, alone -----------------------------------------------------------------------------


@pytest.fixture
def export(history: ClientKey, tmp_path: Path) -> Path:
    """A file with all events."""
    file = tmp_path / "events.jsonl"
    output = io.StringIO()
    call_command("export_events", stdout=output)
    file.write_text(output.getvalue(), "utf-8")
    return file


def test_an_export_is_checked_without_the_database(
    export: Path, django_assert_num_queries: Callable[[int], Any]
) -> None:
    head, output = Ledger.head(), io.StringIO()
    with django_assert_num_queries(0):
        call_command("verify_ledger", "--export", str(export), stdout=output)
    assert f"{head.size} events in the file" in output.getvalue()
    assert f"Root: {head.root}" in output.getvalue()


@pytest.mark.parametrize("block", [1, 7, 300])
def test_an_export_is_read_in_blocks(
    export: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.console.export_check._BLOCK", block)
    call_command("verify_ledger", "--export", str(export), stdout=io.StringIO())


def change(file: Path, number: int, values: dict[str, Any]) -> None:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for row in rows:
        if row["number"] == number:
            row.update(values)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"verb": "keep_key"}, "Event 2 is not what"),
        ({"at": "2020-01-01T00:00:00Z"}, "Event 2 is not what"),
        ({"person_id": 4711}, "Event 2 is not what"),
        ({"detail": {"member": "x"}}, "Event 2 is not what"),
        ({"leaf_hash": "00"}, "Event 2 is not what"),
        ({"ledger_version": 2}, "Event 2 has version 2"),
        ({"number": 1}, "Event 2 is missing: event 1 is next"),
        ({"number": None}, "A line is not an event with a number"),
        ({"detail": None, "salts": 5}, "Event 2 is not what"),
        ({"at": "never"}, "A line is not an event with a number"),
    ],
)
def test_a_file_that_was_changed_is_found(export: Path, values: dict[str, Any], found: str) -> None:
    change(export, 2, values)
    assert found in problems("--export", str(export))[0]


def test_a_file_with_a_line_too_few_is_found(export: Path) -> None:
    lines = export.read_text("utf-8").splitlines(keepends=True)
    export.write_text("".join(lines[:3] + lines[4:]), "utf-8")
    number = len(lines) - 3
    assert f"Event {number} is missing: event {number + 1} is next." in problems(
        "--export", str(export)
    )


def test_a_file_that_is_no_export_or_is_not_there(tmp_path: Path, db: None) -> None:
    file = tmp_path / "file"
    file.write_text("id,at\n", "utf-8")
    assert "Please export all events as JSON Lines." in problems("--export", str(file))[0]
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_ledger", "--export", str(tmp_path / "none"))
