"""Issue, introspect and revoke tokens: RFC 6749 §3.2, RFC 7662, RFC 7009."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.oauth.client_requests import ClientEndpoint, answer, refuse, token_request_page
from portal.oauth.key_end import key_end
from portal.oauth.toolkit import Toolkit
from portal.registry.actions import Authenticated, record_refused_grant
from portal.registry.endpoints import issuer
from portal.registry.models import AccessToken

_INACTIVE: Final = '{"active": false}'


@ClientEndpoint
def token(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Issue a token for a code, for a refresh token or to the client itself (RFC 6749 §4)."""
    if not any(request.POST.getlist("grant_type")):
        # oauthlib would answer unsupported_grant_type (RFC 6749 §5.2).
        return _refuse(
            authenticated, 400, "invalid_request", "The parameter grant_type is missing."
        )
    _uri, _headers, body, status = Toolkit(authenticated).create_token_response(request)
    if status == 200:
        return answer(body)
    refusal = json.loads(body)
    description = refusal.get("error_description", "The request was refused.")
    return _refuse(authenticated, status, refusal["error"], description)


def _refuse(
    authenticated: Authenticated, status: int, error: str, description: str
) -> HttpResponse:
    """Refuse an authenticated client, and record the reason for its team."""
    record_refused_grant(authenticated, error, seen=description)
    return refuse(
        status,
        error,
        f"{description} (reference {authenticated.reference})",
        token_request_page(authenticated.reference),
    )


@ClientEndpoint
def introspect(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Report whether an access token is active, and its scope and audience (RFC 7662 §2).

    A client sees its own tokens, and when the key of each ends; a resource server
    (INTROSPECTION_CLIENTS) sees all. Any other token is reported as if it did not exist.
    """
    if not request.POST.get("token"):
        return refuse(400, "invalid_request", "The parameter token is missing.")
    found = _find_access_token(request.POST["token"])
    if found is None or not _may_see(authenticated, found) or not _is_active(found):
        return answer(_INACTIVE)
    # A right that the client has lost no longer counts in its existing tokens.
    scopes = [each for each in found.scope.split() if each in found.application.allowed_scopes]
    resources = [each for each in found.resource if each in found.application.allowed_resources]
    if not scopes or (found.resource and not resources):
        return answer(_INACTIVE)
    facts = _described(found, scopes, resources)
    if found.application_id == authenticated.client.pk:
        facts |= key_end(found.key.lifecycle, timezone.now())
    return answer(json.dumps(facts))


@ClientEndpoint
def revoke(request: HttpRequest, authenticated: Authenticated) -> HttpResponse:
    """Revoke a token of the client (RFC 7009 §2). The response is the same for an unknown token."""
    _uri, _headers, body, status = Toolkit(authenticated).create_revocation_response(request)
    return answer(body or "{}", status=status)


def _find_access_token(value: str) -> AccessToken | None:
    checksum = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    tokens = AccessToken.objects.select_related("application", "user", "key", "refresh_token")
    found: AccessToken | None = tokens.filter(token_checksum=checksum).first()
    return found


def _may_see(authenticated: Authenticated, found: AccessToken) -> bool:
    client = authenticated.client
    return found.application_id == client.pk or client.client_id in settings.INTROSPECTION_CLIENTS


def _is_active(found: AccessToken) -> bool:
    person_is_welcome = found.user is None or found.user.is_active
    return found.is_valid() and person_is_welcome and found.application.is_usable(None)


def _described(found: AccessToken, scopes: list[str], resources: list[str]) -> dict[str, Any]:
    """Return the introspection response of an active token (RFC 7662 §2.2)."""
    client_id = found.application.client_id
    facts = {
        "active": True,
        "iss": issuer(),
        "client_id": client_id,
        "token_type": "Bearer",
        "scope": " ".join(scopes),
        "iat": int(found.created.timestamp()),
        "exp": int(found.expires.timestamp()),
        # RFC 9068 §2.2: without a user, the subject is the client.
        "sub": client_id if found.user is None else str(found.user.pk),
    }
    if resources:
        facts["aud"] = resources
    return facts
