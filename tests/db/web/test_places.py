"""How many requests of a process may wait, and what the others are told."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from threading import Event, Thread, Timer

import pytest
from django.test import Client as Browser

import portal.places
from portal.places import PATIENCE_S, Full, Places
from tests.db.web.pages import check_page, text_of

KEY_SETS, PAGES, TOKENS, READY = (
    "portal.oauth.views.places",
    "portal.web.middleware.places",
    "portal.oauth.client_requests.places",
    "portal.health.places",
)


def works(over: Event) -> None:
    """Use the processor until it is over, as hashing a password does."""
    while not over.is_set():
        hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 10_000)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Where the threads are kept that hold a place until the test ends."""
    with ExitStack() as held:
        yield held


def hold(
    places: Places, held: ExitStack, how: Callable[[Event], object] = Event.wait
) -> Callable[[], None]:
    """Let another thread take a place and wait there, or do what is given; return what ends it."""
    taken, over = Event(), Event()

    def take() -> None:
        with places:
            taken.set()
            how(over)

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
    places = Places(3)
    hold(places, held)
    hold(places, held)
    with places:
        try_it(places)


def test_who_fails_gives_the_place_back() -> None:
    places = Places(1)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), places:
            raise ZeroDivisionError


def test_only_the_first_waits_for_those_who_wait(held: ExitStack) -> None:
    places = Places(1)
    leave = hold(places, held)
    assert try_it(places) >= PATIENCE_S
    assert max(try_it(places) for _ in range(10)) < PATIENCE_S
    leave()
    for _ in range(2):
        with places:
            pass


def test_those_who_work_are_waited_for(held: ExitStack) -> None:
    places = Places(2)
    hold(places, held)
    leave = hold(places, held, works)
    ending = Timer(10 * PATIENCE_S, leave)
    began = time.monotonic()
    ending.start()
    with places:
        assert time.monotonic() - began >= 9 * PATIENCE_S
    ending.join()


def test_those_who_work_without_an_end_are_not_waited_for_again_and_again(
    held: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal.places, "SPARE_S", 6 * PATIENCE_S)
    places = Places(1)
    hold(places, held, works)
    assert try_it(places) >= 6 * PATIENCE_S
    assert try_it(places) < 3 * PATIENCE_S


@pytest.fixture
def full(held: ExitStack) -> Places:
    """Places that are all taken."""
    places = Places(1)
    hold(places, held)
    return places


@pytest.mark.parametrize("htmx", [False, True])
def test_people_are_told_that_nothing_was_done(
    full: Places, monkeypatch: pytest.MonkeyPatch, htmx: bool
) -> None:
    monkeypatch.setattr(PAGES, full)
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
    monkeypatch.setattr(TOKENS, full)
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
    monkeypatch.setattr(KEY_SETS, full)
    response = Browser().get("/clients/x/jwks.json")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert response.json()["error"] == "temporarily_unavailable"


def test_monitors_are_told_what_is_missing(full: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(READY, full)
    response = Browser().get("/readyz")
    assert (response.status_code, response.json()["missing"]) == (503, "threads")
    assert Browser().get("/healthz").status_code == 200
