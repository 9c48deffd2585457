"""What a client may ask for: everywhere it asks, and in what it was given before."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from portal.registry.models import AccessToken, AuthorizationCode, Client, RefusedRequest
from tests.db.oauth.token_requests import AUTHORIZE, INTROSPECT, Signer, body_of
from tests.db.pages import text_of

API, OTHER = "https://api.example.com", "https://other.example.com/v1"


@pytest.fixture(autouse=True)
def _resources(settings: Settings) -> None:
    settings.RESOURCES = {API: "Your accounts", OTHER: "Others"}


def refused(response: Any, error: str, seen: str = "") -> None:
    """Assert the refusal, with its reason on record, and that nothing was given."""
    body = body_of(response)
    assert (response.status_code, body["error"]) == (400, error)
    row = RefusedRequest.objects.latest("pk")
    assert (row.reason, body["error_uri"].split("/")[-2]) == (error, row.reference)
    assert seen in row.seen


def refresh(signer: Signer, token: str, **more: Any) -> Any:
    return signer.ask(grant_type="refresh_token", refresh_token=token, **more)


def looked_at(signer: Signer, token: str) -> dict[str, Any]:
    return body_of(signer.ask(INTROSPECT, token=token))


def test_a_new_client_gets_the_first_scope_and_no_other(signer: Signer) -> None:
    assert body_of(signer.ask())["scope"] == "read"
    assert body_of(signer.ask(scope="read"))["scope"] == "read"
    for scope in ("write", "read write", "read everything"):
        refused(signer.ask(scope=scope), "invalid_scope", "scopes of this client: read.")
    assert AccessToken.objects.count() == 2


def test_a_new_client_gets_no_resource(signer: Signer) -> None:
    for resource in (API, "https://elsewhere.example.com"):
        refused(signer.ask(resource=resource), "invalid_target", "resources of this client: none.")
    assert not AccessToken.objects.exists()


def test_an_admin_lets_a_client_ask_for_more(signer: Signer, cast: SimpleNamespace) -> None:
    signer.allow(cast.admin, "read", "write", resources=[API])
    body = body_of(signer.ask(scope="read write", resource=API))
    assert body["scope"] == "read write"
    assert looked_at(signer, body["access_token"])["aud"] == [API]
    refused(signer.ask(scope="read everything"), "invalid_scope")
    refused(signer.ask(resource=[API, OTHER]), "invalid_target", API)


def test_who_asks_for_no_scope_gets_the_first_that_it_may(
    signer: Signer, cast: SimpleNamespace
) -> None:
    signer.allow(cast.admin, "write")
    assert body_of(signer.ask())["scope"] == "write"
    code = signer.code_from(cast.bob, scope=None)
    assert body_of(signer.exchange_code(code))["scope"] == "write"


def test_a_scope_that_does_not_exist_any_more_is_given_to_nobody(
    signer: Signer, cast: SimpleNamespace, settings: Settings
) -> None:
    signer.allow(cast.admin, "read", "write", resources=[API])
    settings.SCOPES, settings.RESOURCES = {"read": "See"}, {OTHER: "Others"}
    refused(signer.ask(scope="write"), "invalid_scope")
    refused(signer.ask(resource=API), "invalid_target")


def test_without_a_scope_that_exists_there_is_no_token(signer: Signer) -> None:
    """The operator has taken out the only scope that the client may ask for."""
    Client.objects.update(scopes=["gone"])
    refused(signer.ask(), "invalid_scope", "scopes of this client: none.")
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("grant_type", ["authorization_code", "client_credentials"])
def test_a_grant_type_that_is_taken_away_is_refused(
    signer: Signer, cast: SimpleNamespace, grant_type: str
) -> None:
    code = signer.code_from(cast.bob)
    left = {"authorization_code", "client_credentials", "refresh_token"} - {grant_type}
    signer.allow(cast.admin, "read", grant_types=sorted(left))
    refused_one = signer.exchange_code(code) if grant_type == "authorization_code" else signer.ask()
    refused(refused_one, "unauthorized_client")
    given = signer.ask() if grant_type == "authorization_code" else signer.exchange_code(code)
    assert given.status_code == 200


def test_without_that_grant_type_there_is_no_refresh_token(
    signer: Signer, cast: SimpleNamespace
) -> None:
    before = body_of(signer.exchange_code(signer.code_from(cast.bob)))["refresh_token"]
    signer.allow(cast.admin, "read", grant_types=["authorization_code"])
    assert "refresh_token" not in body_of(signer.exchange_code(signer.code_from(cast.bob)))
    refused(refresh(signer, before), "unauthorized_client")
    signer.allow(cast.admin, "read")
    assert refresh(signer, before).status_code == 200


def test_a_refresh_gives_no_more_than_the_client_may_have_now(
    signer: Signer, cast: SimpleNamespace
) -> None:
    signer.allow(cast.admin, "read", "write")
    first = body_of(signer.exchange_code(signer.code_from(cast.bob, scope="read write")))
    assert first["scope"] == "read write"
    signer.allow(cast.admin, "read")
    second = body_of(refresh(signer, first["refresh_token"]))
    assert second["scope"] == "read"
    refused(refresh(signer, second["refresh_token"], scope="write"), "invalid_scope")
    signer.allow(cast.admin, "write")
    refused(refresh(signer, second["refresh_token"]), "invalid_scope", "no longer")


def test_a_code_gives_no_more_than_the_client_may_have_now(
    signer: Signer, cast: SimpleNamespace
) -> None:
    signer.allow(cast.admin, "read", "write")
    both, one = (signer.code_from(cast.bob, scope=each) for each in ("read write", "write"))
    signer.allow(cast.admin, "read")
    assert body_of(signer.exchange_code(both))["scope"] == "read"
    refused(signer.exchange_code(one), "invalid_scope", "no longer")


def test_a_refresh_for_a_resource_that_is_taken_away_is_refused(
    signer: Signer, cast: SimpleNamespace
) -> None:
    """Without the resource the token would be for every one."""
    signer.allow(cast.admin, "read", resources=[API, OTHER])
    first = body_of(signer.exchange_code(signer.code_from(cast.bob, resource=[API, OTHER])))
    signer.allow(cast.admin, "read", resources=[OTHER])
    refused(refresh(signer, first["refresh_token"]), "invalid_target", OTHER)
    second = body_of(refresh(signer, first["refresh_token"], resource=OTHER))
    assert looked_at(signer, second["access_token"])["aud"] == [OTHER]


def test_a_token_is_worth_no_more_than_the_client_may_have_now(
    signer: Signer, cast: SimpleNamespace
) -> None:
    signer.allow(cast.admin, "read", "write", resources=[API, OTHER])
    token = body_of(signer.ask(scope="read write", resource=[API, OTHER]))["access_token"]
    signer.allow(cast.admin, "read", resources=[OTHER])
    found = looked_at(signer, token)
    assert (found["scope"], found["aud"]) == ("read", [OTHER])
    signer.allow(cast.admin, "read")
    assert looked_at(signer, token) == {"active": False}
    signer.allow(cast.admin, "write", resources=[API])
    assert looked_at(signer, token)["scope"] == "write"
    signer.allow(cast.admin, "read", resources=[API])
    assert looked_at(signer, body_of(signer.ask())["access_token"])["scope"] == "read"


def test_people_are_not_asked_for_what_the_client_may_not_have(
    signer: Signer, cast: SimpleNamespace
) -> None:
    browser = Browser()
    browser.force_login(cast.bob)

    def asked(**changes: Any) -> Any:
        query = urlencode(signer.consent_query(**changes), doseq=True)
        return browser.get(f"{AUTHORIZE}?{query}")

    for changes, error in (
        ({"scope": "read write"}, "invalid_scope"),
        ({"resource": API}, "invalid_target"),
    ):
        response = asked(**changes)
        assert response.status_code == 400
        assert error in text_of(response)
    signer.allow(cast.admin, "read", "write", resources=[API])
    text = text_of(asked(scope="read write", resource=API))
    for words in ("See your data", "Change your data", "Your accounts", API):
        assert words in text
    signer.allow(cast.admin, "read", grant_types=["client_credentials"])
    assert "unauthorized_client" in text_of(asked())
    assert not AuthorizationCode.objects.exists()


def test_the_metadata_names_the_resources(settings: Settings) -> None:
    """RFC 9728 §4."""
    path = "/.well-known/oauth-authorization-server"
    assert Browser().get(path).json()["protected_resources"] == [API, OTHER]
    settings.RESOURCES = {}
    assert "protected_resources" not in Browser().get(path).json()
