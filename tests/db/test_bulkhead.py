"""How many requests of a process may wait, and what the others are told."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from threading import BoundedSemaphore, Event, Semaphore, Thread, Timer

import pytest
from django.contrib.auth import hashers
from django.db import connection, transaction
from django.test import Client as Browser
from pytest_django import Settings

from portal.accounts.hashers import PBKDF2PasswordHasher
from portal.bulkhead import Bulkhead, BulkheadFull, DatabaseBulkhead, divide_slots
from tests.db.pages import check_page, text_of
from tests.waiting import wait_until

PATIENCE_S = 0.2
LONG_S = 30.0
"""Only a test that fails waits for so long, on a busy machine too."""


def few(count: int, *, waiting: int = sys.maxsize, patience_s: float = PATIENCE_S) -> Bulkhead:
    """Return a bulkhead with so many slots."""
    return Bulkhead(count, waiting=BoundedSemaphore(waiting), patience_s=patience_s)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Where the threads are kept that hold a slot until the test ends."""
    with ExitStack() as held:
        yield held


def hold(bulkhead: Bulkhead, held: ExitStack) -> Callable[[], None]:
    """Let another thread take a slot and keep it; return what makes it leave."""
    taken, over = Event(), Event()

    def take() -> None:
        with bulkhead:
            taken.set()
            over.wait()

    def leave() -> None:
        over.set()
        thread.join()

    thread = Thread(target=take)
    thread.start()
    held.callback(leave)
    assert taken.wait(10)
    return leave


def try_it(bulkhead: Bulkhead) -> float:
    """Return how long it took to be told that it is full."""
    began = time.monotonic()
    with pytest.raises(BulkheadFull), bulkhead:
        pass
    return time.monotonic() - began


def try_in_thread(bulkhead: Bulkhead) -> None:
    """Assert that others find it full, too."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(try_it, bulkhead).result()


def test_there_are_as_many_slots_as_were_asked_for(held: ExitStack) -> None:
    bulkhead = few(3)
    hold(bulkhead, held)
    hold(bulkhead, held)
    with bulkhead:
        try_it(bulkhead)


def test_who_fails_gives_the_slot_back() -> None:
    bulkhead = few(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), bulkhead:
            raise ZeroDivisionError


def test_only_the_first_waits_while_nobody_leaves(held: ExitStack) -> None:
    bulkhead = few(1)
    leave = hold(bulkhead, held)
    assert try_it(bulkhead) >= PATIENCE_S
    # A busy machine may delay some, and each wait takes as long.
    assert min(try_it(bulkhead) for _ in range(10)) < PATIENCE_S
    leave()
    hold(bulkhead, held)
    assert try_it(bulkhead) >= PATIENCE_S


def test_who_waits_gets_the_slot_that_is_left(held: ExitStack) -> None:
    bulkhead = few(1, patience_s=LONG_S)
    leaving = Timer(0.1, hold(bulkhead, held))
    leaving.start()
    with bulkhead:
        pass
    leaving.join()


def test_no_more_wait_than_may(held: ExitStack) -> None:
    bulkhead = few(1, waiting=1, patience_s=LONG_S)
    leave = hold(bulkhead, held)
    released: list[Callable[[], None]] = []
    waiting = Thread(target=lambda: released.append(hold(bulkhead, held)))
    waiting.start()
    wait_until(lambda: bulkhead._waiting._value == 0, "Nobody waits.")
    assert try_it(bulkhead) < LONG_S
    leave()
    waiting.join()
    # Nobody waits any more, so the next one may.
    leaving = Timer(0.1, released[0])
    leaving.start()
    with bulkhead:
        pass
    leaving.join()


def test_a_rush_is_waited_for_as_long_as_others_leave() -> None:
    """Each leaves well within the patience, all together take longer."""
    bulkhead = few(1, patience_s=1.5)
    done: list[bool] = []

    def work() -> None:
        with bulkhead:
            time.sleep(0.2)
        done.append(True)

    rush = [Thread(target=work) for _ in range(10)]
    for thread in rush:
        thread.start()
    for thread in rush:
        thread.join()
    assert len(done) == 10


def test_others_have_the_slot_while_it_is_left(held: ExitStack) -> None:
    bulkhead = few(1, patience_s=3.0)
    with bulkhead:
        with bulkhead.released():
            leave = hold(bulkhead, held)
            Timer(PATIENCE_S / 2, leave).start()
        try_in_thread(bulkhead)
    hold(bulkhead, held)


def test_who_does_not_get_it_back_is_told_and_loses_no_slot(held: ExitStack) -> None:
    bulkhead = few(1)
    with pytest.raises(BulkheadFull), bulkhead, bulkhead.released():
        leave = hold(bulkhead, held)
    leave()
    hold(bulkhead, held)


def test_who_comes_back_is_not_among_those_who_wait_to_begin(held: ExitStack) -> None:
    bulkhead = few(1, waiting=0, patience_s=LONG_S)
    with bulkhead, bulkhead.released():
        Timer(PATIENCE_S / 2, hold(bulkhead, held)).start()
        try_it(bulkhead)


def test_without_a_slot_there_is_none_to_leave(held: ExitStack) -> None:
    bulkhead = few(1)
    hold(bulkhead, held)
    with bulkhead.released():
        try_it(bulkhead)


@pytest.mark.parametrize("connections", [3, 4, 5, 10, 33, 100])
def test_some_threads_are_always_left_to_what_is_in_memory(connections: int) -> None:
    for threads in range(2 * connections, 40 * connections):
        divided = divide_slots(threads, connections)
        assert divided.lookups + divided.clients + divided.pages == connections
        assert min(divided.lookups, divided.clients, divided.pages) > 0
        assert sum(asdict(divided).values()) < threads


def test_the_image_has_these_slots() -> None:
    divided = divide_slots(512, 10)
    assert (divided.lookups, divided.clients, divided.pages) == (3, 4, 3)
    assert divided.passwords == 2
    assert divided.tokens >= 256


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_nobody_leaves_in_a_transaction() -> None:
    bulkhead = DatabaseBulkhead(1, waiting=BoundedSemaphore(0), patience_s=PATIENCE_S)

    def work() -> None:
        with bulkhead:
            with transaction.atomic():
                mine = connection.connection
                with bulkhead.released():
                    assert connection.connection is mine
            with bulkhead.released():
                assert connection.connection is None
            with connection.cursor():
                assert connection.connection is mine
        bulkhead._kept.pop()[0].close()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


def test_a_password_is_hashed_without_a_slot_and_few_are_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages, passwords = few(1), few(2)
    monkeypatch.setattr("portal.bulkhead.pages", pages)
    monkeypatch.setattr("portal.bulkhead.passwords", passwords)
    begun, go_on = Semaphore(0), Event()

    def slow(*_: object) -> str:
        begun.release()
        assert go_on.wait(10)
        return "hashed"

    monkeypatch.setattr(hashers.PBKDF2PasswordHasher, "encode", slow)

    def sign_in() -> str:
        with pages:
            return PBKDF2PasswordHasher().encode("correct horse battery", "salt")

    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(sign_in) for _ in range(3)]
        assert begun.acquire(timeout=LONG_S)
        assert begun.acquire(timeout=LONG_S)
        assert not begun.acquire(timeout=PATIENCE_S / 4)
        with pages:
            go_on.set()
        assert [each.result() for each in waiting] == ["hashed"] * 3


@pytest.fixture
def full(held: ExitStack) -> Bulkhead:
    """A bulkhead without a free slot."""
    bulkhead = few(1)
    hold(bulkhead, held)
    return bulkhead


@pytest.mark.parametrize("htmx", [False, True])
def test_people_are_told_that_nothing_was_done(
    full: Bulkhead, monkeypatch: pytest.MonkeyPatch, htmx: bool
) -> None:
    monkeypatch.setattr("portal.bulkhead.pages", full)
    headers = {"HX-Request": "true"} if htmx else {}
    response = Browser().post("/account/login/", {"login": "ann@example.com"}, headers=headers)
    check_page(response)
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert "Nothing was saved" in text_of(response)
    assert "database" not in text_of(response)
    assert ("<html" in text_of(response)) is not htmx
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.django_db
def test_people_are_told_when_too_many_passwords_are_hashed(
    full: Bulkhead, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = ["portal.accounts.hashers.PBKDF2PasswordHasher"]
    monkeypatch.setattr("portal.bulkhead.passwords", full)
    entered = {"login": "ann@example.com", "password": "correct horse battery"}
    response = Browser().post("/account/login/", entered)
    assert response.status_code == 503
    assert "Nothing was saved" in text_of(response)


def test_clients_are_told_in_json(full: Bulkhead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.bulkhead.clients", full)
    response = Browser().post("/api/oauth2/token", {"grant_type": "client_credentials"})
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {
        "error": "temporarily_unavailable",
        "error_description": "The portal is too busy. Try again in a few seconds.",
    }


def test_verifiers_are_told_in_json_and_keep_nothing(
    full: Bulkhead, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.bulkhead.lookups", full)
    response = Browser().get("/clients/x/jwks.json")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert response.json()["error"] == "temporarily_unavailable"


def test_monitors_are_told_what_is_missing(full: Bulkhead, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.bulkhead.lookups", full)
    response = Browser().get("/readyz")
    assert (response.status_code, response.json()["missing"]) == (503, "threads")
    assert Browser().get("/healthz").status_code == 200
