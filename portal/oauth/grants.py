"""The supported grants: those of oauthlib, without the ones that RFC 9700 rules out."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from oauthlib.common import Request
from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    AuthorizationEndpoint,
    BearerToken,
    ClientCredentialsGrant,
    RefreshTokenGrant,
    RevocationEndpoint,
    TokenEndpoint,
)

from portal.registry.choices import RESPONSE_TYPES, GrantType


class _Bearer(BearerToken):
    """Bearer tokens, and a refresh token only for a client that may use one."""

    def create_token(
        self,
        request: Request,
        refresh_token: bool = False,  # noqa: FBT001, FBT002 - oauthlib's signature
        **kwargs: Any,
    ) -> Any:
        wanted = refresh_token and request.client.may_use(GrantType.REFRESH_TOKEN)
        return super().create_token(request, refresh_token=wanted, **kwargs)


class GrantServer(AuthorizationEndpoint, TokenEndpoint, RevocationEndpoint):
    """Authorization code, client credentials and refresh token; no password, implicit or device.

    oauthlib's all-in-one server would check a user's password before it checks whether the client
    may use that grant.
    """

    def __init__(
        self,
        request_validator: Any,
        token_expires_in: int | None = None,
        token_generator: Callable[[Request], str] | None = None,
        refresh_token_generator: Callable[[Request], str] | None = None,
        **_kwargs: Any,
    ) -> None:
        bearer = _Bearer(
            request_validator, token_generator, token_expires_in, refresh_token_generator
        )
        code = AuthorizationCodeGrant(
            request_validator,
            pre_auth=[request_validator.check_repeated],
            post_auth=[request_validator.check_authorization_request],
        )
        credentials = ClientCredentialsGrant(request_validator)
        refresh = RefreshTokenGrant(request_validator)
        AuthorizationEndpoint.__init__(
            self,
            default_response_type="code",
            default_token_type=bearer,
            response_types=dict(zip(RESPONSE_TYPES, (code,), strict=True)),
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            default_token_type=bearer,
            grant_types=dict(zip(GrantType.values, (code, credentials, refresh), strict=True)),
        )
        RevocationEndpoint.__init__(self, request_validator)


def new_token(_request: Request | None = None) -> str:
    """Return a new token: 256 bits, in characters that need no escaping in URLs or JSON."""
    return secrets.token_urlsafe(32)
