"""A code or a refresh token that is used, or taken back, twice at the same moment."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from portal.registry.models import AccessToken, AuthorizationCode, RefreshToken
from tests.db.oauth.token_requests import REVOKE, Signer, body_of
from tests.db.registry.racing import race_behind

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def value(signer: Signer, cast: SimpleNamespace) -> str:
    refresh_token: str = body_of(signer.exchange_code(signer.code_from(cast.alice)))[
        "refresh_token"
    ]
    return refresh_token


def errors_of(responses: list[Any]) -> list[str]:
    return [body_of(response).get("error", "none") for response in responses]


def test_two_uses_of_a_code_at_once_leave_nothing_that_is_good(
    signer: Signer, cast: SimpleNamespace
) -> None:
    redeeming = partial(signer.exchange_code, signer.code_from(cast.alice))
    responses = race_behind(AuthorizationCode.objects.get(), redeeming, redeeming)
    assert sorted(errors_of(responses)) == ["invalid_grant", "none"]
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()


def test_of_two_uses_of_a_refresh_token_at_once_one_wins(signer: Signer, value: str) -> None:
    refreshing = partial(signer.ask, grant_type="refresh_token", refresh_token=value)
    responses = race_behind(RefreshToken.objects.get(), refreshing, refreshing)
    assert errors_of(responses) == ["none", "invalid_grant"]
    assert body_of(responses[0])["access_token"]
    assert AccessToken.objects.count() == 1


def test_a_refresh_token_that_is_being_taken_back_gives_nothing(signer: Signer, value: str) -> None:
    revoking = partial(signer.ask, REVOKE, token=value)
    refreshing = partial(signer.ask, grant_type="refresh_token", refresh_token=value)
    responses = race_behind(RefreshToken.objects.get(), revoking, refreshing)
    assert errors_of(responses) == ["none", "invalid_grant"]
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()


def test_a_refresh_token_that_is_taken_back_while_it_is_used_ends_what_it_gave(
    signer: Signer, value: str
) -> None:
    revoking = partial(signer.ask, REVOKE, token=value)
    refreshing = partial(signer.ask, grant_type="refresh_token", refresh_token=value)
    responses = race_behind(RefreshToken.objects.get(), refreshing, revoking)
    assert errors_of(responses) == ["none", "none"]
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()
