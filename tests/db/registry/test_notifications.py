"""On PostgreSQL a listener tells what changes, and vouches for it only while it hears itself."""

from __future__ import annotations

import logging
import math
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

import psycopg
import pytest
from django.db import connection

from portal.registry.changes import BOUND_S, notifications
from portal.registry.changes.notifications import CHANNEL, Listener
from portal.registry.changes.wire import Wire
from tests.interop.served import database_url

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

CHANGES = import_module("portal.registry.migrations.0006_changes")
STALE_S = 100.0
PATIENCE_S = 10.0


class Over(BaseException):
    """The test has ended, and with it the listener's thread."""


class Kept:
    """Takes down what a listener tells its keeper, each with the moment it was told."""

    def __init__(self) -> None:
        self.told: queue.Queue[tuple[str, Any, float]] = queue.Queue()
        self.over = False
        self.when_distrusted: Callable[[], None] = lambda: None

    def drop(self, client_id: str) -> None:
        self._told("drop", client_id)

    def clear(self) -> None:
        self._told("clear", None)

    def trust(self, until: float) -> None:
        self._told("trust", until)

    def distrust(self) -> None:
        self.when_distrusted()
        self._told("distrust", None)

    def serve_on(self, until: float) -> None:
        self._told("serve_on", until)

    def _told(self, what: str, value: Any) -> None:
        if self.over:
            raise Over
        self.told.put((what, value, time.monotonic()))

    def next(self, *which: str) -> tuple[str, Any, float]:
        """Return what is told next of these, passing over the rest."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            told = self.told.get(timeout=max(0.0, deadline - time.monotonic()))
            if told[0] in which:
                return told

    def names(self) -> list[str]:
        """Return all that was told and not looked at yet, without what it was about."""
        return [self.told.get()[0] for _ in range(self.told.qsize())]


@pytest.fixture
def kept(db: None) -> Kept:
    return Kept()


@contextmanager
def listening(kept: Kept) -> Iterator[None]:
    """Let a listener tell the keeper, until the block ends."""

    def run() -> None:
        with suppress(Over):
            Listener(kept, stale_s=STALE_S)._run()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        kept.over = True
        thread.join()


@pytest.fixture
def _listening(kept: Kept) -> Iterator[None]:
    with listening(kept):
        kept.next("trust")
        yield


def notify(payload: str) -> None:
    execute("SELECT pg_notify(%s, %s)", CHANNEL, payload)


def execute(statement: str, *parameters: str) -> None:
    """Run a statement on a connection of its own, from any thread."""
    with psycopg.connect(database_url(), autocommit=True) as other:
        other.execute(statement.encode(), parameters or None)


def lose_the_connection() -> None:
    """End the listener's connection, as a server does that fails over."""
    execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'portal: changes' AND datname = current_database()"
    )


def let_wires_say(monkeypatch: pytest.MonkeyPatch, change: Callable[[str], str]) -> None:
    """Let every connection send something else than the listener has written."""

    class Changed(Wire):
        def execute(self, statement: str, until: float) -> str:
            return super().execute(change(statement), until)

    monkeypatch.setattr(notifications, "Wire", Changed)


# --- What changes ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("_listening")
def test_change_is_told_by_its_client(kept: Kept) -> None:
    for payload in ("one", "two"):
        notify(payload)
        assert kept.next("drop", "clear")[:2] == ("drop", payload)


@pytest.mark.usefixtures("_listening")
def test_change_without_a_name_empties_everything(kept: Kept) -> None:
    notify("")
    assert kept.next("drop", "clear")[0] == "clear"


def test_change_amid_a_heartbeat_is_told(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    let_wires_say(
        monkeypatch,
        lambda said: said.replace('; NOTIFY "', f"; NOTIFY {CHANNEL}, 'met'; NOTIFY \""),
    )
    with listening(kept):
        assert kept.next("drop")[1] == "met"


def test_it_begins_with_nothing_and_misses_nothing_from_then_on(kept: Kept) -> None:
    kept.when_distrusted = lambda: notify("just then")
    with listening(kept):
        assert [kept.next("distrust", "drop", "trust")[0] for _ in range(3)] == [
            *("distrust", "drop", "trust")
        ]


# --- For how long it vouches ----------------------------------------------------------------------


@pytest.mark.usefixtures("_listening")
def test_it_vouches_on_before_the_time_is_over(kept: Kept) -> None:
    _, until, _ = kept.next("trust")
    for _ in range(2):
        _, later, told_at = kept.next("trust")
        assert told_at < until < later
        until = later


def test_it_vouches_from_when_the_heartbeat_was_sent(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed after that may come after the echo."""
    slow_s = 0.2
    let_wires_say(
        monkeypatch, lambda said: f"SELECT pg_sleep({slow_s}); {said}" if "NOTIFY" in said else said
    )
    with listening(kept):
        _, until, told_at = kept.next("trust")
    assert until <= told_at + BOUND_S - slow_s


@pytest.mark.parametrize(
    ("said", "passed_on"),
    [
        ("; LISTEN", "; UNLISTEN *; LISTEN unheard; --"),
        ('NOTIFY "', f"NOTIFY {CHANNEL}, 'somebody'; NOTIFY \"not-"),
        ("\", '", "\", 'older "),
    ],
    ids=["does not listen", "hears others only", "hears an older heartbeat only"],
)
def test_who_does_not_hear_itself_vouches_for_nothing(
    *, kept: Kept, said: str, passed_on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_wires_say(monkeypatch, lambda statement: statement.replace(said, passed_on))
    with listening(kept):
        kept.next("distrust")  # as it does with each connection
        assert kept.next("trust", "distrust", "serve_on")[0] == "distrust"


def test_older_heartbeat_is_no_change(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    older = re.compile(r"NOTIFY (\"\w+\"), '\d+'")
    let_wires_say(monkeypatch, lambda said: older.sub(r"NOTIFY \1, 'older'; \g<0>", said))
    with listening(kept):
        assert [kept.next("drop", "clear", "trust", "distrust")[0] for _ in range(3)] == [
            *("distrust", "trust", "trust")
        ]


# --- The triggers ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("_listening")
@pytest.mark.parametrize(
    ("table", "trigger"),
    [
        ("registry_clientkey", "key_change_is_told"),
        ("registry_client", "client_change_is_told"),
        ("registry_client", "client_end_is_told"),
        ("registry_client", "client_emptying_is_told"),
    ],
)
def test_without_one_of_the_triggers_it_vouches_for_nothing(
    kept: Kept, table: str, trigger: str
) -> None:
    execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    try:
        kept.next("distrust")
        assert "trust" not in kept.names()
    finally:
        execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
    kept.next("trust")


@pytest.mark.usefixtures("_listening")
def test_with_triggers_that_were_made_anew_it_begins_anew(kept: Kept) -> None:
    execute(f"BEGIN; {CHANGES.POSTGRESQL_REVERSE} {CHANGES.POSTGRESQL} COMMIT")
    # What was told of nobody meanwhile is not known.
    assert kept.next("clear", "drop", "distrust")[0] == "distrust"
    kept.next("trust")


# --- The connection -------------------------------------------------------------------------------


@pytest.mark.usefixtures("_listening")
def test_new_connection_begins_with_nothing(kept: Kept) -> None:
    lose_the_connection()
    kept.next("distrust")
    kept.next("trust")


@pytest.mark.usefixtures("_listening")
def test_server_that_refuses_us_is_not_gone_and_may_let_us_in_again(
    kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, notifications.__name__)
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'portal: changes' AND datname = %s",
            [name],
        )
        try:
            first, second = (kept.next("distrust", "serve_on") for _ in range(2))
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    assert (first[0], second[0]) == ("distrust", "distrust")
    # Not in haste: a server that has no room for us has others to answer.
    assert second[2] - first[2] > 0.9
    kept.next("trust")
    kept.next("trust")
    # Each state is said once, when it begins; the first may have been said before the test began.
    levels = [record.levelno for record in caplog.records if record.name == notifications.__name__]
    assert levels[-2:] == [logging.WARNING, logging.INFO]
    assert levels.count(logging.WARNING) == 1


@pytest.mark.usefixtures("_listening")
def test_without_a_server_it_says_so_and_until_when_to_go_on(
    kept: Kept, tmp_path: object, caplog: pytest.LogCaptureFixture
) -> None:
    _, until, _ = kept.next("trust")
    there = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = str(tmp_path)
    try:
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'portal: changes' AND datname = %s",
                [connection.settings_dict["NAME"]],
            )
        limits = [kept.next("serve_on", "distrust") for _ in range(3)]
    finally:
        connection.settings_dict["HOST"] = there
    assert {name for name, _, _ in limits} == {"serve_on"}
    # Counted from the last heartbeat that was heard, however long it is gone.
    assert [limit for _, limit, _ in limits] == pytest.approx([until - BOUND_S + STALE_S] * 3)
    kept.next("distrust")
    kept.next("trust")
    said = [record.getMessage() for record in caplog.records]
    assert sum("The database is gone" in sentence for sentence in said) == 1


def test_without_a_server_from_the_start_there_is_nothing_to_go_on_with(
    kept: Kept, tmp_path: object
) -> None:
    there = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)
    try:
        with listening(kept):
            assert kept.next("serve_on", "trust")[:2] == ("serve_on", -math.inf)
    finally:
        connection.settings_dict["HOST"] = there
