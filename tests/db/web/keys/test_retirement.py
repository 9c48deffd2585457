"""GET and POST …/keys/<kid>/retirement/: let a key leave as planned."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from portal.core.lifecycle import KeyStatus
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import ClientKey
from tests.db.pages import text_of

GOOD = {"grace": "24", "confirmation": "Payments"}


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 302),
        ("stranger", 404),
        ("viewer", 403),
        ("admin", 403),
        ("dev", 302),
        ("alice", 302),
    ],
)
def test_who_may_retire(
    ask: Any, paths: SimpleNamespace, key: ClientKey, who: str | None, status: int
) -> None:
    assert ask(who, "post", paths.key_retirement, GOOD).status_code == status
    key.refresh_from_db()
    assert (key.retires_at is not None) == (who in {"dev", "alice"})


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.key_retirement).status_code == 405


def test_an_unknown_key_is_404(ask: Any, paths: SimpleNamespace) -> None:
    url = f"{paths.key_register}{'A' * 43}/retirement/"
    assert ask("dev", "post", url, GOOD).status_code == 404


def test_without_a_csrf_token_nothing_is_retired(
    cast: SimpleNamespace, paths: SimpleNamespace, key: ClientKey
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    assert browser.post(paths.key_retirement, GOOD).status_code == 403
    key.refresh_from_db()
    assert key.retires_at is None


def test_a_get_asks_and_changes_nothing(
    ask: Any, paths: SimpleNamespace, key: ClientKey, second: ClientKey
) -> None:
    text = text_of(ask("dev", "get", paths.key_retirement))
    assert "In 7 days" in text
    assert "keeps 1 other live key." in text
    key.refresh_from_db()
    assert key.retires_at is None


@pytest.mark.parametrize("hours", [0, 24, 168])
def test_the_grace_is_the_chosen_one(
    ask: Any, paths: SimpleNamespace, key: ClientKey, second: ClientKey, hours: int
) -> None:
    before = timezone.now()
    ask("dev", "post", paths.key_retirement, {"grace": str(hours)})
    key.refresh_from_db()
    assert key.retires_at
    assert timedelta() <= key.retires_at - before - timedelta(hours=hours) < timedelta(minutes=1)


@pytest.mark.parametrize("grace", ["", "-1", "5", "1e9", "9" * 400, "\0", "now"])
def test_other_times_are_refused(
    ask: Any, paths: SimpleNamespace, key: ClientKey, second: ClientKey, grace: str
) -> None:
    assert ask("dev", "post", paths.key_retirement, {"grace": grace}).status_code == 422
    key.refresh_from_db()
    assert key.retires_at is None


@pytest.mark.parametrize("written", ["", "Payment", "yes", "\0", "x" * 5000])
@pytest.mark.parametrize("htmx", [False, True])
def test_the_last_live_key_needs_the_clients_name(
    ask: Any, paths: SimpleNamespace, key: ClientKey, written: str, htmx: bool
) -> None:
    entered = {"grace": "0", "confirmation": written}
    response = ask("dev", "post", paths.key_retirement, entered, htmx=htmx)
    assert response.status_code == 422
    assert ("<html" in text_of(response)) != htmx
    key.refresh_from_db()
    assert key.retires_at is None


def test_the_name_may_be_written_in_any_case(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    entered = {"grace": "0", "confirmation": "  payments "}
    assert ask("dev", "post", paths.key_retirement, entered).status_code == 302
    key.refresh_from_db()
    assert key.lifecycle.status(timezone.now()) == KeyStatus.RETIRED


def test_a_retiring_key_does_not_count_as_another(
    ask: Any, paths: SimpleNamespace, key: ClientKey, second: ClientKey
) -> None:
    ask("dev", "post", paths.key_retirement.replace(key.kid, second.kid), {"grace": "168"})
    assert ask("dev", "post", paths.key_retirement, {"grace": "24"}).status_code == 422


def test_a_key_that_is_gone_stays_gone(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    assert ask("dev", "post", paths.key_retirement, GOOD)["Location"] == paths.key
    key.refresh_from_db()
    assert key.retires_at is None


def test_htmx_is_sent_to_the_key(ask: Any, paths: SimpleNamespace) -> None:
    assert ask("dev", "post", paths.key_retirement, GOOD, htmx=True)["HX-Redirect"] == paths.key
