"""The addresses of this authorization server (RFC 8414 §2), absolute, in one place."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.urls import reverse

TOKEN_PATH: Final = "api/oauth2/token"  # noqa: S105 - a path
"""Where token requests are sent. Written down in the configuration of clients: never change it."""


def issuer() -> str:
    """Return the issuer identifier, which clients compare byte for byte."""
    return settings.PUBLIC_URL


def token_endpoint() -> str:
    """Return the URL that token requests are sent to."""
    return f"{settings.PUBLIC_URL}/{TOKEN_PATH}"


def token_request_page(reference: str) -> str:
    """Return the URL of the page that tells a client's people why a request was refused."""
    return settings.PUBLIC_URL + reverse("token_request_reference", args=[reference])
