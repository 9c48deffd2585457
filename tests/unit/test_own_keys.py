"""The portal's own keys: how they are read, what they sign, and what is said of them."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pytest_django import Settings

from portal import own_keys
from portal.own_keys import OwnKey
from tests.keys import new_private_key, public_pem
from tests.own_keys import new_own_key, public_half

# RFC 8037, appendix A.1 to A.3: a private key, its public key and its thumbprint.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
PRIVATE = Ed25519PrivateKey.from_private_bytes(SEED)
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "text", [PEM, PEM.replace("\n", "\r\n"), f"A key:\n{PEM}", PEM.split("\n")[1]]
)
def test_a_private_key_is_read_and_signs(text: str) -> None:
    key = OwnKey.parse(text)
    assert key.jwk == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": PUBLIC,
        "kid": THUMBPRINT,
        "use": "sig",
    }
    PRIVATE.public_key().verify(key.sign(b"text"), b"text")
    assert "_private" not in repr(key)


def test_a_public_key_is_read_and_does_not_sign() -> None:
    key = OwnKey.parse(public_pem(PRIVATE))
    assert (key.jwk["kid"], key.can_sign) == (THUMBPRINT, False)
    with pytest.raises(RuntimeError, match="only published"):
        key.sign(b"text")


def pem_of(key: object, **how: object) -> str:
    encryption = how.get("encryption", NoEncryption())
    encoded = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)  # type: ignore[attr-defined]
    return str(encoded.decode())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no key in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "has no key in PEM"),
        (PEM[:-40], "has no key in PEM"),
        (b64encode(SEED).decode(), "has no key in PEM"),
        (pem_of(PRIVATE, encryption=BestAvailableEncryption(b"x")), "is encrypted"),
        (pem_of(new_private_key("ES256")), "of another kind than Ed25519"),
        (pem_of(new_private_key("Ed448")), "of another kind than Ed25519"),
        (public_pem(new_private_key("PS256")), "of another kind than Ed25519"),
    ],
)
def test_what_is_no_key_of_ed25519_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        OwnKey.parse(text)


def test_the_jwks_has_public_halves_only_by_purpose(settings: Settings) -> None:
    first, second, third = new_own_key(), new_own_key(), new_own_key()
    settings.OWN_KEYS = {"checkpoint": (first, public_half(second)), "another": (third,)}
    assert json.loads(own_keys.jwks())["keys"] == [
        first.jwk | {"purpose": "checkpoint"},
        second.jwk | {"purpose": "checkpoint"},
        third.jwk | {"purpose": "another"},
    ]
    assert set(first.jwk) == {"kty", "crv", "x", "kid", "use"}


def test_the_first_key_of_a_purpose_signs(settings: Settings) -> None:
    first, second = new_own_key(), new_own_key()
    settings.OWN_KEYS = {"checkpoint": (first, second)}
    assert own_keys.signing_key("checkpoint") is first
    settings.OWN_KEYS = {"checkpoint": ()}
    assert own_keys.signing_key("checkpoint") is None
