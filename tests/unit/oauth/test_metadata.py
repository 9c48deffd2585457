"""GET /.well-known/oauth-authorization-server: the metadata of RFC 8414, and not a promise more."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import resolve
from pytest_django import Settings

PATH = "/.well-known/oauth-authorization-server"


def metadata() -> dict[str, Any]:
    response = Browser().get(PATH)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    found: dict[str, Any] = json.loads(response.content)
    return found


def test_it_names_what_exists_and_nothing_else() -> None:
    algorithms = [
        *("PS256", "EdDSA", "Ed25519", "ES256", "ES384", "ES512", "PS384", "PS512"),
        *("Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"),
    ]
    assert metadata() == {
        "issuer": "http://testserver",
        "authorization_endpoint": "http://testserver/api/oauth2/authorize",
        "token_endpoint": "http://testserver/api/oauth2/token",
        "introspection_endpoint": "http://testserver/api/oauth2/introspect",
        "revocation_endpoint": "http://testserver/api/oauth2/revoke",
        "scopes_supported": ["read", "write"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
    }


@pytest.mark.parametrize("name", ["authorization", "token", "introspection", "revocation"])
def test_every_endpoint_that_it_names_is_there(name: str) -> None:
    path = metadata()[f"{name}_endpoint"].removeprefix("http://testserver")
    assert resolve(path)


def test_issuer_is_the_public_url_byte_for_byte(settings: Settings) -> None:
    settings.PUBLIC_URL = "https://keys.example.com:8443"
    assert metadata()["issuer"] == "https://keys.example.com:8443"


def test_legacy_algorithms_are_named_when_they_can_be_registered(
    settings: Settings,
) -> None:
    settings.ALLOW_LEGACY_ALGORITHMS = True
    algorithms = metadata()["token_endpoint_auth_signing_alg_values_supported"]
    assert algorithms[-3:] == ["RS256", "RS384", "RS512"]


def test_it_may_be_reused_as_long_as_a_key_set(settings: Settings) -> None:
    settings.JWKS_MAX_AGE = 7
    assert Browser().get(PATH)["Cache-Control"] == "public, max-age=7"
