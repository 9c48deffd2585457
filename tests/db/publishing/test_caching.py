"""Cache-Control of a JWKS: no cache may keep a key past an end that was known."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace

from django.utils import timezone
from pytest_django import Settings

from portal.registry.actions import retire_key, revoke_key, suspend_client
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.db.publishing.conftest import Fetch, Register, in_seconds, reuse


def left(end: datetime) -> float:
    """Return how many seconds are left: fewer, if the machine was slow."""
    return (end - timezone.now()).total_seconds()


def test_settings_are_used(key: ClientKey, fetch: Fetch, settings: Settings) -> None:
    settings.JWKS_MAX_AGE, settings.JWKS_STALE_IF_ERROR = 7, 8
    assert (
        fetch()["Cache-Control"] == "public, max-age=7, stale-while-revalidate=1, stale-if-error=8"
    )


def test_default_is_a_minute(key: ClientKey, fetch: Fetch) -> None:
    assert (
        fetch()["Cache-Control"]
        == "public, max-age=60, stale-while-revalidate=1, stale-if-error=600"
    )


def test_expiry_of_a_live_key_shortens_reuse(register: Register, fetch: Fetch) -> None:
    end = in_seconds(30)
    register(expires_at=end)
    given = fetch()
    assert left(end) - 1 <= reuse(given)["max-age"] <= 30
    assert given["Cache-Control"].endswith(", must-revalidate")


def test_retirement_of_a_live_key_limits_reuse_on_failure(
    key: ClientKey, cast: SimpleNamespace, fetch: Fetch
) -> None:
    end = retire_key(key, grace=timedelta(minutes=5), by=cast.dev).retires_at
    assert end
    given = reuse(fetch())
    assert given["max-age"] == 60
    assert left(end) - 61 <= given["stale-if-error"] <= 240


def test_start_of_a_key_shortens_reuse(register: Register, fetch: Fetch) -> None:
    start = in_seconds(30)
    register(not_before=start)
    given = reuse(fetch())
    assert left(start) - 1 <= given["max-age"] <= 30
    assert given["stale-if-error"] == 600


def test_extended_key_counts_in_the_extended_set_only(register: Register, fetch: Fetch) -> None:
    register("Ed448", expires_at=in_seconds(30))
    assert reuse(fetch())["max-age"] == 60
    assert reuse(fetch(extended=True))["max-age"] <= 30


def test_end_of_a_key_that_is_gone_does_not_count(
    register: Register, cast: SimpleNamespace, fetch: Fetch
) -> None:
    key = register(expires_at=in_seconds(30))
    revoke_key(key, reason=RevocationReason.UNSPECIFIED, by=cast.dev)
    assert reuse(fetch())["max-age"] == 60


def test_dates_of_a_suspended_client_do_not_count(
    register: Register, payments: Client, cast: SimpleNamespace, fetch: Fetch
) -> None:
    register(expires_at=in_seconds(30))
    suspend_client(payments, note="Contract ended", by=cast.admin)
    assert reuse(fetch())["max-age"] == 60
