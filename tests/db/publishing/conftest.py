"""Fixtures for public documents: register a key, and read a JWKS."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from portal.registry.models import Client, ClientKey
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

Register = Callable[..., ClientKey]
"""Called with an algorithm and further arguments of `register_key`."""

Fetch = Callable[..., "Response"]
"""Called with `extended=True` or not, and further arguments of Django's test client."""


def in_seconds(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def members(response: Response) -> list[dict[str, Any]]:
    """The published keys that verify signatures."""
    assert response.status_code == 200
    keys: list[dict[str, Any]] = json.loads(response.content)["keys"]
    assert keys
    return [key for key in keys if key["use"] == "sig"]


def kids(response: Response) -> list[str]:
    return [key["kid"] for key in members(response)]


def reuse(response: Response) -> dict[str, int]:
    """The directives of Cache-Control that have a number."""
    directives = (each.partition("=") for each in response["Cache-Control"].split(", "))
    return {name: int(value) for name, _, value in directives if value}


@pytest.fixture
def register(payments: Client, cast: SimpleNamespace) -> Register:
    """Registers a new key of `payments`."""

    def register(alg: str = "EdDSA", **dates: datetime) -> ClientKey:
        pem = public_pem(new_private_key(alg))
        return register_pem(payments, material=pem, alg=alg, label=alg, by=cast.dev, **dates)

    return register


@pytest.fixture
def fetch(payments: Client) -> Fetch:
    """Fetches the JWKS of `payments`."""

    def fetch(*, extended: bool = False, **more: Any) -> Response:
        name = "jwks-extended.json" if extended else "jwks.json"
        return Browser().get(f"/clients/{payments.client_id}/{name}", **more)

    return fetch
