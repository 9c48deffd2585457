"""The portal's own keys: this module makes all signatures of the portal.

The settings name files or variables with the keys of each purpose. The database holds no key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from django.conf import settings

from portal.core.formats.spki import parse_spki
from portal.core.jwk import published_jwk
from portal.core.strict import base64url

CHECKPOINT: Final = "checkpoint"
"""The purpose of the keys that sign checkpoints of the ledger."""

WEBHOOKS: Final = "webhooks"
"""The purpose of the keys that sign webhooks. All of them sign, see `signing_keys`."""

_PEM: Final = re.compile(r"-----BEGIN (?P<label>[A-Z0-9 ]+)-----(?P<body>.*?)-----END", re.DOTALL)


@dataclass(frozen=True, slots=True)
class OwnKey:
    """An Ed25519 key of the portal; one without the private key is only published."""

    public: Ed25519PublicKey
    _private: Ed25519PrivateKey | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str) -> OwnKey:
        """Read a key from PEM (PKCS#8, or SubjectPublicKeyInfo for a public one).

        The first and last line may be missing, because a variable may be limited to one line.
        Raises `ValueError` with a message that continues "CHECKPOINT_KEYS names a file that …".
        """
        if "ENCRYPTED" in text:
            raise ValueError("is encrypted; the portal has no password for it")
        pem = _PEM.search(text)
        der = base64url.decode(re.sub(r"\s", "", pem["body"] if pem else text)) or b""
        key = _load(der)
        if isinstance(key, Ed25519PrivateKey):
            return cls(key.public_key(), key)
        if isinstance(key, Ed25519PublicKey):
            return cls(key)
        if key is None:
            raise ValueError("has no key in PEM (PKCS#8)")
        raise ValueError("has a key of another kind than Ed25519")

    @property
    def can_sign(self) -> bool:
        """Whether the private key is available."""
        return self._private is not None

    def sign(self, message: bytes) -> bytes:
        """Return the key's signature of the message (RFC 8032 §5.1.6)."""
        if self._private is None:
            raise RuntimeError("This key is only published; the first of its purpose signs.")
        return self._private.sign(message)

    @property
    def public_bytes(self) -> bytes:
        """The 32 bytes of the public key (RFC 8032 §5.1.5)."""
        return self.public.public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def jwk(self) -> dict[str, str]:
        """The public key as a JWK (RFC 8037 §2), whose `kid` is its thumbprint (RFC 7638)."""
        spki = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return published_jwk(parse_spki(spki), "EdDSA")


def new_pem() -> bytes:
    """Return a new private key in PEM (PKCS#8, RFC 8410 §7)."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def all_keys() -> Mapping[str, tuple[OwnKey, ...]]:
    """Return the keys of each purpose, the signing key first."""
    return settings.OWN_KEYS


def signing_key(purpose: str) -> OwnKey | None:
    """Return the key that signs for a purpose, or None if none is configured."""
    return next(iter(all_keys()[purpose]), None)


def signing_keys(purpose: str) -> tuple[OwnKey, ...]:
    """Return all keys of a purpose that can sign.

    If a signature can be repeated by several keys, the next key signs beside the current one. Then
    a receiver that knows either of them accepts it.
    """
    return tuple(key for key in all_keys().get(purpose, ()) if key.can_sign)


def jwks() -> bytes:
    """Return the JWKS (RFC 7517 §5) of all keys; each key's `purpose` says what it signs."""
    keys = [key.jwk | {"purpose": purpose} for purpose, keys in all_keys().items() for key in keys]
    body = {"keys": [dict(sorted(key.items())) for key in keys]}
    return json.dumps(body, separators=(",", ":")).encode("ascii")


def _load(der: bytes) -> object:
    """Return the private or public key, or None if `der` holds no key."""
    for load in (lambda: load_der_private_key(der, None), lambda: load_der_public_key(der)):
        try:
            return load()
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
    return None
