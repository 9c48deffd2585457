"""Requests that people met at other servers: taken, or refused with a page that says what to do.

Each comes as older clients send it, with the header of the guide. Bodies in chunks are in
`test_token` and `tests/ops`, loopback addresses in `test_authorize`.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils.html import escape

from portal.registry.models import Client
from tests.assertions import ASSERTION_TYPE, claims_of, form_of, sign
from tests.db.oauth.token_requests import ISSUER, TOKEN, Signer, body_of, new_signer, post
from tests.db.pages import text_of
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

OLDER = {"typ": "JWT"}


@pytest.fixture
def signer(payments: Client, cast: SimpleNamespace) -> Signer:
    """Of the client's four live keys, the one for ES256."""
    for alg in ("PS256", "ES512", "EdDSA"):
        material = public_pem(new_private_key(alg))
        register_pem(payments, material=material, alg=alg, label=alg, by=cast.alice)
    return new_signer(payments, cast.alice)


@pytest.fixture
def alice(cast: SimpleNamespace) -> Browser:
    browser = Browser()
    browser.force_login(cast.alice)
    return browser


def jwt(signer: Signer, header: dict[str, Any] | None = None, **claims: Any) -> str:
    good = claims_of(signer.client.client_id, ISSUER, **claims)
    members = {"kid": signer.key.kid, **OLDER, **(header or {})}
    return sign(signer.private, "ES256", good, **members)


def now() -> int:
    return int(time.time())


TAKEN: dict[str, Callable[[Signer], dict[str, Any]]] = {
    "a minute old": lambda s: form_of(jwt(s, iat=now() - 60, exp=now() + 240)),
    "a clock that is 5 seconds ahead": lambda s: form_of(jwt(s, iat=now() + 5)),
    "no kid, and a thumbprint of a certificate": lambda s: form_of(
        jwt(s, {"kid": None, "x5t#S256": "A1b2"})
    ),
    "no kid, with live keys of other algorithms": lambda s: form_of(jwt(s, {"kid": None})),
    "an empty scope": lambda s: form_of(jwt(s), scope=""),
    "the issuer in an array": lambda s: form_of(jwt(s, aud=[ISSUER])),
    "the token endpoint": lambda s: form_of(jwt(s, aud=f"{ISSUER}{TOKEN}")),
}


@pytest.mark.parametrize("name", TAKEN)
def test_it_is_taken(signer: Signer, name: str) -> None:
    response = post(TOKEN, TAKEN[name](signer))
    assert response.status_code == 200, response.content


EXPLAINED: dict[str, tuple[Callable[[Signer], dict[str, Any]], str]] = {
    "aud has the issuer and the token endpoint": (
        lambda s: form_of(jwt(s, aud=[ISSUER, f"{ISSUER}{TOKEN}"])),
        "clientAssertionPayload: { aud: issuer }",
    ),
    "it lives for an hour": (
        lambda s: form_of(jwt(s, aud=f"{ISSUER}{TOKEN}", exp=now() + 3600)),
        "Lifetime too long (exp - iat)",
    ),
    "x5c in the header": (lambda s: form_of(jwt(s, {"x5c": ["MIIB"]})), "x5c"),
    "a newline after 64 characters": (
        lambda s: form_of(jwt(s)[:64] + "\n" + jwt(s)[64:]),
        "A space or a line break in the assertion",
    ),
    "a type that is encoded once more": (
        lambda s: form_of(jwt(s), client_assertion_type=ASSERTION_TYPE.replace(":", "%3A")),
        ASSERTION_TYPE,
    ),
    "a secret of a client that is named": (
        lambda s: {
            "grant_type": "client_credentials",
            "client_id": s.client.client_id,
            "client_secret": "hunter2",
        },
        "Client secrets are not supported",
    ),
}


@pytest.mark.parametrize("name", EXPLAINED)
def test_it_is_refused_and_its_page_says_why(signer: Signer, alice: Browser, name: str) -> None:
    make, words = EXPLAINED[name]
    body = body_of(post(TOKEN, make(signer)))
    page = alice.get(body["error_uri"].removeprefix(ISSUER), follow=True)
    assert page.status_code == 200
    assert escape(words) in text_of(page)


def test_basic_beside_an_assertion_is_explained(signer: Signer, alice: Browser) -> None:
    response = post(TOKEN, form_of(jwt(signer)), HTTP_AUTHORIZATION="Basic eDp5")
    page = alice.get(body_of(response)["error_uri"].removeprefix(ISSUER), follow=True)
    assert "Several authentication methods" in text_of(page)


def test_where_nothing_points_to_a_client_no_page_is_promised(
    signer: Signer, cast: SimpleNamespace
) -> None:
    secret = b64encode(f"{signer.client.client_id}:hunter2".encode()).decode()
    body = body_of(post(TOKEN, form_of(secret)))
    assert "error_uri" not in body
    assert "The request names no client of this portal" in body["error_description"]
    admin = Browser()
    admin.force_login(cast.admin)
    reference = body["error_description"].rstrip(".").rpartition(" ")[2]
    assert admin.get(f"/token-requests/{reference}/").status_code == 200


def test_an_assertion_in_the_address_is_told_where_it_belongs(signer: Signer) -> None:
    response = post(f"{TOKEN}?client_assertion={jwt(signer)}", {"grant_type": "client_credentials"})
    assert response.status_code == 400
    assert "Send all parameters in the body" in body_of(response)["error_description"]
