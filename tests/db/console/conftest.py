"""Fixtures for the console: a test client of the admin, and many keys."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser

from portal.registry.models import Client, ClientKey
from tests.keys import new_private_key, public_pem

KeyMaker = Callable[..., list[ClientKey]]


@pytest.fixture
def admin(cast: SimpleNamespace, browser_of: Callable[[str], Browser]) -> Browser:
    """A test client that is signed in as the admin."""
    return browser_of("admin")


@pytest.fixture
def make_keys(cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> KeyMaker:
    """A function that writes a number of keys of a client directly into the table."""
    pem = public_pem(new_private_key())
    registered_at = ClientKey._meta.get_field("registered_at")

    def make(client: Client, number: int, **facts: Any) -> list[ClientKey]:
        # A trigger refuses changes to the date of a registered key.
        monkeypatch.setattr(registered_at, "auto_now_add", "registered_at" not in facts)
        start = ClientKey.objects.count()
        digests = [hashlib.sha256(f"{start + i}".encode()).digest() for i in range(number)]
        return ClientKey.objects.bulk_create(
            ClientKey(
                **{
                    "client": client,
                    "label": f"Key {start + i}",
                    "pem": pem,
                    "alg": "EdDSA",
                    "kty": "OKP",
                    "curve": "Ed25519",
                    "bits": 256,
                    "kid": urlsafe_b64encode(digest).decode().rstrip("="),
                    "spki_sha256": digest.hex(),
                    "jwk": {},
                    "registered_by": cast.admin,
                    **facts,
                }
            )
            for i, digest in enumerate(digests)
        )

    return make
