"""When a key was used last, wherever somebody decides about its end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from portal.registry.models import Client, ClientKey
from portal.web.keys.usage import usage_of
from tests.db.pages import text_of
from tests.db.used import used


def test_last_used_is_the_newest_of_all_times(payments: Client, key: ClientKey) -> None:
    used(key, timedelta(days=3))
    newest = used(key, timedelta(hours=1))
    assert payments.keys.with_last_used().get().last_used_at == newest.at


def test_another_keys_use_does_not_count(
    payments: Client, key: ClientKey, second: ClientKey
) -> None:
    used(second, timedelta(minutes=1))
    assert payments.keys.with_last_used().get(pk=key.pk).last_used_at is None


@pytest.mark.parametrize("page", ["client", "key"])
def test_pages_say_when_a_key_was_used(
    ask: Any, paths: SimpleNamespace, key: ClientKey, page: str
) -> None:
    used(key, timedelta(minutes=5))
    text = text_of(ask("viewer", "get", getattr(paths, page)))
    assert "Last used" in text
    assert "5 minutes ago" in text


def test_the_console_says_when_a_key_was_used(
    browser_of: Callable[[str], Browser], key: ClientKey
) -> None:
    used(key, timedelta(minutes=5))
    assert "5 minutes ago" in text_of(browser_of("admin").get("/console/keys/"))


@pytest.mark.parametrize("page", ["key_retirement", "key_revocation"])
def test_ending_a_key_in_use_warns(
    ask: Any, paths: SimpleNamespace, key: ClientKey, page: str
) -> None:
    used(key, timedelta(minutes=5))
    text = text_of(ask("dev", "get", getattr(paths, page)))
    assert "This key is still in use: last used <time" in text
    assert "Safe to retire" not in text


def test_a_key_is_safe_to_retire_when_another_took_over(
    ask: Any, paths: SimpleNamespace, key: ClientKey, second: ClientKey
) -> None:
    used(key, timedelta(days=12))
    used(second, timedelta(minutes=2))
    text = text_of(ask("dev", "get", paths.key_retirement))
    assert "Safe to retire.</strong> Not used since" in text
    assert "1 week, 5 days ago" in text
    assert "“Second” was used" in text
    assert "2 minutes ago" in text


@pytest.mark.parametrize(("age", "safe"), [(25, True), (23, False)])
def test_a_key_that_was_never_used_is_safe_when_it_is_not_new_and_another_is_used(
    payments: Client, key: ClientKey, second: ClientKey, *, age: int, safe: bool
) -> None:
    used(second, timedelta(hours=-age))
    later = timezone.now() + timedelta(hours=age)
    assert usage_of(payments.keys.with_last_used().get(pk=key.pk), later).is_safe == safe


def test_ending_a_new_key_is_not_called_safe(
    ask: Any, paths: SimpleNamespace, key: ClientKey, second: ClientKey
) -> None:
    used(second, timedelta(0))
    text = text_of(ask("dev", "get", paths.key_retirement))
    assert "Your client may be about to switch to it." in text
    assert "Safe to retire" not in text


def test_without_another_in_use_nothing_is_called_safe(
    ask: Any, paths: SimpleNamespace, key: ClientKey, second: ClientKey
) -> None:
    used(key, timedelta(days=12))
    used(second, timedelta(days=20))
    text = text_of(ask("dev", "get", paths.key_retirement))
    assert "Safe to retire" not in text
    assert "no other live key was used since" in text


@pytest.mark.postgresql
def test_the_newest_use_is_one_step_in_an_index(payments: Client, key: ClientKey) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "redeemed_of_key" in payments.keys.with_last_used().explain()


@pytest.mark.parametrize("reason", ["Compromised", "unspecified", "Superseded"])
def test_revoking_says_what_happens_to_tokens(
    ask: Any, browser_of: Any, paths: SimpleNamespace, key: ClientKey, reason: str
) -> None:
    console = f"/console/keys/revocation?key={key.pk}"
    for page in (
        text_of(ask("dev", "get", paths.key_revocation)),
        text_of(browser_of("admin").get(console)),
    ):
        assert f"<strong>{reason}</strong>" in page
        assert "refresh-token families" in page


def test_a_recent_use_ends_after_a_day(ask: Any, paths: SimpleNamespace, key: ClientKey) -> None:
    used(key, timedelta(hours=25))
    assert timezone.now() - timedelta(days=1) > key.redeemed.get().at
    assert "still in use" not in text_of(ask("dev", "get", paths.key_retirement))
