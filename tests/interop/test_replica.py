"""Key sets from a real streaming replica: never older than the bound, whatever becomes of it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import psycopg
import pytest

from portal.registry.follower import BOUND_S
from tests.assertions import claims_of, form_of, sign
from tests.interop.databases import Database, own_server
from tests.interop.replicated import (
    OVERTAKE,
    READER,
    REGISTER,
    REVOKE_BOTH,
    SET_UP,
    STALE_S,
    Cold,
    balancer,
    count,
    settle,
    standing_still,
    tables_read,
    wire_to,
)
from tests.interop.served import ASKS, Served, serve
from tests.interop.test_front import ask
from tests.keys import new_private_key, public_pem
from tests.waiting import wait_until

WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def primary() -> Iterator[Database]:
    """The database that is written to."""
    with own_server() as primary:
        primary.write_statements_down()
        yield primary


@pytest.fixture(scope="module")
def made(primary: Database) -> list[list[str]]:
    """Clients with the key that they may lose, and at the end the session of an admin."""
    return [line.split(" ") for line in primary.do(SET_UP).splitlines()]


@pytest.fixture(scope="module")
def follower(primary: Database, made: object) -> Iterator[Database]:
    """The replica."""
    with own_server(primary) as follower:
        yield follower


@pytest.fixture(scope="module")
def portal(
    primary: Database, follower: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The portal on both."""
    with serve(
        tmp_path_factory.mktemp("replica"),
        DATABASE_URL=primary.url,
        DATABASE_REPLICA_URL=follower.url,
        JWKS_STALE_IF_ERROR=STALE_S,
        GRANIAN_BLOCKING_THREADS="16",
        DATABASE_CONNECTIONS="5",
    ) as portal:
        yield portal


@pytest.fixture
def new(
    made: list[list[str]], portal: Served, primary: Database, follower: Database
) -> Callable[[], Cold]:
    """Gives a client that no test has used, once all workers read from the replica."""
    settle(portal, primary, follower, Cold(*made[0]))
    return lambda: Cold(*made.pop(1))


def test_sets_that_are_not_in_memory_are_read_from_the_replica_alone(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    cold = new()

    def the_replica_alone_is_read() -> bool:
        settle(portal, primary, follower, cold)
        return count(portal, primary, cold) == 0

    # Where the machine stalls for so long that heartbeats are late the primary is right.
    wait_until(the_replica_alone_is_read, "The primary is read.")


def test_revoked_key_never_comes_back_while_the_replica_is_behind(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    """Each connection stays with its worker: what that has shown as gone stays gone."""
    cold = new()
    names = ("jwks.json", "jwks-extended.json")
    gone = set()
    with standing_still(follower), ExitStack() as open_wires:
        wires = [open_wires.enter_context(wire_to(portal)) for _ in range(ASKS)]
        revoked = cold.revoke(primary)
        while (asked := time.monotonic()) < revoked + 4 * BOUND_S:
            for wire, name in product(wires, names):
                wire.request("GET", f"/clients/{cold.client_id}/{name}")
                shown = cold.kid in wire.getresponse().read().decode()
                assert not (shown and (wire in gone or asked > revoked + BOUND_S))
                if not shown:
                    gone.add(wire)
            time.sleep(0.05)
        assert gone == set(wires)
        # It really was behind all the time.
        assert follower.sql(
            "SELECT 1 FROM registry_clientkey WHERE revoked_at IS NULL AND kid = %s", cold.kid
        )


def test_revocation_shows_at_once_although_the_replica_is_behind(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    def shows_after_s(cold: Cold) -> float:
        revoked = cold.revoke(primary)
        wait_until(lambda: cold.shown(portal) == {False}, "The key stays.", within_s=BOUND_S)
        return time.monotonic() - revoked

    clients = [new() for _ in range(3)]
    with standing_still(follower):
        # Less than anybody goes on trust; a busy machine may hold some up.
        assert min(map(shows_after_s, clients)) < BOUND_S / 2


def test_client_made_just_now_is_found_although_the_replica_is_behind(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    client_id = uuid4().hex
    cold = new()
    with standing_still(follower):
        before = cold.readings(follower)
        primary.sql(
            "INSERT INTO registry_client (client_id, name, contacts, redirect_uris, created_at, "
            "created_by_id, suspension_note) SELECT %s, name, contacts, redirect_uris, now(), "
            "created_by_id, '' FROM registry_client WHERE client_id = %s",
            client_id,
            cold.client_id,
        )
        assert {ask(portal, f"/clients/{client_id}/jwks.json")[0] for _ in range(ASKS)} == {200}
        # The replica was not left out already.
        cold.shown(portal)
        time.sleep(0.3)
        assert cold.readings(follower) > before


def test_replica_that_is_behind_is_left_out_and_read_again_afterwards(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    cold, other = new(), new()
    with standing_still(follower):
        # As long as nobody writes to the ledger it is not behind.
        other.revoke(primary)
        time.sleep(BOUND_S)
        assert count(portal, primary, cold) == ASKS
    settle(portal, primary, follower, cold)


def answered(portal: Served, cold: Cold) -> None:
    """Assert that the set is answered."""
    assert {ask(portal, cold.path)[0] for _ in range(ASKS)} == {200}


def test_replica_that_dies_is_made_up_for(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    cold = new()
    follower.stop()
    try:
        for _ in range(5):
            answered(portal, cold)
    finally:
        follower.start()
    settle(portal, primary, follower, cold)


def test_replica_that_freezes_holds_nobody_for_long(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    cold = new()
    follower.signal(signal.SIGSTOP)
    try:
        for _ in range(6):
            answered(portal, cold)
    finally:
        follower.signal(signal.SIGCONT)
    settle(portal, primary, follower, cold)


def test_tokens_are_the_primary_s(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    """A key that is not there yet signs, and a replay is noticed that is not there yet."""
    client_id, private = new().client_id, new_private_key()
    with standing_still(follower):
        code = REGISTER.format(client_id=client_id, material=public_pem(private))
        kid = primary.do(code)
        assertion = sign(private, "EdDSA", claims_of(client_id, portal.url), kid=kid)
        seen = []
        for _ in range(ASKS):
            with wire_to(portal) as wire:
                body = urlencode(form_of(assertion))
                wire.request("POST", "/api/oauth2/token", body, {"Content-Type": FORM})
                seen.append(wire.getresponse().status)
        assert seen == [200] + (ASKS - 1) * [401]
    assert tables_read(follower) == {"registry_client", "registry_clientkey", "registry_ledger"}


def test_pages_and_what_they_write_are_the_primary_s(
    new: Callable[[], Cold], made: list[list[str]], portal: Served, follower: Database
) -> None:
    cold = new()
    cookies = f"sessionid={made[-1][0]}; csrftoken={'d' * 32}"
    page = f"/clients/{cold.client_id}/"
    name = uuid4().hex
    body = f"csrfmiddlewaretoken={'d' * 32}&name={name}&contacts=&redirect_uris="
    with standing_still(follower), wire_to(portal) as wire:
        headers = {"Cookie": cookies, "Content-Type": FORM}
        wire.request("POST", f"{page}edit/", body, headers)
        assert wire.getresponse().status == 302
        for _ in range(ASKS):
            assert name in ask(portal, page, Cookie=cookies)[2].decode()
        assert cold.shown(portal) == {True}
    assert tables_read(follower) == {"registry_client", "registry_clientkey", "registry_ledger"}


@pytest.fixture(scope="module")
def gated(
    primary: Database, follower: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A portal that waits on the replica while somebody holds the gate.

    Its user there needs no more than to read two tables.
    """
    primary.sql(READER)
    with serve(
        tmp_path_factory.mktemp("gated"),
        workers=1,
        DATABASE_URL=primary.url,
        DATABASE_REPLICA_URL=follower.url.replace("portal@", "reader@"),
        JWKS_STALE_IF_ERROR=STALE_S,
        GRANIAN_BLOCKING_THREADS="32",
    ) as portal:
        yield portal


def test_who_reads_for_too_long_is_cut_off_and_reads_the_primary(
    new: Callable[[], Cold], gated: Served, primary: Database, follower: Database
) -> None:
    cold = new()
    settle(gated, primary, follower, cold)
    with psycopg.connect(follower.url, autocommit=True) as gate:
        gate.execute("SELECT pg_advisory_lock(1)")
        answered(gated, cold)
        # They did go there, and wait at the gate.
        assert gate.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall()


def test_what_is_seen_during_a_reading_spoils_it(
    new: Callable[[], Cold], gated: Served, primary: Database, follower: Database
) -> None:
    slow, other, portal = new(), new(), gated
    with (
        psycopg.connect(follower.url, autocommit=True) as gate,
        psycopg.connect(primary.url, autocommit=True) as start,
        ThreadPoolExecutor() as threads,
    ):
        settle(portal, primary, follower, slow)
        start.execute("SELECT pg_advisory_lock(2)")
        revoked = threads.submit(primary.do, REVOKE_BOTH.format(slow.kid, other.kid))
        wait_until(lambda: start.execute(WAITING).fetchall(), "It does not get ready.")
        with standing_still(follower):
            gate.execute("SELECT pg_advisory_lock(1)")
            answer = threads.submit(ask, portal, slow.path)
            while not gate.execute(WAITING).fetchall():
                assert not answer.done()
            start.execute("SELECT pg_advisory_unlock(2)")
            # Who knows of the later change knows of the earlier one.
            while other.kid in ask(portal, other.path)[2].decode():
                pass
            gate.execute("SELECT pg_advisory_unlock(1)")
            assert slow.kid not in answer.result()[2].decode()
        revoked.result()


def test_later_proof_is_no_proof_for_what_was_read_before_it(
    new: Callable[[], Cold], primary: Database, follower: Database
) -> None:
    code = OVERTAKE.format(client_id=new().client_id)
    told = primary.do(code, DATABASE_REPLICA_URL=follower.url)
    assert told.split() == ["True", "False", "False", "False"]


def test_behind_one_address_the_server_that_is_read_is_the_one_that_counts(
    new: Callable[[], Cold], primary: Database, follower: Database, tmp_path: Path
) -> None:
    cold = new()
    with ExitStack() as block:
        other = block.enter_context(own_server(primary))
        block.enter_context(standing_still(other))
        revoked = cold.revoke(primary)
        url = block.enter_context(balancer(follower, other))
        portal = block.enter_context(
            serve(
                tmp_path,
                workers=1,
                DATABASE_URL=primary.url,
                DATABASE_REPLICA_URL=url,
                JWKS_STALE_IF_ERROR=STALE_S,
            )
        )

        def tried() -> bool:
            assert cold.shown(portal) == {False}
            return time.monotonic() > revoked + 3 * BOUND_S and bool(other.statements())

        wait_until(tried, "The other server is never tried.")


def test_replica_that_was_promoted_is_one_no_more(
    new: Callable[[], Cold], portal: Served, primary: Database, follower: Database
) -> None:
    cold = new()
    follower.sql("SELECT pg_promote()")
    wait_until(
        lambda: follower.sql("SELECT pg_is_in_recovery()") == [(False,)], "It is not promoted."
    )
    # Nothing was written yet, so both have the same ledger.
    assert count(portal, primary, cold) == ASKS
