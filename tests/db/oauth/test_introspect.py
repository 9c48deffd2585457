"""POST /api/oauth2/introspect (RFC 7662): who may see which token, and when it is good."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings

from portal.registry.actions import (
    archive_client,
    block_key,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.choices import RevocationReason
from portal.registry.models import AccessToken, Client, RedeemedAssertion, RefusedRequest
from tests.db.oauth.token_requests import INTROSPECT, ISSUER, Signer, body_of, new_signer, post

INACTIVE = {"active": False}


@pytest.fixture
def resource_server(other: Client, cast: SimpleNamespace, settings: Settings) -> Signer:
    """A client of bob's that may see the tokens of all clients."""
    settings.INTROSPECTION_CLIENTS = frozenset({other.client_id})
    return new_signer(other, cast.bob)


def token_of(response: Any) -> str:
    token: str = body_of(response)["access_token"]
    return token


def introspected(signer: Signer, token: str, **more: str) -> dict[str, Any]:
    response = signer.ask(INTROSPECT, token=token, **more)
    assert response.status_code == 200
    return body_of(response)


def test_a_client_sees_its_own_token(signer: Signer, cast: SimpleNamespace) -> None:
    signer.allow(cast.admin, "read", "write")
    found = introspected(signer, token_of(signer.ask(scope="read write")))
    token = AccessToken.objects.get()
    assert found == {
        "active": True,
        "iss": ISSUER,
        "client_id": signer.client.client_id,
        "sub": signer.client.client_id,
        "token_type": "Bearer",
        "scope": "read write",
        "iat": int(token.created.timestamp()),
        "exp": int(token.expires.timestamp()),
    }


def test_only_the_own_client_is_told_when_the_key_ends(
    signer: Signer, resource_server: Signer, cast: SimpleNamespace, settings: Settings
) -> None:
    retire_key(signer.key, grace=timedelta(days=1), by=cast.alice)
    granted = body_of(signer.ask())
    assert 86_300 < granted["key_expires_in"] < 86_401
    token = granted["access_token"]
    assert "key_expires_in" not in introspected(resource_server, token)
    assert 86_300 < introspected(signer, token)["key_expires_in"] < 86_401
    settings.TELL_KEY_END = False
    assert "key_expires_in" not in introspected(signer, token)
    assert "key_expires_in" not in body_of(signer.ask())


def test_a_token_for_a_person_names_the_person(signer: Signer, cast: SimpleNamespace) -> None:
    found = introspected(signer, token_of(signer.exchange_code(signer.code_from(cast.bob))))
    assert found["sub"] == str(cast.bob.pk)
    # Who agreed to let a client act did not agree to tell it an address.
    assert cast.bob.email not in str(found)


def test_a_token_for_a_resource_names_it_as_its_audience(
    signer: Signer, cast: SimpleNamespace, settings: Settings
) -> None:
    resource = "https://api.example.com/accounts"
    settings.RESOURCES = {resource: "Accounts"}
    signer.allow(cast.admin, "read", resources=[resource])
    code = signer.code_from(cast.bob, resource=resource)
    assert introspected(signer, token_of(signer.exchange_code(code)))["aud"] == [resource]


def test_the_token_of_another_client_is_as_if_it_did_not_exist(
    signer: Signer, other: Client, cast: SimpleNamespace
) -> None:
    token = token_of(signer.ask())
    assert introspected(new_signer(other, cast.bob), token) == INACTIVE


def test_a_resource_server_sees_the_tokens_of_all_clients(
    signer: Signer, resource_server: Signer
) -> None:
    found = introspected(resource_server, token_of(signer.ask()))
    assert (found["active"], found["client_id"]) == (True, signer.client.client_id)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "saml", ""])
def test_a_hint_changes_nothing(signer: Signer, hint: str) -> None:
    assert introspected(signer, token_of(signer.ask()), token_type_hint=hint)["active"]


@pytest.mark.parametrize("token", ["unknown", "x" * 10_000, "☃", "\ud800", "a b"])
def test_what_is_no_token_is_not_active(signer: Signer, token: str) -> None:
    form = signer.form() | {"token": token.encode("utf-8", "surrogatepass")}
    response = post(INTROSPECT, form)
    assert (response.status_code, body_of(response)) == (200, INACTIVE)


def test_a_refresh_token_is_no_access_token(signer: Signer, cast: SimpleNamespace) -> None:
    body = body_of(signer.exchange_code(signer.code_from(cast.bob)))
    assert introspected(signer, body["refresh_token"]) == INACTIVE


def test_an_expired_token_is_not_active(signer: Signer) -> None:
    token = token_of(signer.ask())
    AccessToken.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert introspected(signer, token) == INACTIVE


@pytest.mark.parametrize(
    ("reason", "active"),
    [
        (RevocationReason.COMPROMISED, False),
        (RevocationReason.UNSPECIFIED, False),
        (RevocationReason.SUPERSEDED, True),
    ],
)
def test_a_token_got_with_a_key_that_was_revoked_since(
    signer: Signer,
    resource_server: Signer,
    cast: SimpleNamespace,
    reason: RevocationReason,
    active: bool,
) -> None:
    token = token_of(signer.ask())
    revoke_key(signer.key, reason=reason, by=cast.alice)
    assert introspected(resource_server, token)["active"] is active


def test_a_token_that_descends_from_a_compromised_key_is_not_active(
    signer: Signer, resource_server: Signer, cast: SimpleNamespace
) -> None:
    first = body_of(signer.exchange_code(signer.code_from(cast.bob)))
    newer = new_signer(signer.client, cast.alice, label="Newer")
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = token_of(newer.ask(**refresh))
    assert introspected(resource_server, second)["active"]
    revoke_key(signer.key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    assert introspected(resource_server, second) == INACTIVE


def test_a_token_of_a_suspended_client_is_not_active(
    signer: Signer, resource_server: Signer, cast: SimpleNamespace
) -> None:
    token = token_of(signer.ask())
    suspend_client(signer.client, note="", by=cast.admin)
    assert introspected(resource_server, token) == INACTIVE


def test_a_token_of_an_archived_client_is_not_active_and_it_gets_no_other(
    signer: Signer, resource_server: Signer, cast: SimpleNamespace
) -> None:
    token = token_of(signer.ask())
    archive_client(signer.client, by=cast.alice)
    assert introspected(resource_server, token) == INACTIVE
    assert body_of(signer.ask())["error"] == "invalid_client"
    assert RefusedRequest.objects.latest("pk").reason == "key_retired"


def test_a_token_for_a_person_who_may_not_sign_in_any_more_is_not_active(
    signer: Signer, cast: SimpleNamespace
) -> None:
    token = token_of(signer.exchange_code(signer.code_from(cast.bob)))
    cast.bob.is_active = False
    cast.bob.save()
    assert introspected(signer, token) == INACTIVE


@pytest.mark.parametrize("form", [{}, {"token": ""}])
def test_without_a_token_there_is_nothing_to_look_at(signer: Signer, form: dict[str, str]) -> None:
    response = signer.ask(INTROSPECT, **form)
    assert (response.status_code, body_of(response)["error"]) == (400, "invalid_request")


def test_who_has_not_signed_in_learns_nothing(signer: Signer) -> None:
    form = signer.form(token=token_of(signer.ask()))
    form["client_assertion"] = form["client_assertion"][:-8] + "AAAAAAAA"
    response = post(INTROSPECT, form)
    assert (response.status_code, body_of(response)["error"]) == (401, "invalid_client")


def test_the_token_itself_signs_nobody_in(signer: Signer) -> None:
    token = token_of(signer.ask())
    response = post(INTROSPECT, {"token": token}, headers={"Authorization": f"Bearer {token}"})
    assert (response.status_code, body_of(response)["error"]) == (401, "invalid_client")
    assert response["WWW-Authenticate"] == f'Bearer realm="{ISSUER}"'


def test_an_assertion_is_good_for_one_look(signer: Signer) -> None:
    form = signer.form(token="unknown")
    assert post(INTROSPECT, form).status_code == 200
    assert post(INTROSPECT, form).status_code == 401
    assert RedeemedAssertion.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch", "options"])
def test_only_posts_are_answered(method: str) -> None:
    response = getattr(Browser(), method)(INTROSPECT)
    assert (response.status_code, response["Allow"]) == (405, "POST")


def test_a_superseded_key_that_leaks_later_ends_its_tokens_too(
    signer: Signer, cast: SimpleNamespace
) -> None:
    tokens = body_of(signer.exchange_code(signer.code_from(cast.alice)))
    alone = token_of(signer.ask())
    now = new_signer(signer.client, cast.alice, label="New")
    revoke_key(signer.key, reason=RevocationReason.SUPERSEDED, by=cast.alice)
    for token in (tokens["access_token"], alone):
        assert introspected(now, token)["active"] is True
    block_key(signer.key.spki_sha256, by=cast.admin)
    for token in (tokens["access_token"], alone):
        assert introspected(now, token) == INACTIVE
    refreshed = now.ask(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert body_of(refreshed)["error"] == "invalid_grant"
