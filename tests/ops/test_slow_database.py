"""The database is slow or frozen: what is in memory is served, and the rest is refused at once."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Event

import psycopg

from portal.registry.follower import BOUND_S
from tests.interop.databases import Database
from tests.ops.hostile import ASKS, PROMPT_S, STATEMENT_S, Answer, Target, at_once
from tests.waiting import wait_until

LOOK_UPS = 2 * 3
"""How many sets that are not in memory two workers read at a time."""

PAGES = 2 * 3
"""How many pages they make at a time."""

WAITING_PAGES = 2 * 58
"""How many more may wait for that."""


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Let every SELECT of clients and their keys hang until the block ends."""
    with psycopg.connect(database.url) as session:
        session.execute("LOCK TABLE registry_client, registry_clientkey IN ACCESS EXCLUSIVE MODE")
        yield
        session.rollback()


@contextmanager
def frozen(database: Database) -> Iterator[None]:
    """Let the database take connections and answer nothing until the block ends."""
    database.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        database.signal(signal.SIGCONT)


def open_connections(target: Target, database: Database) -> None:
    """Let each slot for a page open its connection, which a frozen database would not accept."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with psycopg.connect(database.url) as session:
        session.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        pages = at_once([target.page] * ASKS)
        wait_until(lambda: database.sql(waiting) == [(PAGES,)], "Not every slot is used.")
        session.rollback()
    assert {each.result().status for each in pages} == {200}


def wait_until_refused(begun: list[Future[Answer]], held: int) -> None:
    """Return when all but those who wait are refused."""
    wait_until(
        lambda: sum(each.done() for each in begun) >= len(begun) - held, "Too many have to wait."
    )


def outcomes(begun: list[Future[Answer]]) -> Counter[tuple[int, str]]:
    """Return how many were answered with which status, and with which word of why."""
    found: Counter[tuple[int, str]] = Counter()
    for each in begun:
        answer = each.result()
        [why] = [w for w in ("too busy", "its database", "") if w.encode() in answer.body][:1]
        found[answer.status, why] += 1
    return found


def test_sets_in_memory_are_served_while_others_hang_and_those_again_afterwards(
    target: Target, database: Database
) -> None:
    asked = [partial(target.ask, target.cold()) for _ in range(100)]
    target.check_known()
    with locked(database):
        began = time.monotonic()
        cold = at_once(asked)
        wait_until_refused(cold, LOOK_UPS)
        ready = target.ask("/readyz")
        assert (ready.status, json.loads(ready.body)["missing"]) == (503, "threads")
        assert target.page().status == 200
        while time.monotonic() < began + max(STATEMENT_S, BOUND_S):
            target.check_known()
            time.sleep(0.1)
        # Who waited is told when the database has ended the statement.
        assert outcomes(cold) == {
            (503, "too busy"): 100 - LOOK_UPS,
            (503, "its database"): LOOK_UPS,
        }
        assert target.ask("/readyz").status == 200
        target.check_known()
    # Of a rush a busy machine refuses some, who ask again.
    wait_until(
        lambda: outcomes(at_once(asked)) == {(200, ""): 100}, "Not all sets are served again."
    )
    target.check_all_works()
    log = target.serving.log.read_text("utf-8")
    assert log.count("canceling statement due to statement timeout") == LOOK_UPS


def ask_until(target: Target, over: Event) -> Counter[int]:
    """Ask for the known set all the time; return how that was answered."""
    found: Counter[int] = Counter()
    while not over.is_set():
        found[target.ask(target.known).status] += 1
    return found


def test_sets_in_memory_are_served_while_pages_wait_for_a_frozen_database(
    target: Target, database: Database
) -> None:
    open_connections(target, database)
    with frozen(database):
        pages = at_once([target.page] * 150)
        wait_until_refused(pages, PAGES + WAITING_PAGES)
        began = time.monotonic()
        while time.monotonic() < began + 2 * BOUND_S:
            target.check_known()
            time.sleep(0.1)
        # Pages that wait are refused too, and later ones at once.
        wait_until_refused(pages, PAGES)
        target.check_pages_busy()
    assert outcomes(pages) == {(503, "too busy"): 150 - PAGES, (200, ""): PAGES}
    waited = sum(each.result().seconds >= PROMPT_S for each in pages) - PAGES
    # One worker may have got more of them than the other.
    assert waited >= WAITING_PAGES / 2
    wait_until(lambda: target.ask("/readyz").status == 200, "It does not get ready.")
    target.check_all_works()


def test_set_in_memory_is_served_at_the_moment_when_the_database_is_back(
    target: Target, database: Database
) -> None:
    """Memory is forgotten then, as changes were missed: the set has to be read at once."""
    target.check_known()  # both workers have it in memory
    over = Event()
    asking = at_once([partial(ask_until, target, over)] * 6)
    try:
        with frozen(database):
            time.sleep(BOUND_S)
        time.sleep(BOUND_S / 2)
    finally:
        over.set()
    assert set(sum((each.result() for each in asking), Counter[int]())) == {200}
