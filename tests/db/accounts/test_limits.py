"""How tries are counted: by one statement each, whatever becomes of those who count beside it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.http import HttpRequest
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts import limits
from portal.accounts.limits import forget, give_back, within_limit
from portal.accounts.models import Tries


@pytest.fixture
def request_of(cast: SimpleNamespace) -> Any:
    """A function that returns a request of somebody of the cast."""

    def build(name: str, address: str = "192.0.2.1") -> HttpRequest:
        request = RequestFactory().post("/", REMOTE_ADDR=address)
        request.user = getattr(cast, name)
        return request

    return build


def tries(request: HttpRequest, number: int, key: str = "") -> list[bool]:
    return [within_limit(request, "tried", key=key) for _ in range(number)]


def test_no_more_are_within_the_limit_than_it_says(request_of: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"tried": "3/1h/user"}
    assert tries(request_of("dev"), 5) == [True, True, True, False, False]
    assert tries(request_of("bob"), 1) == [True]
    assert within_limit(request_of("dev"), "something else")


def test_the_window_ends(request_of: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.RATE_LIMITS = {"tried": "1/1h/user"}
    request, now = request_of("dev"), timezone.now()
    for minutes, expected in ((0, True), (59, False), (60, True), (119, False), (120, True)):
        at = now + timedelta(minutes=minutes)
        monkeypatch.setattr("portal.accounts.limits.timezone.now", lambda at=at: at)
        assert within_limit(request, "tried") is expected


def test_a_try_is_given_back_and_all_are_forgotten(request_of: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"tried": "1/1h/key,1/1h/ip"}
    request = request_of("dev")
    assert tries(request, 2, "Ann@example.com") == [True, False]
    give_back(request, "tried", key="ann@example.com")
    assert tries(request, 2, "ann@example.com") == [True, False]
    forget(request, "tried", key="ann@example.com")
    give_back(request, "tried", key="ann@example.com")
    assert tries(request, 2, "ann@example.com") == [True, False]


def test_an_address_over_its_limit_makes_no_row_for_each_key(
    request_of: Any, settings: Any
) -> None:
    settings.RATE_LIMITS = {"tried": "5/1h/key,1/1h/ip"}
    for number in range(5):
        within_limit(request_of("dev"), "tried", key=f"{number}@example.com")
    assert Tries.objects.count() == 2


def test_a_rate_that_cannot_be_counted_is_a_mistake_of_the_settings(
    request_of: Any, settings: Any
) -> None:
    settings.RATE_LIMITS = {"tried": "1/1h/key"}
    with pytest.raises(ImproperlyConfigured, match="no key"):
        within_limit(request_of("dev"), "tried")


def test_a_try_is_one_statement(request_of: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"tried": "1/1h/ip"}
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            within_limit(request_of("dev"), "tried")
        assert len(queries) == 1


def test_prune_removes_what_is_over(request_of: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"old": "1/1s/ip", "new": "1/1h/ip"}
    within_limit(request_of("dev"), "old")
    within_limit(request_of("dev"), "new")
    Tries.objects.filter(ends_at__lt=timezone.now() + timedelta(minutes=1)).update(
        ends_at=timezone.now()
    )
    call_command("prune", verbosity=0)
    assert Tries.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_counted_each_once(request_of: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"tried": "40/1h/user"}
    request = request_of("dev")

    def one(_: int) -> bool:
        try:
            return within_limit(request, "tried")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(one, range(60))) == 40


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_while_it_counts_refuses_nobody(
    request_of: Any, settings: Any
) -> None:
    settings.RATE_LIMITS = {"tried": "1/1h/user"}
    request = request_of("dev")

    def count_and_die() -> None:
        transaction.set_autocommit(False)
        assert within_limit(request, "tried")
        # As after kill -9: the server finds the connection closed, and nothing was committed.
        connection.connection.pgconn.finish()
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(count_and_die).result()
    assert within_limit(request, "tried")
    assert limits.wait_for("tried") == "1\xa0hour"
