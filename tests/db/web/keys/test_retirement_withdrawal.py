"""POST …/keys/<kid>/retirement/withdrawal/: take a retirement back."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from portal.registry.actions import retire_key
from portal.registry.models import ClientKey
from tests.db.pages import text_of


@pytest.fixture(autouse=True)
def retiring(key: ClientKey, cast: SimpleNamespace) -> None:
    """Let the key retire tomorrow."""
    retire_key(key, grace=timedelta(days=1), by=cast.dev)


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("viewer", 403), ("admin", 403), ("dev", 302)],
)
def test_who_may_take_it_back(
    ask: Any, paths: SimpleNamespace, key: ClientKey, who: str | None, status: int
) -> None:
    assert ask(who, "post", paths.key_retirement_withdrawal).status_code == status
    key.refresh_from_db()
    assert (key.retires_at is None) == (who == "dev")


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.key_retirement_withdrawal).status_code == 405


def test_an_unknown_key_is_404(ask: Any, paths: SimpleNamespace) -> None:
    url = f"{paths.key_register}{'A' * 43}/retirement/withdrawal/"
    assert ask("dev", "post", url).status_code == 404


def test_without_a_csrf_token_nothing_changes(
    cast: SimpleNamespace, paths: SimpleNamespace, key: ClientKey
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    assert browser.post(paths.key_retirement_withdrawal).status_code == 403
    key.refresh_from_db()
    assert key.retires_at


def test_an_hour_after_its_end_it_is_too_late(
    browser_of: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    retire_key(key, grace=timedelta(), by=cast.dev)
    ClientKey.objects.filter(pk=key.pk).update(retires_at=timezone.now() - timedelta(hours=1))
    response = browser_of("dev").post(paths.key_retirement_withdrawal, follow=True)
    assert "is already retired" in text_of(response)
    key.refresh_from_db()
    assert key.retires_at
