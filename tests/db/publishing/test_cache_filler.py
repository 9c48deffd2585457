"""The cache is kept full: with what changed, and with what other processes were asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings

from portal.publishing import reading
from portal.publishing.cache_filler import CacheFiller
from portal.publishing.jwks_cache import ENTRY_BYTES, JwksCache, cache, path_of
from portal.publishing.reading import read_into
from portal.publishing.replica import publish_current
from portal.registry.actions import create_client, revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.follower import Follower
from portal.registry.ledger_source import follower as own_follower
from portal.registry.models import Client, ClientKey, Event, RequestedSet, ServingProcess
from portal.registry.serving import GONE_AFTER, note_requests, serving

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]

Make = Callable[[], tuple[JwksCache, CacheFiller]]


class Never:
    """A database that nobody polls."""

    def connect(self, late: Callable[[], object]) -> object:
        raise AssertionError


@pytest.fixture
def process() -> Make:
    """Makes a process with an empty cache, whose follower says that all is well."""

    def make(capacity: int = 100_000) -> tuple[JwksCache, CacheFiller]:
        follower = Follower(Never(), stale_s=60)  # type: ignore[arg-type]
        follower.good_until = math.inf
        made = JwksCache(capacity, follower)
        return made, CacheFiller(made, follower, clock=lambda: clock[0])

    clock = [1000.0]
    make.clock = clock  # type: ignore[attr-defined]
    return make


def fill(filler: CacheFiller) -> None:
    """Let it do all that there is to do."""
    for _ in range(20):
        filler.step()


def ask(cache: JwksCache, client: Client) -> bytes | None:
    """Ask as a verifier does, without the database."""
    found = cache.find(path_of(client.client_id, extended=False))
    return found[-1] if found else None


def test_set_that_changed_is_read_again_before_anybody_asks(
    process: Make, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    cache, filler = process()
    read_into(cache, payments.client_id, extended=False)
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    cache.drop(payments.client_id)
    assert ask(cache, payments) is None
    fill(filler)
    body = ask(cache, payments)
    assert body
    assert key.kid.encode() not in body


def test_after_a_restore_all_that_was_here_is_read_again(
    process: Make, payments: Client, other: Client
) -> None:
    cache, filler = process()
    for client in (payments, other):
        read_into(cache, client.client_id, extended=False)
    cache.clear()
    fill(filler)
    assert ask(cache, payments)
    assert ask(cache, other)


def test_set_over_its_lifetime_is_read_again_for_who_asks(
    process: Make, payments: Client, key: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another thread, so that nobody waits for a database that is frozen."""
    cache, filler = process()
    cache.is_filled = True
    read_into(cache, payments.client_id, extended=False)
    ClientKey.objects.update(expires_at=timezone.now() + timedelta(days=9))
    monkeypatch.setattr("portal.publishing.jwks_cache.LIFETIME_S", 0.0)
    monkeypatch.setattr("portal.publishing.jwks_cache._PATIENCE_S", 0.0)
    path = path_of(payments.client_id, extended=False)
    cache._entries[path] = (cache._entries[path][0], 0.0, *cache._entries[path][2:])
    before = cache._entries[path]
    # Nobody reads it just now: the first gets it as it is, and so do the others.
    assert [ask(cache, payments) for _ in range(2)] == [before[-1]] * 2
    assert cache.take_missing() == (path, True)
    cache.put_back(path, was_here=True)
    fill(filler)
    assert cache._entries[path][0] != before[0]


def test_set_that_cannot_be_read_again_now_is_read_later(
    process: Make, payments: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, filler = process()
    read_into(cache, payments.client_id, extended=False)
    fill(filler)
    cache.drop(payments.client_id)

    def fail(*_: object, **__: object) -> None:
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(reading, "publish_current", fail)
        filler.step()
    assert ask(cache, payments) is None
    filler.step()
    assert ask(cache, payments)


def test_set_that_changes_while_it_is_read_again_is_read_once_more(
    process: Make, payments: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, filler = process()
    read_into(cache, payments.client_id, extended=False)
    fill(filler)
    cache.drop(payments.client_id)
    read = publish_current

    def read_slowly(*which: Any, **how: Any) -> Any:
        publication = read(*which, **how)
        if len(drops) < 2:
            drops.append(payments.client_id)
            cache.drop(payments.client_id)
        return publication

    drops: list[str] = []
    monkeypatch.setattr(reading, "publish_current", read_slowly)
    fill(filler)
    assert ask(cache, payments)


def test_what_one_process_was_asked_for_is_in_the_memory_of_all(
    process: Make, payments: Client, other: Client
) -> None:
    here, mine = process()
    read_into(here, payments.client_id, extended=False)
    assert ask(here, payments)
    # One that was only read is asked for by nobody.
    read_into(here, other.client_id, extended=False)
    fill(mine)
    there, its = process()
    fill(its)
    assert ask(there, payments)
    assert ask(there, other) is None


def test_requests_are_written_down_once_an_hour_and_not_for_long(
    process: Make, payments: Client
) -> None:
    cache, filler = process()
    read_into(cache, payments.client_id, extended=False)
    old = timezone.now() - timedelta(hours=3)
    note_requests([("old", False)], old)
    for _ in range(3):
        ask(cache, payments)
        fill(filler)
        process.clock[0] += 60  # type: ignore[attr-defined]
    found = RequestedSet.objects.values_list("client_id", "extended")
    assert list(found) == [(payments.client_id, False)]


def test_what_was_only_filled_in_is_not_asked_for_by_that(process: Make, payments: Client) -> None:
    """Otherwise no set would ever be forgotten."""
    note_requests([(payments.client_id, False)], timezone.now().replace(minute=0, second=0))
    RequestedSet.objects.update(hour=timezone.now() - timedelta(minutes=59))
    cache, filler = process()
    fill(filler)
    assert path_of(payments.client_id, extended=False) in cache._entries
    process.clock[0] += 60  # type: ignore[attr-defined]
    fill(filler)
    assert RequestedSet.objects.count() == 1


def test_what_does_not_fit_is_counted_and_pushes_nothing_out(
    process: Make, payments: Client, cast: SimpleNamespace
) -> None:
    clients = [create_client(name=f"Client {number}", by=cast.admin) for number in range(4)]
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    note_requests([(client.client_id, False) for client in clients], hour)
    full, filler = process(2 * ENTRY_BYTES + 1000)  # type: ignore[call-arg]
    read_into(full, payments.client_id, extended=False)
    fill(filler)
    assert ask(full, payments)
    assert filler.unfit + len(full) - 1 == 4
    counted = filler.unfit
    assert counted > 0
    process.clock[0] += 6  # type: ignore[attr-defined]
    fill(filler)  # reports this, and then counts again
    found = serving()
    assert found
    assert found.unfit == counted


def test_nothing_is_read_while_the_ledger_is_not_followed(
    process: Make, payments: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.publishing.cache_filler._PAUSE_S", 0)
    cache, filler = process()
    read_into(cache, payments.client_id, extended=False)
    cache.drop(payments.client_id)
    cache._follower.good_until = 0
    fill(filler)
    assert len(cache) == 0
    assert ServingProcess.objects.count() == 0


def test_process_that_has_ended_is_not_counted_for_long(process: Make, settings: Any) -> None:
    _, filler = process()
    fill(filler)
    ServingProcess.objects.update(seen_at=timezone.now() - GONE_AFTER)
    assert serving() is None
    fill(process()[1])
    assert ServingProcess.objects.count() == 2
    forgotten_after = GONE_AFTER + timedelta(seconds=settings.JWKS_STALE_IF_ERROR)
    ServingProcess.objects.update(seen_at=timezone.now() - forgotten_after)
    fill(process()[1])
    assert ServingProcess.objects.count() == 1


def test_events_of_an_older_portal_get_their_number(
    process: Make, payments: Client, cast: SimpleNamespace
) -> None:
    Event.objects.bulk_create(
        [Event(verb=Verb.CHANGE_CLIENT, client=payments, actor_user=cast.alice)]
    )
    _, filler = process()
    filler._follower._unnumbered = frozenset({1})
    fill(filler)
    assert not Event.objects.filter(number=None).exists()


@pytest.fixture
def _own_cache() -> Iterator[None]:
    cache.clear()
    own_follower.good_until = math.inf
    yield
    own_follower.good_until = 0.0
    cache.clear()
    cache.take_requested()


@pytest.mark.usefixtures("_own_cache")
def test_request_that_reads_the_database_counts_as_one(payments: Client) -> None:
    cache.take_requested()
    Browser().get(path_of(payments.client_id, extended=True))
    Browser().get("/clients/unknown/jwks.json")
    assert cache.take_requested() == [path_of(payments.client_id, extended=True)]


def test_console_shows_the_slowest_process(
    browser_of: Callable[[str], Browser], settings: Settings, process: Make
) -> None:
    fill(process()[1])
    page = browser_of("admin").get("/console/events/").content.decode()
    assert "1 process serves key sets" in page
