"""What is on the shelf, for how long, and what is not put there."""

from __future__ import annotations

import math
import time

import pytest

from portal.publishing.jwks_cache import ENTRY_BYTES, Shelf, path_of, prepare
from portal.publishing.public_endpoint import Document, render

BODY = b"x" * 600
ROOM = 10


class Clock:
    """Both clocks of the shelf: they stand still until a test lets time go by."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.0

    def time(self) -> float:
        return self._now

    monotonic = time

    def advance(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("portal.publishing.jwks_cache.time", clock)
    return clock


@pytest.fixture
def shelf() -> Shelf:
    """A trusted shelf with room for ten sets."""
    shelf = Shelf(ROOM * (len(BODY) + ENTRY_BYTES))
    shelf.trust(math.inf)
    return shelf


def put(
    shelf: Shelf,
    client_id: str,
    *,
    until: float = math.inf,
    body: bytes = BODY,
    extended: bool = False,
) -> None:
    prepared = prepare(Document(body, "public, max-age=60"), until)
    shelf.put(client_id, shelf.ticket(client_id), prepared, extended=extended)


def has(shelf: Shelf, client_id: str, *, extended: bool = False) -> bool:
    return shelf.find(path_of(client_id, extended=extended)) is not None


def test_what_was_put_is_found_as_it_would_be_rendered(shelf: Shelf) -> None:
    put(shelf, "a")
    found = shelf.find("/clients/a/jwks.json")
    full = render(Document(BODY, "public, max-age=60"), "GET")
    assert found
    assert found[2:] == (
        full.headers,
        render(Document(BODY, "public, max-age=60"), "GET", "*").headers,
        BODY,
    )


@pytest.mark.parametrize(
    "path",
    [
        *("/clients/b/jwks.json", "/clients/a/jwks-extended.json", "/clients/a/jwks.json/"),
        *("//clients/a/jwks.json", "/clients/A/jwks.json", "/clients/a/../a/jwks.json", ""),
    ],
)
def test_other_paths_are_not_answered(shelf: Shelf, path: str) -> None:
    put(shelf, "a")
    assert shelf.find(path) is None


def test_those_asked_for_last_stay_and_the_bytes_are_bounded(shelf: Shelf) -> None:
    for number in range(ROOM):
        put(shelf, str(number))
    assert has(shelf, "0")
    put(shelf, "new")
    assert not has(shelf, "1")
    assert has(shelf, "0")
    for number in range(1000):
        put(shelf, f"flood {number}")
    assert len(shelf) == ROOM
    assert shelf.size <= shelf.capacity


def test_set_larger_than_all_room_is_not_kept(shelf: Shelf) -> None:
    put(shelf, "kept")
    put(shelf, "large", body=b"x" * shelf.capacity)
    assert (has(shelf, "kept"), has(shelf, "large")) == (True, False)


def test_putting_again_takes_no_more_room(shelf: Shelf) -> None:
    put(shelf, "a")
    before = shelf.size
    put(shelf, "a")
    assert (shelf.size, len(shelf)) == (before, 1)


def test_set_ends_by_the_clock(shelf: Shelf, clock: Clock) -> None:
    put(shelf, "a", until=clock.time() + 5)
    clock.advance(4.9)
    assert has(shelf, "a")
    clock.advance(0.1)
    assert not has(shelf, "a")


def test_trust_ends_by_the_clock(shelf: Shelf, clock: Clock) -> None:
    put(shelf, "a")
    shelf.trust(clock.monotonic() + 5)
    clock.advance(4.9)
    assert has(shelf, "a")
    clock.advance(0.1)
    assert not has(shelf, "a")


@pytest.mark.parametrize("change", ["drop", "clear", "distrust"])
def test_change_takes_it_away(shelf: Shelf, change: str) -> None:
    put(shelf, "a")
    _tell(shelf, change, "a")
    shelf.trust(math.inf)
    assert not has(shelf, "a")
    assert shelf.size == 0


def test_change_takes_both_sets_of_the_client_away(shelf: Shelf) -> None:
    for extended in (False, True):
        put(shelf, "a", extended=extended)
        assert has(shelf, "a", extended=extended)
    shelf.drop("a")
    assert not has(shelf, "a")
    assert not has(shelf, "a", extended=True)


def test_room_is_given_back(shelf: Shelf) -> None:
    for change in ("drop", "clear", "distrust"):
        for number in range(ROOM):
            put(shelf, str(number))
        assert len(shelf) == ROOM
        for number in range(ROOM):
            _tell(shelf, change, str(number))
        shelf.trust(math.inf)
        assert (len(shelf), shelf.size) == (0, 0)


class DropsMeanwhile(float):
    """A moment during whose comparison the client is dropped, as by another thread."""

    shelf: Shelf | None = None

    def __le__(self, other: float) -> bool:
        if self.shelf:
            self.shelf.drop("a")
        return super().__le__(other)


def test_what_is_dropped_while_it_is_looked_for_is_not_found(shelf: Shelf) -> None:
    until = DropsMeanwhile(math.inf)
    for number in range(ROOM - 1):
        put(shelf, str(number))
    put(shelf, "a", until=until)
    until.shelf = shelf
    assert not has(shelf, "a")


def test_change_of_one_client_leaves_the_others(shelf: Shelf) -> None:
    put(shelf, "a")
    shelf.drop("b")
    assert has(shelf, "a")


@pytest.mark.parametrize("change", ["drop", "clear", "distrust"])
def test_what_was_read_before_a_change_is_not_kept_after_it(shelf: Shelf, change: str) -> None:
    ticket = shelf.ticket("a")
    _tell(shelf, change, "a")
    shelf.trust(math.inf)
    shelf.put("a", ticket, prepare(Document(BODY, "public"), math.inf), extended=False)
    assert not has(shelf, "a")


@pytest.mark.parametrize("state", ["distrust", "over", "gone"])
def test_nothing_is_kept_while_nobody_vouches_for_it(shelf: Shelf, state: str) -> None:
    if state == "distrust":
        shelf.distrust()
    elif state == "over":
        shelf.trust(time.monotonic() - 1)
    else:
        shelf.serve_on(math.inf)
    put(shelf, "a")
    shelf.trust(math.inf)
    assert not has(shelf, "a")


def test_what_is_over_takes_no_room(shelf: Shelf) -> None:
    put(shelf, "a", until=time.time() - 1)
    assert len(shelf) == 0


@pytest.mark.parametrize("change", ["trust", "distrust"])
def test_database_that_answers_in_any_way_is_not_gone(shelf: Shelf, change: str) -> None:
    shelf.serve_on(math.inf)
    assert shelf.gone
    if change == "trust":
        shelf.trust(math.inf)
    else:
        shelf.distrust()
    assert not shelf.gone


def test_nothing_is_answered_without_trust_even_when_it_is_there(shelf: Shelf) -> None:
    shelf.distrust()
    put(shelf, "a")
    assert not has(shelf, "a")


def test_without_the_database_what_is_there_is_served_on_to_the_limit(
    shelf: Shelf, clock: Clock
) -> None:
    put(shelf, "a")
    shelf.serve_on(clock.monotonic() + 5)
    clock.advance(4.9)
    assert has(shelf, "a")
    clock.advance(0.1)
    assert not has(shelf, "a")


def _tell(shelf: Shelf, change: str, client_id: str) -> None:
    if change == "drop":
        shelf.drop(client_id)
    else:
        getattr(shelf, change)()
