"""POST /api/oauth2/revoke (RFC 7009): what a client takes back ends, and what belongs to it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser

from portal.registry.models import AccessToken, Client, RefreshToken
from tests.db.oauth.token_requests import INTROSPECT, REVOKE, Signer, body_of, new_signer, post


@pytest.fixture
def tokens(signer: Signer, cast: SimpleNamespace) -> dict[str, Any]:
    """An access and a refresh token that bob agreed to."""
    return body_of(signer.exchange_code(signer.code_from(cast.bob)))


def revoked(signer: Signer, token: str, **more: str) -> None:
    response = signer.ask(REVOKE, token=token, **more)
    assert (response.status_code, body_of(response)) == (200, {})


def is_active(signer: Signer, token: str) -> bool:
    active: bool = body_of(signer.ask(INTROSPECT, token=token))["active"]
    return active


def can_refresh(signer: Signer, token: str) -> bool:
    response = signer.ask(grant_type="refresh_token", refresh_token=token)
    return response.status_code == 200


HINTS = [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "refresh_token"}]


@pytest.mark.parametrize("hint", HINTS)
def test_revoking_an_access_token_ends_its_refresh_token(
    signer: Signer, tokens: dict[str, Any], hint: dict[str, str]
) -> None:
    revoked(signer, tokens["access_token"], **hint)
    assert not is_active(signer, tokens["access_token"])
    assert not can_refresh(signer, tokens["refresh_token"])


@pytest.mark.parametrize("hint", HINTS)
def test_revoking_a_refresh_token_ends_its_access_token(
    signer: Signer, tokens: dict[str, Any], hint: dict[str, str]
) -> None:
    revoked(signer, tokens["refresh_token"], **hint)
    assert not can_refresh(signer, tokens["refresh_token"])
    assert not is_active(signer, tokens["access_token"])


def test_a_token_of_the_client_itself_ends(signer: Signer) -> None:
    token, another = (body_of(signer.ask())["access_token"] for _ in range(2))
    revoked(signer, token)
    assert (is_active(signer, token), is_active(signer, another)) == (False, True)


def test_revoking_twice_is_no_error(signer: Signer, tokens: dict[str, Any]) -> None:
    for name in ("refresh_token", "access_token"):
        revoked(signer, tokens[name])
        revoked(signer, tokens[name])


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_the_token_of_another_client_stays(
    signer: Signer, tokens: dict[str, Any], other: Client, cast: SimpleNamespace, name: str
) -> None:
    revoked(new_signer(other, cast.bob), tokens[name])
    assert is_active(signer, tokens["access_token"])
    assert can_refresh(signer, tokens["refresh_token"])


@pytest.mark.parametrize("token", ["unknown", "x" * 10_000, "☃", "\ud800", "a b"])
def test_what_is_no_token_is_answered_alike(signer: Signer, token: str) -> None:
    response = post(REVOKE, signer.form() | {"token": token.encode("utf-8", "surrogatepass")})
    assert (response.status_code, body_of(response)) == (200, {})


@pytest.mark.parametrize("form", [{}, {"token": ""}])
def test_without_a_token_there_is_nothing_to_take_back(
    signer: Signer, tokens: dict[str, Any], form: dict[str, str]
) -> None:
    response = signer.ask(REVOKE, **form)
    assert (response.status_code, body_of(response)["error"]) == (400, "invalid_request")
    assert AccessToken.objects.exists()


def test_an_unknown_hint_is_no_obstacle(signer: Signer, tokens: dict[str, Any]) -> None:
    revoked(signer, tokens["access_token"], token_type_hint="saml")
    assert not is_active(signer, tokens["access_token"])


def test_who_has_not_signed_in_takes_nothing_back(signer: Signer, tokens: dict[str, Any]) -> None:
    form = signer.form(token=tokens["refresh_token"])
    form["client_assertion"] = form["client_assertion"][:-8] + "AAAAAAAA"
    response = post(REVOKE, form)
    assert (response.status_code, body_of(response)["error"]) == (401, "invalid_client")
    assert RefreshToken.objects.get().revoked is None


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch", "options"])
def test_only_posts_are_answered(method: str) -> None:
    response = getattr(Browser(), method)(REVOKE)
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_taking_back_a_token_that_was_rotated_ends_what_came_of_it(
    signer: Signer, cast: SimpleNamespace
) -> None:
    first = body_of(signer.exchange_code(signer.code_from(cast.alice)))["refresh_token"]
    second = body_of(signer.ask(grant_type="refresh_token", refresh_token=first))
    assert signer.ask(REVOKE, token=first).status_code == 200
    assert not AccessToken.objects.exists()
    refreshed = signer.ask(grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert body_of(refreshed)["error"] == "invalid_grant"
