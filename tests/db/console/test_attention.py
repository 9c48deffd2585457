"""The start page of the console: each number is that of the list that its link opens."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.utils import timezone
from django.utils.html import strip_tags

from portal.accounts.mail import MESSAGE
from portal.console.attention import Item, ends_by_week, items, refused_by_hour
from portal.registry import paging
from portal.registry.actions import confirm_key, draft_rule, save_rule
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.models import Client, ClientKey
from portal.registry.successors import has_successor_in_use, keys_ending, without_successor
from portal.work.models import Task
from tests.db.pages import text_of
from tests.db.recorded_requests import accept, refuse

from .conftest import KeyMaker

pytestmark = pytest.mark.sqlite
URL = "/console/"
DAY = timedelta(days=1)


def numbers() -> dict[str, str]:
    return {item.title: item.text for item in items(timezone.now()) if not item.is_none}


def item(title: str) -> Item:
    return next(each for each in items(timezone.now()) if title in each.title)


def listed(admin: Browser, title: str) -> list[str]:
    """The names in the list that the item's link opens."""
    page = admin.get(item(title).url)
    assert page.status_code == 200
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)<', page.content.decode())


@pytest.fixture
def world(
    payments: Client, other: Client, cast: SimpleNamespace, make_keys: KeyMaker
) -> SimpleNamespace:
    """A key for each kind of thing that needs attention."""
    now = timezone.now()
    old = {"registered_at": now - 100 * DAY}
    confirmed = {"confirmed_at": now, "confirmed_by_user": cast.dev}
    [ending] = make_keys(payments, 1, label="Ending", expires_at=now + 9 * DAY, **confirmed)
    make_keys(payments, 1, label="Later", expires_at=now + 40 * DAY)
    make_keys(other, 1, label="Legacy", alg="RS256", kty="RSA", bits=2048, **confirmed)
    [idle] = make_keys(other, 1, label="Idle", **old, **confirmed)
    accept(idle, 1, ago=95 * DAY)
    make_keys(other, 1, label="Over", expires_at=now - DAY, **old)
    refuse(payments, 2)
    accept(idle, 3, ago=95 * DAY)
    return SimpleNamespace(ending=ending, idle=idle)


def test_each_number_is_that_of_its_list(admin: Browser, world: SimpleNamespace) -> None:
    assert listed(admin, "without a successor") == ["Ending"]
    assert listed(admin, "never confirmed") == ["Later"]
    assert listed(admin, "not used for 90 days") == ["Idle"]
    assert listed(admin, "legacy") == ["Legacy"]
    assert listed(admin, "last request was refused") == ["Payments"]
    assert numbers() == {
        "Keys that end within 30 days, without a successor": "1",
        "Keys that were never confirmed": "1",
        "Live keys that were not used for 90 days": "1",
        "Live keys with a legacy algorithm": "1",
        "Clients whose last request was refused": "1",
    }
    page = text_of(admin.get(URL))
    for title in numbers():
        assert title in page


def test_an_accepted_request_ends_the_failure(world: SimpleNamespace) -> None:
    assert not item("last request was refused").is_none
    accept(world.ending, 4)
    assert item("last request was refused").is_none


def test_clients_without_a_live_key_and_failing_tasks(
    admin: Browser, payments: Client, key: ClientKey, other: Client
) -> None:
    assert listed(admin, "without a live key") == ["Other"]
    Task.objects.create(kind=MESSAGE.name, subject="1", due_at=timezone.now(), error="Refused")
    assert "Messages" in item("tasks that fail").advice
    assert item("tasks that fail").url == "/console/jobs/"


def test_keys_outside_a_rule_are_counted_by_the_worker(
    admin: Browser, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    values = RuleValues("A year", timezone.now(), longest_days=365)
    rule = save_rule(draft_rule(values, by=cast.admin), by=cast.admin)
    assert item("A year").text == "…"
    type(rule).objects.filter(pk=rule.pk).update(survey={"keys": 1, "at": "2026-01-01T00:00Z"})
    assert item("A year").text == "1"
    assert listed(admin, "A year") == [key.label]


def test_numbers_stop_at_a_bound(
    admin: Browser,
    world: SimpleNamespace,
    payments: Client,
    make_keys: KeyMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_keys(payments, 20)
    monkeypatch.setattr(paging, "SCAN", 10)
    assert item("never confirmed").text == "10+"
    # None was found yet, which is not the same as that there is none.
    page = strip_tags(text_of(admin.get(URL)))
    assert "Clients without a live key: none among the newest" not in page
    monkeypatch.setattr(paging, "SCAN", 1)
    page = strip_tags(text_of(admin.get(URL)))
    assert "Clients without a live key: none among the newest" in page


@pytest.mark.parametrize("number", [1, 30])
def test_queries_do_not_grow_with_the_registry(
    number: int,
    admin: Browser,
    payments: Client,
    make_keys: KeyMaker,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    make_keys(payments, number, expires_at=timezone.now() + DAY)
    with django_assert_max_num_queries(48):
        admin.get(URL)


def test_charts_count_weeks_and_hours(
    admin: Browser, world: SimpleNamespace, payments: Client
) -> None:
    now = timezone.now()
    refuse(payments, 5, ago=timedelta(hours=23, minutes=30))
    refuse(payments, 6, ago=timedelta(hours=25))
    weeks, hours = ends_by_week(now), refused_by_hour(now)
    assert [bar.number for bar in weeks.bars] == [0, 1, 0, 0, 0, 1, *[0] * 6]
    assert [bar.is_urgent for bar in weeks.bars][:6] == [True, True, True, True, True, False]
    assert (hours.bars[0].number, hours.bars[-1].number, hours.total) == (1, 1, 2)
    assert [each.height for each in hours.rectangles] == [96, 96]
    page = admin.get(URL).content.decode()
    assert page.count("<rect class=") == 4
    assert "style=" not in page
    assert "Keys that expire in the next 12 weeks: 2, at most 1 in one week" in strip_tags(page)


def test_keys_without_a_successor_in_use(
    payments: Client, other: Client, cast: SimpleNamespace, make_keys: KeyMaker
) -> None:
    now = timezone.now()
    for client in (payments, other):
        for days in (1, 5, 40, None):
            make_keys(client, 1, expires_at=days and now + days * DAY)
    confirm_key(payments.keys.get(expires_at=None), by=cast.dev)
    alone = other.keys.get(expires_at__gt=now + 2 * DAY, expires_at__lt=now + 9 * DAY)
    confirm_key(alone, by=cast.bob)
    ending = keys_ending((now, now + 30 * DAY))
    found = set(without_successor(ending, now))
    assert found == {key for key in ending if not has_successor_in_use(key, now)}
    assert found == {alone}
    # A key that signs needs a successor that signs.
    first, last = (
        payments.keys.get(expires_at__lt=now + 2 * DAY),
        payments.keys.get(expires_at=None),
    )
    both = {alone, first}
    for key, ago, expected in ((first, 1, both), (last, 8, both), (last, 6, {alone})):
        accept(key, ago, ago=ago * DAY)
        found = set(without_successor(ending, now))
        assert found == {key for key in ending if not has_successor_in_use(key, now)}
        assert found == expected
