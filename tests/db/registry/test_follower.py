"""What the follower sees in a real ledger, and how it tells a database that is gone from others."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings

from portal.registry.actions import (
    block_key,
    change_client,
    confirm_key,
    create_client,
    keep_key,
    resume_client,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.choices import RevocationReason, Role, Verb
from portal.registry.follower import BOUND_S, LIMIT, Follower
from portal.registry.ledger_source import (
    PATIENCE_S,
    Postgres,
    PostgresSession,
    Sqlite,
    _read_snapshot,
)
from portal.registry.models import Client, ClientKey, Event, Ledger, recording
from portal.registry.models.appending import CHANNEL
from tests.interop.served import database_url
from tests.keys import new_private_key, public_pem
from tests.registering import add_member, register_pem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

Seen = Callable[[], list[str]]


def execute(statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


@pytest.fixture
def seen(key: ClientKey) -> Seen:
    """The clients that have changed since it was asked last, or since the test began."""
    known = Ledger.head().size

    def seen() -> list[str]:
        nonlocal known
        snapshot = _read_snapshot(execute, known, "''")
        known = snapshot.tree.size
        return list(dict.fromkeys(event.client_id for event in snapshot.events if event.client_id))

    return seen


# --- Which clients have changed -------------------------------------------------------------------


def _register(key: ClientKey, cast: SimpleNamespace) -> None:
    pem = public_pem(new_private_key())
    register_pem(key.client, material=pem, alg="EdDSA", label="New", by=cast.dev)


def _revoke(key: ClientKey, cast: SimpleNamespace) -> None:
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)


def _retire(key: ClientKey, cast: SimpleNamespace) -> None:
    retire_key(key, grace=timedelta(hours=1), by=cast.dev)


def _block(key: ClientKey, cast: SimpleNamespace) -> None:
    block_key(key.spki_sha256, by=cast.admin)


def _suspend(key: ClientKey, cast: SimpleNamespace) -> None:
    suspend_client(key.client, note="", by=cast.admin)


@pytest.mark.parametrize("change", [_register, _revoke, _retire, _block, _suspend])
def test_change_that_verifiers_may_see_is_a_change_of_its_client(
    *,
    change: Callable[[ClientKey, SimpleNamespace], None],
    key: ClientKey,
    other: Client,
    cast: SimpleNamespace,
    seen: Seen,
) -> None:
    seen()
    change(key, cast)
    assert seen() == [key.client.client_id]


def test_what_brings_keys_back_is_a_change_of_its_client(
    key: ClientKey, cast: SimpleNamespace, seen: Seen
) -> None:
    _retire(key, cast)
    seen()
    keep_key(key, by=cast.dev)
    assert seen() == [key.client.client_id]
    _suspend(key, cast)
    seen()
    resume_client(key.client, by=cast.admin)
    assert seen() == [key.client.client_id]


@pytest.mark.parametrize("required", [True, False])
def test_confirmation_is_a_change_where_the_key_was_not_live_without_it(
    *, required: bool, payments: Client, cast: SimpleNamespace, seen: Seen, settings: Settings
) -> None:
    settings.REQUIRE_CONFIRMATION = required
    pem = public_pem(new_private_key())
    key = register_pem(payments, material=pem, alg="EdDSA", label="New", by=cast.dev)
    seen()
    confirm_key(key, by=cast.dev)
    assert seen() == [payments.client_id] * required


def test_key_that_is_confirmed_elsewhere_is_a_change_of_both_clients(
    payments: Client, other: Client, cast: SimpleNamespace, seen: Seen, settings: Settings
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    pem = public_pem(new_private_key())
    one = register_pem(payments, material=pem, alg="EdDSA", label="x", by=cast.dev)
    register_pem(other, material=pem, alg="EdDSA", label="x", by=cast.bob)
    seen()
    confirm_key(one, by=cast.dev)
    assert sorted(seen()) == sorted([payments.client_id, other.client_id])


def test_what_verifiers_do_not_see_is_no_change(
    key: ClientKey, cast: SimpleNamespace, seen: Seen
) -> None:
    seen()
    create_client(name="Without keys", by=cast.dev)
    change_client(key.client, name="Another", contacts=[], redirect_uris=[], by=cast.alice)
    add_member(key.client, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    assert seen() == []


def older_event(key: ClientKey, verb: Verb = Verb.REVOKE_KEY) -> None:
    """Add an event as a portal of the version before the ledger does: without a number."""
    Event.objects.bulk_create(
        [Event(verb=verb, client=key.client, key=key, actor_user=key.registered_by)]
    )


def test_event_of_an_older_portal_is_a_change_until_it_has_a_number(
    key: ClientKey, other: Client, cast: SimpleNamespace, seen: Seen
) -> None:
    seen()
    older_event(key)
    assert seen() == [key.client.client_id]
    suspend_client(other, note="", by=cast.admin)
    assert seen() == [key.client.client_id, other.client_id]
    assert seen() == []


def test_what_was_read_adds_up_to_the_root_of_the_ledger(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    before = _read_snapshot(execute, None, "''")
    assert before.events == []
    _revoke(key, cast)
    suspend_client(key.client, note="", by=cast.admin)
    after = _read_snapshot(execute, before.tree.size, "''")
    for event in after.events:
        before.tree.append(event.leaf)
    assert (before.tree.size, before.tree.root) == (after.tree.size, after.tree.root)
    assert after.tree.root.hex() == Ledger.head().root


# --- A follower of PostgreSQL ---------------------------------------------------------------------


class Subscriber:
    """Takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def drop(self, client_id: str) -> None:
        self.told.append(client_id)

    def clear(self) -> None:
        self.told.append("everything")


@pytest.fixture
def told() -> Subscriber:
    return Subscriber()


@pytest.fixture
def follower(key: ClientKey, told: Subscriber) -> Iterator[Follower]:
    """A follower that has polled once, and polls again when a test says so."""
    follower = Follower(Postgres(), stale_s=100)
    follower.subscribe(told)
    follower.step()
    assert follower.is_healthy()
    assert told.told == ["everything"]
    told.told.clear()
    yield follower
    follower._close()


def admin() -> closing[psycopg.Connection[Any]]:
    """A connection to another database of the same server."""
    return closing(psycopg.connect(os.environ["DATABASE_URL"], autocommit=True))


def lose_the_connection() -> None:
    with admin() as server:
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'portal: follower' AND datname = %s",
            [connection.settings_dict["NAME"]],
        )


@pytest.mark.postgresql
def test_connection_that_was_lost_hides_no_change_and_makes_nobody_forget(
    follower: Follower, told: Subscriber, key: ClientKey, cast: SimpleNamespace
) -> None:
    lose_the_connection()
    _revoke(key, cast)
    assert follower.step() == 0.0
    assert not follower.gone
    follower.step()
    assert follower.is_healthy()
    assert told.told == [key.client.client_id]


@pytest.mark.postgresql
def test_notification_wakes_the_follower_up_with_the_commit(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    with closing(Postgres().connect(lambda: None)) as session:
        with recording():
            _revoke(key, cast)
            assert woken_in(session, 0.2) >= 0.2
        assert woken_in(session, 30) < 30


@pytest.mark.postgresql
def test_notified_client_is_dropped_without_a_look(
    follower: Follower, told: Subscriber, key: ClientKey, cast: SimpleNamespace
) -> None:
    """The database may die between the notification and the poll."""
    assert follower._session
    _revoke(key, cast)
    follower._drop_notified(follower._session.wait(30))
    assert told.told == [key.client.client_id]
    assert follower.current_head is None
    follower.step()
    assert follower.current_head


@pytest.mark.postgresql
def test_older_portal_wakes_the_follower_up(key: ClientKey, cast: SimpleNamespace) -> None:
    """By the triggers of migration 0006, which it needs itself."""
    with closing(Postgres().connect(lambda: None)) as session:
        ClientKey.objects.filter(pk=key.pk).update(label="Changed")
        assert woken_in(session, 30) < 30


def woken_in(session: PostgresSession, patience_s: float) -> float:
    began = time.monotonic()
    session.wait(patience_s)
    return time.monotonic() - began


@pytest.mark.postgresql
def test_many_notifications_make_one_look(key: ClientKey, cast: SimpleNamespace) -> None:
    with closing(Postgres().connect(lambda: None)) as session:
        with connection.cursor() as cursor:
            for number in range(20):
                cursor.execute(f"NOTIFY {CHANNEL}, '{number}'")
        session.poll(None)
        session.wait(30)
        assert woken_in(session, 0.2) >= 0.2


@pytest.mark.postgresql
def test_server_that_refuses_us_is_not_gone_and_may_let_us_in_again(
    follower: Follower, told: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "portal.registry.follower")
    name = connection.settings_dict["NAME"]
    with admin() as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        lose_the_connection()
        try:
            assert follower.step() == 0.0
            # Not in haste: a server that has no room for us has others to answer.
            assert [follower.step() for _ in range(2)] == [1.0, 1.0]
            assert (follower.is_healthy(), follower.gone) == (False, False)
            assert follower.good_until < time.monotonic()
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    follower.step()
    assert follower.is_healthy()
    # Each state is said once, when it begins.
    said = [record.levelno for record in caplog.records]
    assert said[-2:] == [logging.WARNING, logging.INFO]
    assert said.count(logging.WARNING) == 1
    assert told.told == []


@pytest.mark.postgresql
def test_without_a_server_what_is_kept_is_good_for_the_limit_from_the_last_look(
    follower: Follower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    polled_at = follower.good_until - BOUND_S
    lose_the_connection()
    with monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "HOST", str(tmp_path))
        for _ in range(3):
            follower.step()
        assert follower.gone
        assert follower.good_until == pytest.approx(polled_at + 100)
    follower.step()
    assert follower.is_healthy()


@pytest.mark.postgresql
def test_without_a_server_from_the_start_there_is_nothing_that_is_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "HOST", str(tmp_path))
    follower = Follower(Postgres(), stale_s=100)
    follower.step()
    assert follower.gone
    assert follower.good_until < 0


@pytest.mark.postgresql
def test_lock_of_the_tables_of_keys_does_not_stop_it(follower: Follower) -> None:
    with locked("registry_client, registry_clientkey"):
        polled_at = follower.good_until
        follower.step()
        assert follower.good_until > polled_at


@pytest.mark.postgresql
def test_lock_of_the_ledger_lets_it_end_and_leaves_nothing_behind(follower: Follower) -> None:
    with locked("registry_ledger") as others:
        polled_at = follower.good_until
        began = time.monotonic()
        follower.step()
        follower.step()
        assert time.monotonic() - began > PATIENCE_S
        assert (follower.good_until, follower.gone) == (polled_at, False)
        time.sleep(PATIENCE_S)
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        assert others.execute(waiting).fetchall() == [(0,)]
    follower.step()
    follower.step()
    assert follower.is_healthy()


@contextmanager
def locked(tables: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold the lock that a migration takes."""
    with closing(psycopg.connect(database_url())) as other:
        other.execute(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE".encode())
        yield other


@pytest.mark.postgresql
def test_events_without_their_trigger_are_not_followed(follower: Follower) -> None:
    """As in the midst of a restore, which makes triggers last, or before the migration."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registry_event DISABLE TRIGGER event_is_append_only")
        try:
            assert follower.step() == 1.0
        finally:
            cursor.execute("ALTER TABLE registry_event ENABLE TRIGGER event_is_append_only")
    assert (follower.is_healthy(), follower.gone) == (False, False)


@pytest.mark.postgresql
def test_tables_that_were_made_again_are_another_ledger(
    follower: Follower, told: Subscriber
) -> None:
    """A restore to the very head that is known shows in nothing else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'event_is_append_only'"
        )
        [(definition,)] = cursor.fetchall()
        cursor.execute(f"DROP TRIGGER event_is_append_only ON registry_event; {definition}")
    follower.step()
    assert told.told == ["everything"]
    assert follower.is_healthy()


@pytest.mark.postgresql
def test_too_many_events_without_a_number_are_not_followed(
    follower: Follower, key: ClientKey, caplog: pytest.LogCaptureFixture
) -> None:
    Event.objects.bulk_create(
        Event(verb=Verb.CHANGE_CLIENT, client=key.client, actor_user=key.registered_by)
        for _ in range(LIMIT)
    )
    follower.step()
    assert not follower.is_healthy()
    assert "run manage.py migrate" in caplog.text


@pytest.mark.postgresql
def test_while_events_have_no_number_no_replica_is_as_good_as_the_primary(
    follower: Follower, key: ClientKey, other: Client, cast: SimpleNamespace
) -> None:
    follower.step()
    head = Ledger.head()
    assert follower.current_head == (head.size, head.root)
    older_event(key)
    follower.step()
    assert follower.current_head is None
    suspend_client(other, note="", by=cast.admin)
    follower.step()
    head = Ledger.head()
    assert follower.current_head == (head.size, head.root)


@pytest.mark.postgresql
def test_subscriber_that_fails_misses_nothing(
    follower: Follower, told: Subscriber, key: ClientKey, cast: SimpleNamespace
) -> None:
    class Fails(Subscriber):
        def drop(self, client_id: str) -> None:
            raise ValueError

    fails = Fails()
    follower._subscribers.insert(0, fails)
    _revoke(key, cast)
    follower.step()
    assert not follower.is_healthy()
    follower.step()
    assert follower.is_healthy()
    assert told.told[-1] == "everything"


# --- A file of SQLite -----------------------------------------------------------------------------


def test_without_a_file_nothing_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"no database" * 100)
    for name in (":memory:", str(tmp_path / "none"), str(broken)):
        monkeypatch.setitem(connection.settings_dict, "NAME", name)
        follower = Follower(Sqlite(), stale_s=100)
        follower.step()
        assert (follower.is_healthy(), follower.gone) == (False, False)
