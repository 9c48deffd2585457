"""The absolute URLs of this authorization server's endpoints (RFC 8414 §2)."""

from __future__ import annotations

from typing import Final

from django.conf import settings

AUTHORIZATION_PATH: Final = "api/oauth2/authorize"
TOKEN_PATH: Final = "api/oauth2/token"  # noqa: S105 - a path
INTROSPECTION_PATH: Final = "api/oauth2/introspect"
REVOCATION_PATH: Final = "api/oauth2/revoke"
"""The paths of the endpoints. Clients have them in their configuration: never change one."""


def issuer() -> str:
    """Return the issuer identifier, which clients compare byte for byte."""
    return settings.PUBLIC_URL


def authorization_endpoint() -> str:
    """Return the URL of the authorization endpoint (RFC 6749 §3.1)."""
    return f"{settings.PUBLIC_URL}/{AUTHORIZATION_PATH}"


def token_endpoint() -> str:
    """Return the URL of the token endpoint (RFC 6749 §3.2)."""
    return f"{settings.PUBLIC_URL}/{TOKEN_PATH}"


def introspection_endpoint() -> str:
    """Return the URL of the introspection endpoint (RFC 7662)."""
    return f"{settings.PUBLIC_URL}/{INTROSPECTION_PATH}"


def revocation_endpoint() -> str:
    """Return the URL of the revocation endpoint (RFC 7009)."""
    return f"{settings.PUBLIC_URL}/{REVOCATION_PATH}"
