"""The database stops, freezes and comes back: known sets are served on, without a wait for it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import psycopg
import pytest
from django.conf import settings

from portal.registry.follower import BOUND_S
from tests.interop.databases import Database, own_server
from tests.interop.replicated import wire_to
from tests.interop.served import ASKS, Served, serve
from tests.interop.test_front import ask
from tests.waiting import PATIENCE_S, wait_until
from tests.workers import let_each_worker_cache

STALE_S = 8
CONNECT_S = settings.DATABASES["default"]["OPTIONS"]["connect_timeout"]
"""How long a connection attempt waits for a frozen server."""

SET_UP = """
import os
from portal.accounts.models import User
from portal.registry.actions import create_client
from tests.registering import register_pem
from tests.keys import new_private_key, public_pem
from tests.migrated import migrate
migrate(os.environ)
person = User.objects.create_user("a@example.com", is_staff=True)
for name in ("Known", "Cold"):
    client = create_client(name=name, by=person)
    register_pem(client, material=public_pem(new_private_key()), alg="EdDSA", label="x", by=person)
    print(f"/clients/{client.client_id}/jwks.json")
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A server of its own, as others use the one of the tests."""
    with own_server() as database:
        yield database


@pytest.fixture(scope="module")
def paths(database: Database) -> list[str]:
    """The sets of a client that every worker knows, and of one that none does."""
    return database.do(SET_UP).split()


@pytest.fixture(scope="module")
def portal(
    database: Database, paths: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The portal on that database, as a user of its own."""
    scratch = tmp_path_factory.mktemp("gone")
    sql(database, "CREATE ROLE web SUPERUSER LOGIN")
    url = database.url.replace("//portal@", "//web@")
    with serve(scratch, DATABASE_URL=url, JWKS_STALE_IF_ERROR=str(STALE_S)) as portal:
        yield portal


@pytest.fixture
def known(portal: Served, paths: list[str]) -> str:
    """A path that every worker has at hand."""
    let_each_worker_cache(portal.port, portal.workers(), paths[0])
    return paths[0]


def statuses(portal: Served, path: str) -> set[int]:
    """What the workers answer; most do not take as long as a wait for nothing."""
    seen, took = set(), []
    for _ in range(ASKS):
        began = time.monotonic()
        seen.add(ask(portal, path)[0])
        took.append(time.monotonic() - began)
    assert median(took) < CONNECT_S
    return seen


def wait_for(portal: Served, path: str, status: int, within_s: float = PATIENCE_S) -> None:
    wait_until(
        lambda: {ask(portal, path)[0] for _ in range(ASKS)} == {status},
        f"{path} is not answered with {status}",
        within_s=within_s,
    )


def sql(database: Database, statement: str, *parameters: str) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute(statement.encode(), parameters or None)


REVOKE = """
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
key = ClientKey.objects.get(client__client_id={!r})
revoke_key(key, reason="compromised", by=key.registered_by)
"""


def test_known_sets_are_served_on_up_to_the_limit_and_are_fresh_afterwards(
    database: Database, portal: Served, known: str, paths: list[str]
) -> None:
    before = ask(portal, known)
    database.stop()
    stopped = time.monotonic()
    assert {str(ask(portal, known)) for _ in range(ASKS)} == {str(before)}
    assert ask(portal, "/readyz")[0] == 503
    assert statuses(portal, paths[1]) == {503}
    while time.monotonic() < stopped + STALE_S - BOUND_S:
        assert statuses(portal, known) == {200}
        time.sleep(0.2)
    time.sleep(2 * BOUND_S)
    assert statuses(portal, known) == {503}
    database.start()
    wait_for(portal, known, 200)
    assert ask(portal, "/readyz")[0] == 200
    assert str(ask(portal, known)) == str(before)


def test_database_that_freezes_keeps_nobody_waiting(
    database: Database, portal: Served, known: str, paths: list[str]
) -> None:
    database.signal(signal.SIGSTOP)
    frozen = time.monotonic()
    try:
        while time.monotonic() < frozen + 2 * BOUND_S:
            assert statuses(portal, known) == {200}
            time.sleep(0.1)
        assert statuses(portal, paths[1]) == {503}
    finally:
        database.signal(signal.SIGCONT)
    wait_for(portal, paths[1], 200)


def test_server_that_is_back_and_lets_us_not_in_may_be_written_to_by_others(
    database: Database, portal: Served, known: str
) -> None:
    """What is in memory is not served on then, however short the outage was."""
    sql(database, "ALTER ROLE web NOLOGIN")
    database.stop()
    try:
        assert statuses(portal, known) == {200}
    finally:
        database.start()
    try:
        wait_for(portal, known, 503, BOUND_S)
    finally:
        sql(database, "ALTER ROLE web LOGIN")
    wait_for(portal, known, 200)


def test_key_that_was_revoked_before_the_outage_does_not_come_back_with_it(
    database: Database, portal: Served, known: str
) -> None:
    before = ask(portal, known)
    database.do(REVOKE.format(known.split("/")[2]))
    time.sleep(BOUND_S)
    database.stop()
    try:
        for _ in range(ASKS):
            status, _, body = ask(portal, known)
            assert status == 503 or body != before[2]
    finally:
        database.start()
    wait_for(portal, known, 200)
    assert ask(portal, known)[2] != before[2]


MAKE_MORE = """
from portal.registry.actions import create_client, retire_key
from portal.accounts.models import User
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
from datetime import timedelta
person = User.objects.get()
for number in range(20):
    client = create_client(name=f"Fleet {number}", by=person)
    material = public_pem(new_private_key())
    register_pem(client, material=material, alg="EdDSA", label="x", by=person)
    print(f"/clients/{client.client_id}/jwks.json")
"""
CHANGE_ALL = """
from portal.accounts.models import User
from portal.registry.models import Client
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
for client in Client.objects.filter(name__startswith="Fleet"):
    material = public_pem(new_private_key())
    register_pem(client, material=material, alg="EdDSA", label="y", by=client.created_by)
"""


def test_every_set_is_served_by_every_worker_although_each_changed_just_before(
    database: Database, portal: Served, known: str
) -> None:
    """Nobody asks for them in between. Connections stay with their worker, so each is counted."""
    paths = database.do(MAKE_MORE).split()
    with ExitStack() as stack:
        wires = [stack.enter_context(wire_to(portal)) for _ in range(ASKS)]
        for wire in wires:
            assert {fetch(wire, path)[0] for path in paths} == {200}
        database.do(CHANGE_ALL)
        time.sleep(BOUND_S)
        database.stop()
        try:
            found = [[fetch(wire, path) for path in paths] for wire in wires]
        finally:
            database.start()
    assert {status for answers in found for status, _ in answers} == {200}
    # The new key is in each of them.
    assert {body.count(b"kid") for answers in found for _, body in answers} == {2}
    wait_for(portal, known, 200)


def fetch(wire: HTTPConnection, path: str) -> tuple[int, bytes]:
    wire.request("GET", path)
    response = wire.getresponse()
    return response.status, response.read()


def test_process_that_starts_knows_what_the_others_were_asked_for(
    database: Database, portal: Served, paths: list[str], tmp_path: Path
) -> None:
    """It has not been asked for it, and the database is gone before it is."""
    sql(
        database,
        "INSERT INTO registry_requestedset (client_id, extended, hour) "
        "VALUES (%s, false, date_trunc('hour', now())) ON CONFLICT DO NOTHING",
        paths[1].split("/")[2],
    )
    with serve(
        tmp_path, workers=1, DATABASE_URL=database.url, JWKS_STALE_IF_ERROR="600"
    ) as started:
        for _ in range(3 * ASKS):
            assert ask(started, "/healthz")[0] == 200
        time.sleep(BOUND_S)
        database.stop()
        try:
            assert statuses(started, paths[1]) == {200}
        finally:
            database.start()
    wait_for(portal, paths[0], 200)
