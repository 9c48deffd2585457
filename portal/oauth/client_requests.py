"""Read and authenticate requests of clients, and answer in JSON (RFC 6749 §5).

The token, introspection and revocation endpoints share this module.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from functools import update_wrapper
from typing import BinaryIO, Final, cast

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.handlers.wsgi import LimitedStream
from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse

from portal import bulkhead
from portal.core.assertion import EXPLANATIONS
from portal.core.reasons import Reason
from portal.logs import already_logged
from portal.oauth.networks import network_of
from portal.publishing.public_endpoint import secure_headers
from portal.registry.actions import Authenticated, AuthenticationRefused, authenticate_client
from portal.registry.batching import BatchesFull, OutcomeUnknown
from portal.registry.choices import GrantType
from portal.registry.endpoints import issuer
from portal.registry.fast_authentication import FastAuthentication

logger = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 64 * 1024
"""An assertion has at most 16 KiB; all other parameters are short."""

_TOO_LARGE: Final = f"The body has more than {MAX_BODY_BYTES // 1024} KiB."
_NOBODY: Final = "The request names no client of this portal."
_SCHEME: Final = re.compile(r"(basic|bearer|dpop|digest)(?= )", re.IGNORECASE | re.ASCII)
FORM: Final = "application/x-www-form-urlencoded"
FAST: Final = "portal.fast_authentication"
"""The key in WSGI's `environ` of what authenticates plain requests (ADR 0024), if it is there."""


class _Unreadable(Exception):  # noqa: N818 - names the request
    """The request is malformed; the message says what it must be."""


class ClientEndpoint:
    """An endpoint around a view that gets the authenticated client; every response is JSON.

    A client that is not authenticated gets the same text for all causes, except for a client
    secret, which we never accept. The response contains a reference and the URL of the page where
    the client's team reads the cause. If the database does not answer, no client is authenticated.
    `ApiMiddleware` answers such views before all other middleware.
    """

    def __init__(self, view: Callable[[HttpRequest, Authenticated], HttpResponse]) -> None:
        update_wrapper(self, view)
        self._view = view

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        if request.method != "POST":
            response = refuse(405, "invalid_request", "Send this request as a POST.")
            response["Allow"] = "POST"
            return response
        try:
            with bulkhead.clients:
                return self._view(request, _authenticate(request))
        except _Unreadable as unreadable:
            return refuse(400, "invalid_request", str(unreadable))
        except AuthenticationRefused as refused:
            return already_logged(_answer(request, refused))
        except DatabaseFailure:
            logger.exception("A client's request could not be decided")
            return already_logged(not_now("The portal cannot reach its database."))
        except OutcomeUnknown:  # logged, and perhaps consumed, so not decided again
            return already_logged(not_now("The portal cannot reach its database."))
        except (bulkhead.BulkheadFull, BatchesFull):
            return not_now("The portal is too busy.")


def not_now(why: str) -> HttpResponse:
    """Return the response to a request that cannot be decided now, and why."""
    again = "Try again in a few seconds."
    response = refuse(503, "temporarily_unavailable", f"{why} {again}")
    response["Retry-After"] = "5"
    return response


def _authenticate(request: HttpRequest) -> Authenticated:
    _check_form(request)
    parameters = _read(request)
    if any("\0" in text for name, values in parameters.items() for text in (name, *values)):
        raise _Unreadable("A parameter contains a NUL character.")
    authorization, network = request.headers.get("Authorization", ""), network_of(request.META)
    fast: FastAuthentication | None = request.META.get(FAST)
    # Requests for client_credentials were tried in front of Django.
    was_tried = GrantType.CLIENT_CREDENTIALS in parameters.get("grant_type", ())
    if fast is not None and not (was_tried or authorization):
        authenticated = fast.authenticate(parameters, network=network)
        if authenticated is not None:
            return authenticated
    return authenticate_client(parameters, authorization=authorization, network=network)


def _check_form(request: HttpRequest) -> None:
    """RFC 6749 §3.2 and appendix B: TLS, a form in the body, and no query in the URL."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise _Unreadable("This request must use https.")
    if request.content_type != FORM:
        raise _Unreadable(f"The content type must be {FORM}.")
    if request.META.get("QUERY_STRING"):
        raise _Unreadable("Send all parameters in the body, not in the URL.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or len(length) > 9 or int(length) > MAX_BODY_BYTES:
        raise _Unreadable(_TOO_LARGE)


def _read(request: HttpRequest) -> dict[str, list[str]]:
    """Return the parameters; limit a chunked body, which has no length (RFC 9112 §7.1)."""
    if not request.META.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" in request.META:
        stream = LimitedStream(request.META["wsgi.input"], MAX_BODY_BYTES + 1)
        request._stream = cast("BinaryIO", stream)  # noqa: SLF001 - Django gives it none
    try:
        if len(request.body) > MAX_BODY_BYTES:
            raise _Unreadable(_TOO_LARGE)
        return dict(request.POST.lists())
    except (RequestDataTooBig, TooManyFieldsSent, UnreadablePostError):
        raise _Unreadable("The form body is incomplete.") from None


def _answer(request: HttpRequest, refused: AuthenticationRefused) -> HttpResponse:
    """RFC 6749 §5.2: a malformed request gets 400, an unauthenticated client gets 401."""
    if refused.client is None:
        why, page = f"{_NOBODY} An admin can look it up by the reference {refused.reference}.", ""
    else:
        why = (
            "The client's team can see the reason in the portal, under the reference "
            f"{refused.reference}."
        )
        page = token_request_page(refused.reference)
    if refused.refused.reason is Reason.PRIVATE_KEY:
        title = EXPLANATIONS[Reason.PRIVATE_KEY].title
        return refuse(400, "invalid_request", f"{title}. The key is compromised. {why}", page)
    if refused.unreadable:
        text = f"The client assertion or the request around it is malformed. {why}"
        return refuse(400, "invalid_request", text, page)
    what = "The client is not authenticated."
    if refused.refused.reason is Reason.CLIENT_SECRET:
        what = (
            f"{EXPLANATIONS[Reason.CLIENT_SECRET].title}: clients authenticate with "
            "private_key_jwt."
        )
    response = refuse(401, "invalid_client", f"{what} {why}", page)
    # Send a challenge only if the client tried a scheme: assertions have none, and openid-client
    # shows its caller a challenge in place of the reference.
    scheme = _SCHEME.match(request.headers.get("Authorization", ""))
    if scheme:
        response["WWW-Authenticate"] = f'{scheme[0].capitalize()} realm="{issuer()}"'
    return response


def refuse(status: int, error: str, description: str, uri: str = "") -> HttpResponse:
    """Return an error in the members of RFC 6749 §5.2."""
    body = {"error": error, "error_description": description} | ({"error_uri": uri} if uri else {})
    return answer(json.dumps(body), status=status)


def answer(body: str, *, status: int = 200) -> HttpResponse:
    """Return a JSON response that caches do not store (RFC 6749 §5.1)."""
    content = body.encode("utf-8")
    headers = {
        "Cache-Control": "no-store",
        "Pragma": "no-cache",
        "Content-Length": str(len(content)),
    }
    return HttpResponse(
        content,
        status=status,
        content_type="application/json",
        headers=secure_headers() | headers,
    )


def token_request_page(reference: str) -> str:
    """Return the URL of the page that explains to a client's team why a request was refused."""
    return settings.PUBLIC_URL + reverse("token_request_reference", args=[reference])
