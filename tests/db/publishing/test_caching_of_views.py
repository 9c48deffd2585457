"""What the views of key sets put into the cache of their process, and when they do not."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client as Browser
from pytest_django import DjangoAssertNumQueries

from portal.publishing import reading
from portal.publishing.jwks_cache import Entry, cache, path_of
from portal.publishing.key_set import Publication, publish
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.ledger_source import follower
from portal.registry.models import Client, ClientKey
from tests.db.publishing.conftest import Fetch, Register, in_seconds, kids


@pytest.fixture(autouse=True)
def _healthy() -> Iterator[None]:
    """A cache that is good, as while the ledger is followed; nobody else has it here."""
    cache.clear()
    follower.good_until = math.inf
    yield
    follower.good_until, follower.gone = 0.0, False
    cache.clear()


def kept(client: Client, *, extended: bool = False) -> Entry | None:
    return cache.find(path_of(client.client_id, extended=extended))


@pytest.mark.parametrize("extended", [False, True])
def test_set_that_was_read_is_kept_as_it_was_answered(
    *, extended: bool, payments: Client, register: Register, fetch: Fetch
) -> None:
    register("Ed448")
    given = fetch(extended=extended)
    del given.headers["X-Request-ID"]
    found = kept(payments, extended=extended)
    assert found
    assert (dict(found[3]), found[5]) == (dict(given.headers), given.content)
    assert kept(payments, extended=not extended) is None


def test_key_that_is_revoked_while_the_set_is_read_is_not_kept(
    payments: Client,
    key: ClientKey,
    cast: SimpleNamespace,
    fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read_slowly(*which: Any, **how: Any) -> Publication | None:
        read = publish(*which, **how)
        revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
        cache.drop(payments.client_id)
        return read

    monkeypatch.setattr(reading, "publish_current", read_slowly)
    assert kids(fetch()) == [key.kid]
    assert kept(payments) is None


def test_unknown_client_takes_no_room(db: None) -> None:
    assert Browser().get("/clients/unknown/jwks.json").status_code == 404
    assert len(cache) == 0


def test_what_is_not_kept_is_not_asked_of_a_database_that_is_gone(
    payments: Client, fetch: Fetch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    follower.gone = True
    with django_assert_num_queries(0):
        response = fetch()
    assert (response.status_code, response["Cache-Control"]) == (503, "no-store")


@pytest.mark.parametrize(
    ("dates", "seconds"),
    [({"not_before": 3600}, 3600 - 60), ({"expires_at": 3600}, 3600 - 60 - 600)],
)
def test_it_is_kept_until_time_alone_changes_it(
    dates: dict[str, float],
    seconds: float,
    payments: Client,
    register: Register,
    fetch: Fetch,
) -> None:
    register(**{name: in_seconds(number) for name, number in dates.items()})
    fetch()
    found = kept(payments)
    assert found
    assert found[0] == pytest.approx(time.time() + seconds, abs=30)


def test_set_that_changes_soon_is_not_kept(
    payments: Client, register: Register, fetch: Fetch
) -> None:
    register(expires_at=in_seconds(600))
    fetch()
    assert kept(payments) is None


def test_set_that_cannot_be_read_again_is_served_as_it_is(
    payments: Client, key: ClientKey, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only SQL that was written by hand may be missing in it: no event says that it changed."""
    given = fetch()

    def fail(*_: Any, **__: Any) -> None:
        raise OperationalError

    monkeypatch.setattr(reading, "publish_current", fail)
    again = fetch()
    assert (again.status_code, again.content) == (200, given.content)
    for each in (given, again):
        del each.headers["X-Request-ID"]
    assert again.headers == given.headers
    cache.drop(payments.client_id)
    assert fetch().status_code == 503
