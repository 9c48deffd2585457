"""How many requests of a process may wait, and what the others are told."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event, Thread, Timer

import pytest
from django.test import Client as Browser

from portal.places import Full, Places
from tests.db.web.pages import check_page, text_of

PATIENCE_S = 0.2


def few(count: int, *, waiting: int = sys.maxsize) -> Places:
    """Return so many places."""
    return Places(count, waiting=waiting, patience_s=PATIENCE_S)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Where the threads are kept that hold a place until the test ends."""
    with ExitStack() as held:
        yield held


def hold(places: Places, held: ExitStack) -> Callable[[], None]:
    """Let another thread take a place and keep it; return what makes it leave."""
    taken, over = Event(), Event()

    def take() -> None:
        with places:
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


def try_it(places: Places) -> float:
    """Return how long it took to be told that it is full."""
    began = time.monotonic()
    with pytest.raises(Full), places:
        pass
    return time.monotonic() - began


def test_there_are_as_many_places_as_were_asked_for(held: ExitStack) -> None:
    places = few(3)
    hold(places, held)
    hold(places, held)
    with places:
        try_it(places)


def test_who_fails_gives_the_place_back() -> None:
    places = few(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), places:
            raise ZeroDivisionError


def test_only_the_first_waits_while_nobody_leaves(held: ExitStack) -> None:
    places = few(1)
    leave = hold(places, held)
    assert try_it(places) >= PATIENCE_S
    assert max(try_it(places) for _ in range(10)) < PATIENCE_S
    leave()
    hold(places, held)
    assert try_it(places) >= PATIENCE_S


def test_who_waits_gets_the_place_that_is_left(held: ExitStack) -> None:
    places = few(1)
    leaving = Timer(PATIENCE_S / 2, hold(places, held))
    leaving.start()
    with places:
        pass
    leaving.join()


def test_no_more_wait_than_may(held: ExitStack) -> None:
    places = few(1, waiting=1)
    leave = hold(places, held)
    waiting = Thread(target=lambda: hold(places, held))
    waiting.start()
    time.sleep(PATIENCE_S / 4)
    assert try_it(places) < PATIENCE_S / 2
    leave()
    waiting.join()
    # Nobody waits any more, so the next one may.
    assert try_it(places) >= PATIENCE_S


def test_a_rush_is_waited_for_as_long_as_others_leave() -> None:
    """Each leaves within the patience, all together take many times as long."""
    places = few(1)
    done: list[bool] = []

    def work() -> None:
        with places:
            time.sleep(PATIENCE_S / 2)
        done.append(True)

    rush = [Thread(target=work) for _ in range(10)]
    for thread in rush:
        thread.start()
    for thread in rush:
        thread.join()
    assert len(done) == 10


@pytest.fixture
def full(held: ExitStack) -> Places:
    """Places that are all taken."""
    places = few(1)
    hold(places, held)
    return places


@pytest.mark.parametrize("htmx", [False, True])
def test_people_are_told_that_nothing_was_done(
    full: Places, monkeypatch: pytest.MonkeyPatch, htmx: bool
) -> None:
    monkeypatch.setattr("portal.places.requests", full)
    headers = {"HX-Request": "true"} if htmx else {}
    response = Browser().post("/account/login/", {"login": "ann@example.com"}, headers=headers)
    check_page(response)
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert "Nothing was done or saved" in text_of(response)
    assert "database" not in text_of(response)
    assert ("<html" in text_of(response)) is not htmx
    assert response["X-Frame-Options"] == "DENY"


def test_clients_are_told_in_json(full: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.places.requests", full)
    response = Browser().post("/api/oauth2/token", {"grant_type": "client_credentials"})
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert response.json() == {
        "error": "temporarily_unavailable",
        "error_description": "The portal has more to do than it can just now. "
        "Please try again in a few seconds.",
    }


def test_verifiers_are_told_in_json_and_keep_nothing(
    full: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.places.look_ups", full)
    response = Browser().get("/clients/x/jwks.json")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert response.json()["error"] == "temporarily_unavailable"


def test_monitors_are_told_what_is_missing(full: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portal.places.look_ups", full)
    response = Browser().get("/readyz")
    assert (response.status_code, response.json()["missing"]) == (503, "threads")
    assert Browser().get("/healthz").status_code == 200
