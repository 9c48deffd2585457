"""The request validator that django-oauth-toolkit calls.

`client_requests` authenticates clients before it calls the toolkit, only by their keys. Each
request of a client gets its own validator with the authenticated client.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

from django.utils import timezone
from oauth2_provider.models import AbstractAccessToken, AbstractRefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import (
    CustomOAuth2Error,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
)
from oauthlib.oauth2.rfc6749.utils import scope_to_list

from portal.oauth.key_end import key_end
from portal.registry.actions import Authenticated
from portal.registry.models import AccessToken, AuthorizationCode, Client, ClientKey, RefreshToken
from portal.registry.models.tokens import is_family_invalidated

_S256_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def _family_of(code: str) -> UUID:
    """Return the id of the token family that comes from a code, derived from its hash.

    The code is deleted when it is used. The id can be computed again but does not reveal the code.
    """
    return UUID(bytes=hashlib.sha256(code.encode("utf-8")).digest()[:16])


def _still_allowed(scopes: Sequence[str], request: Request) -> list[str]:
    """Return the scopes that the client may still request; raise `InvalidScopeError` if none."""
    allowed = cast("Client", request.client).allowed_scopes
    kept = [scope for scope in scopes if scope in allowed]
    if not kept:
        message = "The client no longer has the right to any of these scopes."
        raise InvalidScopeError(message, request=request)
    return kept


class Validator(OAuth2Validator):
    """The toolkit's validator of one request, for clients that sign in with keys."""

    def __init__(self, authenticated: Authenticated | None = None) -> None:
        """Without an authenticated client, only an authorization request can be validated."""
        super().__init__()
        self._authenticated = authenticated

    def client_authentication_required(self, request: Request, *_args: Any, **_kwargs: Any) -> bool:  # noqa: ARG002 - the toolkit's signature
        """Return True: there are no public clients."""
        return True

    def authenticate_client(self, request: Request, *_args: Any, **_kwargs: Any) -> bool:
        """Set `request.client` to the authenticated client; return whether there is one."""
        if self._authenticated is None:
            return False
        request.client = self._authenticated.client
        request.client_id = request.client.client_id
        # oauthlib adds these members to the response.
        request.extra_credentials = key_end(self._signing_key.lifecycle, timezone.now())
        return True

    def authenticate_client_id(self, *_args: Any, **_kwargs: Any) -> bool:
        """Return False: a client_id alone does not authenticate."""
        return False

    def check_repeated(self, request: Request) -> dict[str, Any]:
        """Refuse a repeated PKCE parameter (RFC 6749 §3.1), as oauthlib does for other parameters.

        Raises an error of oauthlib, which is reported to the client.
        """
        for name in ("code_challenge", "code_challenge_method"):
            if name in request.duplicate_params:
                raise InvalidRequestError(f"Duplicate parameter: {name}.", request=request)
        return {}

    def check_authorization_request(self, request: Request) -> dict[str, Any]:
        """Return the requested resources; refuse early what would fail later or in the database.

        RFC 7636 §4.2 and §4.3 (S256 only), RFC 8707 §2. Raises errors of oauthlib, which are
        reported to the client.
        """
        if request.code_challenge_method != "S256":
            message = "The code_challenge_method must be S256."
            raise InvalidRequestError(message, request=request)
        if not _S256_CHALLENGE.fullmatch(request.code_challenge):
            message = "The code_challenge must be a SHA-256 in base64url: 43 characters."
            raise InvalidRequestError(message, request=request)
        resources = [value for name, value in request.uri_query_params if name == "resource"]
        self._validate_resource_uris(request, resources)
        return {"resource": resources}

    def validate_grant_type(
        self, _client_id: str, grant_type: str, client: Client, *_args: Any, **_kwargs: Any
    ) -> bool:
        """Return whether the client may use this grant type."""
        return client.may_use(grant_type)

    def validate_scopes(
        self,
        _client_id: str,
        scopes: Sequence[str],
        client: Client,
        request: Request,
        *_args: Any,
        **_kwargs: Any,
    ) -> bool:
        """Return True if the client may request the scopes; raise `InvalidScopeError` otherwise."""
        allowed = client.allowed_scopes
        if not scopes or not set(scopes).issubset(allowed):
            message = f"Allowed scopes of this client: {' '.join(allowed) or 'none'}."
            raise InvalidScopeError(message, request=request)
        return True

    def get_default_scopes(
        self, _client_id: str, request: Request, *_args: Any, **_kwargs: Any
    ) -> list[str]:
        """Return the first allowed scope: a request without scopes does not get all of them."""
        return cast("Client", request.client).allowed_scopes[:1]

    def get_original_scopes(
        self, refresh_token: str, request: Request, *args: Any, **kwargs: Any
    ) -> list[str]:
        """Return the scopes granted before, without those that the client may no longer request.

        Raises `InvalidScopeError` if none is left.
        """
        given = super().get_original_scopes(refresh_token, request, *args, **kwargs)
        return _still_allowed(scope_to_list(given), request)

    def _validate_resource_uris(self, request: Request, resources: Sequence[str]) -> None:
        """Refuse a resource that the client may not request (RFC 8707 §2), in any form.

        A code or refresh token with a resource that is no longer allowed is refused too: without
        the resource, the new token would be valid for every resource.
        """
        allowed = cast("Client", request.client).allowed_resources
        if not set(resources).issubset(allowed):
            message = f"Allowed resources of this client: {' '.join(allowed) or 'none'}."
            raise CustomOAuth2Error("invalid_target", message, request=request)

    def validate_code(self, _client_id: str, code: str, client: object, request: Request) -> bool:
        """Return whether the code is valid, and its user still active.

        The code is read here and kept for the next checks, as another request may use it at any
        moment. A second use of a code revokes the tokens of the first, as either user of the code
        may be an attacker (RFC 6749 §4.1.2).
        """
        codes = AuthorizationCode.objects.select_related("user")
        found = codes.filter(code=code, application=client).first()
        if found is None or found.is_expired():
            self._end_what_came_from(code, client)
            return False
        request.authorization_code = found
        request.scopes = _still_allowed(found.scope.split(" "), request)
        request.user = found.user
        return bool(found.user.is_active)

    def get_code_challenge(self, _code: str, request: Request) -> str:
        """Return the challenge that the verifier must match (RFC 7636 §4.6)."""
        return cast("str", request.authorization_code.code_challenge)

    def get_code_challenge_method(self, _code: str, request: Request) -> str:
        """Return S256, the only method that `check_authorization_request` accepts."""
        return cast("str", request.authorization_code.code_challenge_method)

    def confirm_redirect_uri(
        self, _client_id: str, _code: str, redirect_uri: str, _client: object, request: Request
    ) -> bool:
        """Return True if the code was sent to this redirect URI (RFC 6749 §4.1.3).

        Raises `InvalidGrantError` otherwise: RFC 6749 §5.2 has this code, oauthlib another.
        """
        if not request.authorization_code.redirect_uri_allowed(redirect_uri):
            message = "The redirect_uri differs from that of the authorization request."
            raise InvalidGrantError(message, request=request)
        return True

    def get_default_redirect_uri(self, client_id: str, request: Request) -> str:
        """Return the client's only redirect URI, when the request names none.

        Raises `InvalidRequestError` for a code that was sent to another URI (RFC 6749 §4.1.3).
        """
        code = getattr(request, "authorization_code", None)
        only = request.client.redirect_uris[0] if len(request.client.redirect_uris) == 1 else None
        if code is not None and code.redirect_uri != only:
            message = (
                f"The parameter redirect_uri is missing. The code was sent to {code.redirect_uri}"
            )
            raise InvalidRequestError(message, request=request)
        return cast("str", super().get_default_redirect_uri(client_id, request))

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        """Delete the used code; raise `InvalidGrantError` if another request used it first."""
        try:
            super().invalidate_authorization_code(client_id, code, request, *args, **kwargs)
        except InvalidGrantError:
            self._end_what_came_from(code, request.client)
            raise

    def _end_what_came_from(self, code: str, client: object) -> None:
        if RefreshToken.objects.filter(token_family=_family_of(code), application=client).exists():
            RefreshToken.revoke_family(_family_of(code))

    def validate_refresh_token(
        self, refresh_token: str, client: object, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """Return whether the token is valid, and the keys that it came from are not revoked."""
        if not super().validate_refresh_token(refresh_token, client, request, *args, **kwargs):
            return False
        family = request.refresh_token_instance.token_family
        return bool(request.user.is_active and not is_family_invalidated(family))

    def revoke_token(
        self, token: str, token_type_hint: str, request: Request, *args: Any, **kwargs: Any
    ) -> None:
        """Revoke a token; for a refresh token, all tokens of its grant (RFC 7009 §2.1).

        The toolkit ignores a token that was rotated. But an attacker may have rotated it before the
        client did.
        """
        checksum = hashlib.sha256(token.encode("utf-8")).hexdigest()
        given = RefreshToken.objects.filter(token_checksum=checksum, application=request.client)
        families = list(given.values_list("token_family", flat=True))
        super().revoke_token(token, token_type_hint, request, *args, **kwargs)
        for family in families:
            RefreshToken.revoke_family(family)

    def _save_bearer_token(
        self, token: dict[str, str], request: Request, *args: Any, **kwargs: Any
    ) -> None:
        """Store the tokens, unless the refresh token was just used or revoked.

        It was read without a lock, so another request may have ended it since. The toolkit would
        then issue tokens that outlive a revocation, or empty ones, as it stores no token that it
        could return again. Raises `InvalidGrantError`; runs in the transaction of the toolkit.
        """
        used = getattr(request, "refresh_token_instance", None)
        if used is not None:
            unused = RefreshToken.objects.select_for_update().filter(pk=used.pk, revoked=None)
            if not list(unused.values_list("pk")):
                raise InvalidGrantError(request=request)
        super()._save_bearer_token(token, request, *args, **kwargs)

    @property
    def _signing_key(self) -> ClientKey:
        if self._authenticated is None:
            raise LookupError("no client has signed in, so nobody gets a token")
        return self._authenticated.key

    def _create_access_token(
        self,
        expires: datetime,
        request: Request,
        token: dict[str, str],
        source_refresh_token: AbstractRefreshToken | None = None,
    ) -> AbstractAccessToken:
        """Store the token with the key that authenticated its client; the toolkit stores none."""
        access_token = AccessToken(
            user=request.user,
            scope=token["scope"],
            expires=expires,
            application=request.client,
            key=self._signing_key,
            source_refresh_token=source_refresh_token,
            resource=getattr(request, "resource", []),
        )
        self._set_token_value(access_token, token["access_token"])
        access_token.save(force_insert=True)
        return access_token

    def _create_refresh_token(
        self,
        request: Request,
        refresh_token_code: str,
        access_token: AbstractAccessToken,
        previous_refresh_token: AbstractRefreshToken | None,
    ) -> AbstractRefreshToken:
        """Store the token with the key that authenticated its client; the toolkit stores none."""
        previous = previous_refresh_token
        refresh_token = RefreshToken(
            user=request.user,
            application=request.client,
            key=self._signing_key,
            access_token=access_token,
            token_family=previous.token_family if previous else _family_of(request.code),
            resource=getattr(request, "resource", []),
        )
        self._set_token_value(refresh_token, refresh_token_code)
        refresh_token.save(force_insert=True)
        return refresh_token
