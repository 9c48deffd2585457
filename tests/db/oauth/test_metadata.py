"""GET /.well-known/oauth-authorization-server: the metadata of RFC 8414, and not a promise more."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client as Browser
from pytest_django import Settings

PATH = "/.well-known/oauth-authorization-server"


def metadata() -> dict[str, Any]:
    response = Browser().get(PATH)
    assert response.status_code == 200
    assert response["Content-Type"] == "application/json"
    found: dict[str, Any] = json.loads(response.content)
    return found


def test_it_names_what_exists_and_nothing_else() -> None:
    assert metadata() == {
        "issuer": "http://testserver",
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": [
            *("PS256", "EdDSA", "Ed25519", "ES256", "ES384", "ES512", "PS384", "PS512"),
            *("Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"),
        ],
    }


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
