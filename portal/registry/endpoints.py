"""The addresses of this authorization server (RFC 8414 §2), absolute, in one place."""

from __future__ import annotations

from typing import Final

from django.conf import settings

AUTHORIZATION_PATH: Final = "api/oauth2/authorize"
TOKEN_PATH: Final = "api/oauth2/token"  # noqa: S105 - a path
INTROSPECTION_PATH: Final = "api/oauth2/introspect"
REVOCATION_PATH: Final = "api/oauth2/revoke"
"""Where requests are sent. Written down in the configuration of clients: never change one."""


def issuer() -> str:
    """Return the issuer identifier, which clients compare byte for byte."""
    return settings.PUBLIC_URL


def authorization_endpoint() -> str:
    """Return the URL that people are sent to, to agree."""
    return f"{settings.PUBLIC_URL}/{AUTHORIZATION_PATH}"


def token_endpoint() -> str:
    """Return the URL that token requests are sent to."""
    return f"{settings.PUBLIC_URL}/{TOKEN_PATH}"


def introspection_endpoint() -> str:
    """Return the URL where a token is looked at (RFC 7662)."""
    return f"{settings.PUBLIC_URL}/{INTROSPECTION_PATH}"


def revocation_endpoint() -> str:
    """Return the URL where a token is taken back (RFC 7009)."""
    return f"{settings.PUBLIC_URL}/{REVOCATION_PATH}"
