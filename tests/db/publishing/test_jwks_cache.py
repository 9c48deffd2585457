"""The entries of the cache: how long they stay, and which sets are not cached."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest

from portal.publishing.jwks_cache import (
    ENTRY_BYTES,
    LIFETIME_S,
    JwksCache,
    path_of,
    prepare,
)
from portal.publishing.public_endpoint import Document, render
from portal.registry.follower import Follower, Session

BODY = b"x" * 600
ROOM = 10


class Clock:
    """Both clocks of the cache: they stand still until a test lets time go by."""

    def __init__(self) -> None:
        self._now = 1_800_000_000.0

    def time(self) -> float:
        return self._now

    monotonic = time

    def advance(self, seconds: float) -> None:
        self._now += seconds


class Never:
    """A database that nobody polls."""

    def connect(self, late: Callable[[], object]) -> Session:
        raise AssertionError


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("portal.publishing.jwks_cache.time", clock)
    return clock


@pytest.fixture
def follower() -> Follower:
    """A follower that says that all is well until a test lets it say something else."""
    follower = Follower(Never(), stale_s=60)
    follower.good_until = math.inf
    return follower


@pytest.fixture
def cache(follower: Follower) -> JwksCache:
    """A cache with room for ten sets."""
    return JwksCache(ROOM * (len(BODY) + ENTRY_BYTES), follower)


def put(
    cache: JwksCache,
    client_id: str,
    *,
    until: float = math.inf,
    body: bytes = BODY,
    extended: bool = False,
) -> None:
    entry = prepare(Document(body, "public, max-age=60"), until)
    cache.put(client_id, cache.version(client_id), entry, extended=extended)


def has(cache: JwksCache, client_id: str, *, extended: bool = False) -> bool:
    return cache.find(path_of(client_id, extended=extended)) is not None


def test_what_was_put_is_found_as_it_would_be_rendered(cache: JwksCache) -> None:
    put(cache, "a")
    found = cache.find("/clients/a/jwks.json")
    full = render(Document(BODY, "public, max-age=60"), "GET")
    assert found
    assert found[3:] == (
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
def test_other_paths_are_not_answered(cache: JwksCache, path: str) -> None:
    put(cache, "a")
    assert cache.find(path) is None


def test_those_asked_for_last_stay_and_the_bytes_are_bounded(cache: JwksCache) -> None:
    for number in range(ROOM):
        put(cache, str(number))
    assert has(cache, "0")
    put(cache, "new")
    assert not has(cache, "1")
    assert has(cache, "0")
    for number in range(1000):
        put(cache, f"flood {number}")
    assert len(cache) == ROOM
    assert cache.size <= cache.capacity


def test_set_larger_than_all_room_is_not_kept(cache: JwksCache) -> None:
    put(cache, "kept")
    put(cache, "large", body=b"x" * cache.capacity)
    assert (has(cache, "kept"), has(cache, "large")) == (True, False)


def test_putting_again_takes_no_more_room(cache: JwksCache) -> None:
    put(cache, "a")
    before = cache.size
    put(cache, "a")
    assert (cache.size, len(cache)) == (before, 1)


def test_set_ends_by_the_clock(cache: JwksCache, clock: Clock) -> None:
    put(cache, "a", until=clock.time() + 5)
    clock.advance(4.9)
    assert has(cache, "a")
    clock.advance(0.1)
    assert not has(cache, "a")


def test_what_the_follower_does_not_say_to_be_good_is_not_answered(
    cache: JwksCache, follower: Follower, clock: Clock
) -> None:
    put(cache, "a")
    follower.good_until = clock.monotonic() + 5
    clock.advance(4.9)
    assert has(cache, "a")
    clock.advance(0.1)
    assert not has(cache, "a")
    # It is forgotten by nobody: the next poll may say that it is good.
    follower.good_until = math.inf
    assert has(cache, "a")


@pytest.mark.parametrize("gone", [False, True])
def test_set_is_read_again_by_one_request_after_its_lifetime(
    *, gone: bool, cache: JwksCache, follower: Follower, clock: Clock
) -> None:
    """SQL that is written by hand is in no ledger."""
    put(cache, "a")
    follower.gone = gone
    clock.advance(LIFETIME_S - 5)
    found = [has(cache, "a") for _ in range(3)]
    # Without the database there is nothing to be read.
    assert found == [gone, True, True]
    clock.advance(5)
    assert [has(cache, "a") for _ in range(2)] == [gone, True]


def test_set_that_was_read_again_and_is_over_soon_takes_the_place_of_none(
    cache: JwksCache, clock: Clock
) -> None:
    put(cache, "a")
    put(cache, "a", until=clock.time())
    assert not has(cache, "a")


@pytest.mark.parametrize("change", ["drop", "clear"])
def test_change_takes_it_away(cache: JwksCache, change: str) -> None:
    put(cache, "a")
    _tell(cache, change, "a")
    assert not has(cache, "a")
    assert cache.size == 0


def test_change_takes_both_sets_of_the_client_away(cache: JwksCache) -> None:
    for extended in (False, True):
        put(cache, "a", extended=extended)
        assert has(cache, "a", extended=extended)
    cache.drop("a")
    assert not has(cache, "a")
    assert not has(cache, "a", extended=True)


def test_room_is_given_back(cache: JwksCache) -> None:
    for change in ("drop", "clear"):
        for number in range(ROOM):
            put(cache, str(number))
        assert len(cache) == ROOM
        for number in range(ROOM):
            _tell(cache, change, str(number))
        assert (len(cache), cache.size) == (0, 0)


class DropsMeanwhile(float):
    """A moment during whose comparison the client is dropped, as by another thread."""

    cache: JwksCache | None = None

    def __le__(self, other: float) -> bool:
        if self.cache:
            self.cache.drop("a")
        return super().__le__(other)


def test_what_is_dropped_while_it_is_looked_for_is_not_found(cache: JwksCache) -> None:
    until = DropsMeanwhile(math.inf)
    for number in range(ROOM - 1):
        put(cache, str(number))
    put(cache, "a", until=until)
    until.cache = cache
    assert not has(cache, "a")


def test_change_of_one_client_leaves_the_others(cache: JwksCache) -> None:
    put(cache, "a")
    cache.drop("b")
    assert has(cache, "a")


@pytest.mark.parametrize("change", ["drop", "clear"])
def test_what_was_read_before_a_change_is_not_kept_after_it(cache: JwksCache, change: str) -> None:
    version = cache.version("a")
    _tell(cache, change, "a")
    cache.put("a", version, prepare(Document(BODY, "public"), math.inf), extended=False)
    assert not has(cache, "a")


@pytest.mark.parametrize(("good_until", "gone"), [(0.0, False), (math.inf, True)])
def test_nothing_is_kept_while_the_ledger_is_not_followed(
    *, good_until: float, gone: bool, cache: JwksCache, follower: Follower
) -> None:
    follower.good_until, follower.gone = good_until, gone
    put(cache, "a")
    follower.good_until, follower.gone = math.inf, False
    assert not has(cache, "a")


def test_what_is_over_takes_no_room(cache: JwksCache) -> None:
    put(cache, "a", until=time.time() - 1)
    assert len(cache) == 0


def _tell(cache: JwksCache, change: str, client_id: str) -> None:
    if change == "drop":
        cache.drop(client_id)
    else:
        cache.clear()
