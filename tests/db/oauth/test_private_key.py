"""A private key in a token request is refused as one, and its public key is blocked."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.test import Client as Browser
from django.utils import timezone

from portal.core.public_key.parse import parse_public_key
from portal.core.strict.base64url import encode_url
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import (
    PORTAL,
    BlockedKey,
    Event,
    RedeemedAssertion,
    RefusedRequest,
)
from tests.assertions import form_of
from tests.db.oauth.test_attacks import headed
from tests.db.oauth.token_requests import (
    FORM,
    INTROSPECT,
    REVOKE,
    TOKEN,
    Signer,
    body_of,
    post,
)
from tests.keys import PrivateKey, new_private_key, private_pem, public_pem

pytestmark = pytest.mark.django_db


def der(private: PrivateKey) -> bytes:
    return private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def jwk(private: PrivateKey) -> dict[str, str]:
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    numbers = private.private_numbers()
    values = {
        "x": numbers.public_numbers.x,
        "y": numbers.public_numbers.y,
        "d": numbers.private_value,
    }
    return {"kty": "EC", "crv": "P-256"} | {
        name: encode_url(value.to_bytes(32, "big")) for name, value in values.items()
    }


SENT: dict[str, Callable[[Signer, PrivateKey], dict[str, Any]]] = {
    "PEM as assertion": lambda _, key: form_of(private_pem(key)),
    "base64 as assertion": lambda _, key: form_of(b64encode(der(key)).decode()),
    "hex as assertion": lambda _, key: form_of(der(key).hex()),
    "JWK as assertion": lambda _, key: form_of(json.dumps(jwk(key))),
    "in the header": lambda signer, key: headed(signer, jwk=jwk(key)),
    "in a header member of its own": lambda signer, key: headed(signer, key=private_pem(key)),
    "in a claim": lambda signer, key: form_of(signer.assertion(key=jwk(key))),
    "in a claim as text": lambda signer, key: form_of(signer.assertion(key=private_pem(key))),
    "as client_secret": lambda _, key: {
        "grant_type": "client_credentials",
        "client_secret": private_pem(key),
    },
    "beside a good assertion": lambda signer, key: signer.form(private_key=private_pem(key)),
    "as scope": lambda signer, key: signer.form(scope=private_pem(key)),
    "as the type": lambda _, key: form_of(private_pem(key)) | {"client_assertion_type": "x"},
    "twice": lambda _, key: {"client_assertion": [private_pem(key), private_pem(key)]},
    "without anything else": lambda _, key: {"key": private_pem(key)},
    "as a name": lambda _, key: {private_pem(key): ""},
}


@pytest.mark.parametrize("how", SENT)
def test_private_key_is_refused_as_one_and_blocked_by_the_portal(
    signer: Signer, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    private = new_private_key("ES256")
    with caplog.at_level(logging.DEBUG):
        response = post(TOKEN, SENT[how](signer, private))
    assert response.status_code == 400
    body = body_of(response)
    assert body["error"] == "invalid_request"
    assert "Private key in the request. The key is compromised." in body["error_description"]
    assert RefusedRequest.objects.get().reason == "private_key"
    blocked = BlockedKey.objects.get()
    assert blocked.pk == parse_public_key(public_pem(private)).spki_sha256
    assert blocked.blocked_by is PORTAL
    [event] = Event.objects.filter(verb=Verb.BLOCK_KEY)
    assert (event.actor, event.client) == (PORTAL, None)
    assert not RedeemedAssertion.objects.exists()
    stored = repr([*RefusedRequest.objects.values(), *Event.objects.values()])
    for line in (
        *private_pem(private).splitlines()[1:-1],
        jwk(private)["d"],
        der(private).hex()[60:100],
    ):
        assert line not in stored + caplog.text + response.content.decode()


@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
def test_the_other_endpoints_of_clients_refuse_it_too(signer: Signer, path: str) -> None:
    response = post(path, signer.form(token=private_pem(new_private_key("ES256"))))
    assert response.status_code == 400
    assert BlockedKey.objects.count() == 1


@pytest.mark.parametrize("how", ["PEM as assertion", "beside a good assertion"])
def test_key_that_is_registered_is_revoked_and_its_people_find_the_request(
    signer: Signer, how: str
) -> None:
    response = post(TOKEN, SENT[how](signer, signer.private))
    assert response.status_code == 400
    signer.key.refresh_from_db()
    assert signer.key.revocation_reason == RevocationReason.COMPROMISED
    assert signer.key.revoked_by is PORTAL
    refused = RefusedRequest.objects.get()
    assert (refused.client, refused.key) == (signer.client, signer.key)
    assert refused.reference in body_of(response)["error_description"]
    assert body_of(response)["error_uri"]
    # From now on it opens nothing.
    assert signer.ask().status_code == 401


def test_base64_that_was_sent_unencoded_is_proven_all_the_same() -> None:
    """In a form a plus sign is a space."""
    private = new_private_key("PS256")
    body = f"client_assertion={b64encode(der(private)).decode()}"
    assert "+" in body
    response = Browser().post(TOKEN, body, content_type=FORM)
    assert response.status_code == 400
    assert BlockedKey.objects.get().pk == parse_public_key(public_pem(private)).spki_sha256


def test_what_proves_nothing_is_refused_and_blocks_nothing(signer: Signer) -> None:
    made_up = {
        "kty": "RSA",
        "n": encode_url(b"\xff" * 256),
        "e": "AQAB",
        "d": encode_url(b"\x7f" * 256),
    }
    response = post(TOKEN, form_of(json.dumps(made_up)))
    assert response.status_code == 400
    assert RefusedRequest.objects.get().reason == "private_key"
    assert not BlockedKey.objects.exists()


def test_public_key_in_the_header_is_no_private_one(signer: Signer) -> None:
    public = {name: value for name, value in jwk(signer.private).items() if name != "d"}
    assert post(TOKEN, headed(signer, jwk=public)).status_code == 401
    assert RefusedRequest.objects.get().reason == "header_embedded_key"
    assert not BlockedKey.objects.exists()


def test_good_request_with_long_values_is_good(signer: Signer) -> None:
    assert (
        post(
            TOKEN, signer.form(nonce="a" * 64, extra="https://app.example.com/" + "a" * 200)
        ).status_code
        == 200
    )


def test_strangers_fill_the_block_list_only_so_far(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = import_module("portal.registry.actions.authenticate_client")
    monkeypatch.setattr(module, "MAX_BLOCKED_A_DAY", 2)
    for _ in range(4):
        assert post(TOKEN, form_of(private_pem(new_private_key()))).status_code == 400
    assert BlockedKey.objects.count() == 2
    # What is registered here is blocked and revoked, however many were.
    post(TOKEN, form_of(private_pem(signer.private)))
    signer.key.refresh_from_db()
    assert signer.key.revoked_at is not None
    assert BlockedKey.objects.count() == 3
    # And on another day others are.
    tomorrow = timezone.now() + timedelta(days=1, seconds=1)
    monkeypatch.setattr(module, "timezone", SimpleNamespace(now=lambda: tomorrow))
    post(TOKEN, form_of(private_pem(new_private_key())))
    assert BlockedKey.objects.count() == 4


def test_only_the_beginning_of_a_request_is_looked_through() -> None:
    """A private key has no more than a few thousand characters; the rest is for nobody to pay."""
    response = post(TOKEN, {"client_assertion": "." * 17000 + private_pem(new_private_key())})
    assert response.status_code in {400, 401}
    assert RefusedRequest.objects.get().reason != "private_key"
    assert not BlockedKey.objects.exists()
