"""`prune`: what it deletes, and what it has to leave."""

from __future__ import annotations

import io
from datetime import timedelta
from hashlib import sha256
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from portal.core.assertion import LEEWAY_S, VerifiedAssertion
from portal.registry import cleanup as pruning
from portal.registry.actions import prepare_job, revoke_key, start_job
from portal.registry.choices import RevocationReason, Verb
from portal.registry.cleanup import prune
from portal.registry.jti_store import KEPT_AFTER_EXPIRY, consume_jti
from portal.registry.models import (
    AccessToken,
    AuthorizationCode,
    Client,
    ClientKey,
    Job,
    RedeemedAssertion,
    RefreshToken,
    RefusedRequest,
)
from portal.registry.models.tokens import is_family_invalidated
from tests.db.used import used

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def tokens(
    key: ClientKey,
    cast: SimpleNamespace,
    *,
    expired: timedelta,
    revoked: timedelta | None = None,
    family: UUID | None = None,
) -> tuple[AccessToken, RefreshToken]:
    """Return an access token that expired so long ago, and its refresh token."""
    now, client = timezone.now(), key.client
    access = AccessToken.objects.create(
        application=client, user=cast.bob, key=key, token=uuid4().hex, expires=now - expired
    )
    refresh = RefreshToken.objects.create(
        application=client,
        user=cast.bob,
        key=key,
        token=uuid4().hex,
        access_token=access,
        token_family=family or uuid4(),
        revoked=None if revoked is None else now - revoked,
    )
    return access, refresh


def refused(client: Client | None, ago: timedelta) -> RefusedRequest:
    return RefusedRequest.objects.create(
        client=client, reason="expired", reference=uuid4().hex[:16], at=timezone.now() - ago
    )


# --- Redeemed assertions --------------------------------------------------------------------------


def test_no_jti_can_be_used_twice_however_often_is_pruned(
    key: ClientKey, settings: Settings
) -> None:
    """At each moment at which the assertion might still be accepted, its row stands."""
    settings.TOKEN_REQUEST_DAYS = 0
    now = timezone.now().replace(microsecond=0)
    expires_at = int(now.timestamp()) + 120
    verified = VerifiedAssertion(
        client_id=key.client.client_id,
        kid=key.kid,
        kid_sent=True,
        jti="once",
        jti_sha256=sha256(b"once").hexdigest(),
        expires_at=expires_at,
    )
    assert consume_jti(verified, key, reference="first", now=now)
    used(key, -DAY)  # the key was used since, so its newest row is another one
    ends = now + timedelta(seconds=120) + KEPT_AFTER_EXPIRY
    assert ends > now + timedelta(seconds=120 + LEEWAY_S)
    for moment in (now, now + timedelta(seconds=120 + LEEWAY_S), ends - SECOND):
        prune(moment)
        assert not consume_jti(verified, key, reference="again", now=moment)
    prune(ends)
    assert not RedeemedAssertion.objects.filter(reference="first").exists()


def test_the_newest_of_each_key_stays(key: ClientKey, second: ClientKey) -> None:
    used(key, 400 * DAY)
    stays = {used(key, 300 * DAY).pk, used(second, 500 * DAY).pk}
    assert prune(timezone.now())["redeemed assertions"] == 1
    assert set(RedeemedAssertion.objects.values_list("pk", flat=True)) == stays


def test_what_can_be_looked_up_stays(key: ClientKey, settings: Settings) -> None:
    settings.TOKEN_REQUEST_DAYS = 7
    old = used(key, 8 * DAY)
    young = [used(key, 6 * DAY), used(key, DAY)]
    prune(timezone.now())
    assert not RedeemedAssertion.objects.filter(pk=old.pk).exists()
    assert RedeemedAssertion.objects.count() == len(young)


def test_no_more_than_the_newest_can_be_looked_up(
    key: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "LISTED", 3)
    rows = [used(key, timedelta(hours=5 - n)).pk for n in range(5)]
    prune(timezone.now())
    assert set(RedeemedAssertion.objects.values_list("pk", flat=True)) == set(rows[2:])


def test_young_ones_stay_beyond_that_while_they_can_be_used_again(
    key: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "LISTED", 1)
    for _ in range(4):
        used(key, timedelta(0))
    assert prune(timezone.now())["redeemed assertions"] == 0


# --- Refused requests -----------------------------------------------------------------------------


def test_refused_requests_go_after_their_days(payments: Client, settings: Settings) -> None:
    settings.TOKEN_REQUEST_DAYS = 7
    stays = refused(payments, 7 * DAY - SECOND * 60)
    for client in (payments, None):
        refused(client, 7 * DAY + SECOND)
    assert prune(timezone.now())["refused requests"] == 2
    assert RefusedRequest.objects.get() == stays


def test_a_flood_of_refused_requests_pushes_out_its_own_only(
    payments: Client, other: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "LISTED", 2)
    first = refused(other, DAY)
    for client in (payments, None):
        for _ in range(5):
            refused(client, timedelta(0))
    assert prune(timezone.now())["refused requests"] == 6
    assert RefusedRequest.objects.filter(pk=first.pk).exists()


# --- Codes and tokens -----------------------------------------------------------------------------


@pytest.mark.parametrize(("ago", "stays"), [(timedelta(0), True), (DAY, False)])
def test_codes_go_when_they_are_over(
    payments: Client, cast: SimpleNamespace, ago: timedelta, *, stays: bool
) -> None:
    AuthorizationCode.objects.create(
        application=payments,
        user=cast.bob,
        code="code",
        expires=timezone.now() - ago,
        redirect_uri="https://app.example.com/cb",
    )
    prune(timezone.now())
    assert AuthorizationCode.objects.exists() == stays


def test_an_access_token_stays_while_a_refresh_token_needs_it(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    tokens(key, cast, expired=89 * DAY)
    prune(timezone.now())
    assert RefreshToken.objects.get().access_token == AccessToken.objects.get()


def test_both_go_when_the_refresh_token_is_over(key: ClientKey, cast: SimpleNamespace) -> None:
    tokens(key, cast, expired=90 * DAY + KEPT_AFTER_EXPIRY + SECOND)
    counts = prune(timezone.now())
    assert (counts["refresh tokens"], counts["access tokens"]) == (1, 1)


def test_a_rotated_token_stays_to_betray_who_uses_it_again(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    tokens(key, cast, expired=DAY, revoked=89 * DAY)
    prune(timezone.now())
    assert RefreshToken.objects.count() == 1
    assert not AccessToken.objects.exists()


def test_a_rotated_token_goes_in_the_end(key: ClientKey, cast: SimpleNamespace) -> None:
    tokens(key, cast, expired=DAY, revoked=91 * DAY)
    prune(timezone.now())
    assert not RefreshToken.objects.exists()


def test_a_family_is_still_ended_by_the_key_that_it_began_with(
    key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    family = uuid4()
    for _ in range(3):
        tokens(key, cast, expired=DAY, revoked=200 * DAY, family=family)
    tokens(second, cast, expired=-SECOND * 60, family=family)
    assert prune(timezone.now())["refresh tokens"] == 2
    assert not is_family_invalidated(family)
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    assert is_family_invalidated(family)


def test_a_refresh_token_without_its_access_token_goes(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    access, _ = tokens(key, cast, expired=DAY)
    access.delete()
    prune(timezone.now())
    assert RefreshToken.objects.count() == 1
    prune(timezone.now() + timedelta(hours=1))
    assert not RefreshToken.objects.exists()


def test_a_live_access_token_stays(key: ClientKey, cast: SimpleNamespace) -> None:
    AccessToken.objects.create(
        application=key.client, key=key, token="x", expires=timezone.now() + SECOND * 60
    )
    assert prune(timezone.now())["access tokens"] == 0


# --- The command ----------------------------------------------------------------------------------


def test_batches_make_no_difference(
    key: ClientKey, payments: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH", 2)
    for _ in range(7):
        refused(payments, 400 * DAY)
    assert prune(timezone.now())["refused requests"] == 7
    assert not RefusedRequest.objects.exists()


def test_the_command_says_what_it_did_and_is_done_after_once(payments: Client) -> None:
    refused(payments, 400 * DAY)
    for expected in ("1 refused requests deleted", "0 refused requests deleted"):
        said = io.StringIO()
        call_command("prune", stdout=said)
        assert expected in said.getvalue().splitlines()
        assert "0 redeemed assertions deleted" in said.getvalue()


# --- Sessions ------------------------------------------------------------------------------------


def test_sessions_that_are_over_go(db: None) -> None:
    over, good = SessionStore(), SessionStore()
    over.set_expiry(timezone.now() - SECOND)
    for session in (over, good):
        session.create()
    assert prune(timezone.now())["sessions"] == 1
    assert Session.objects.get().session_key == good.session_key


def test_jobs_that_nobody_started_go_after_a_day(key: ClientKey, cast: SimpleNamespace) -> None:
    prepared, started = (
        prepare_job(Verb.REVOKE_KEY, [key.pk], filters="", by=cast.admin) for _ in range(2)
    )
    start_job(started, reason=RevocationReason.COMPROMISED, note="", by=cast.admin)
    assert prune(prepared.made_at + timedelta(hours=23))["jobs never started"] == 0
    assert prune(started.made_at + timedelta(days=1))["jobs never started"] == 1
    assert Job.objects.get() == started
