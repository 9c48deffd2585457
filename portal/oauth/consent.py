"""Ask a user whether a client may act for them (RFC 6749 §4.1.1)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from oauthlib.oauth2 import AccessDeniedError, FatalClientError, OAuth2Error

from portal.oauth.toolkit import grant_server
from portal.registry.endpoints import AUTHORIZATION_PATH, issuer
from portal.registry.models import Client

_PARAMETERS: Final = (
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "resource",
)
"""The parameters that are read. RFC 6749 §3.1: all others are ignored.

So no parameter skips the consent page (`approval_prompt`, `prompt`), changes how the code is
returned (`response_mode`), or is stored without use (`nonce`, `claims`).
"""

_MAX_QUERY_BYTES: Final = 8 * 1024
"""The limit of nginx for a request line. oauthlib parses a query many times."""


@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Ask the user, and return them to the client with a code or an error.

    The form posts to the URL of the page, and the view reads the request from that URL again: no
    hidden field repeats it, so nobody can change one. The toolkit's own view has such fields and
    is not used. An error that must not go to the client, because the redirect URI may not be the
    client's, is shown on a page here (RFC 6749 §4.1.2.1). The portal never redirects before the
    user decides: anybody may create a client, so a link to this portal would be an open redirector
    (RFC 9700 §4.11.2).
    """
    uri = _authorization_request(request)
    server = grant_server()
    try:
        scopes, asked = server.validate_authorization_request(uri)
        if request.method != "POST":
            return _question(request, asked, scopes)
        if request.POST.get("allow") != "true":
            raise AccessDeniedError(request=asked["request"])
        given = {"user": request.user, "resource": asked["resource"]}
        headers, _body, _status = server.create_authorization_response(
            uri, scopes=scopes, credentials=given
        )
    except FatalClientError as error:
        return render(request, "oauth/not_asked.html", {"error": error}, status=error.status_code)
    except OAuth2Error as error:
        uri = _answer(error.in_uri(error.redirect_uri))
        if request.method == "POST":
            return _back(request, uri)
        return render(request, "oauth/not_asked.html", _about(error, uri), status=400)
    return _back(request, _answer(headers["Location"]))


def _authorization_request(request: HttpRequest) -> str:
    """Return the URL with its known parameters, encoded as oauthlib reads them.

    RFC 6749 §3.1: a parameter without a value is treated as omitted.
    """
    if len(request.META.get("QUERY_STRING", "")) > _MAX_QUERY_BYTES:
        message = f"The URL has more than {_MAX_QUERY_BYTES // 1024} KiB of parameters."
        raise BadRequest(message)
    known = [(name, value) for name in _PARAMETERS for value in request.GET.getlist(name) if value]
    return f"/{AUTHORIZATION_PATH}?{urlencode(known)}"


def _question(request: HttpRequest, asked: dict[str, Any], scopes: list[str]) -> HttpResponse:
    page = {
        "client": Client.objects.get(client_id=asked["client_id"]),
        "host": urlsplit(asked["redirect_uri"]).netloc,
        "scopes": [(name, settings.SCOPES[name]) for name in scopes],
        "resources": [(uri, settings.RESOURCES[uri]) for uri in dict.fromkeys(asked["resource"])],
    }
    return render(request, "oauth/consent.html", page)


def _about(error: OAuth2Error, uri: str) -> dict[str, Any]:
    return {
        "client": Client.objects.get(client_id=error.client_id),
        "error": error,
        "host": urlsplit(uri).netloc,
        "uri": uri,
    }


def _answer(uri: str) -> str:
    """Return the redirect URI, which was already compared, with the `iss` parameter.

    RFC 9207 §2: every response to the client names the issuer, errors too.
    """
    parts = urlsplit(uri)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "iss"]
    query.append(("iss", issuer()))
    return urlunsplit(parts._replace(query=urlencode(query)))


def _back(request: HttpRequest, uri: str) -> HttpResponse:
    """Send the user to the client's redirect URI."""
    response = render(request, "oauth/leaving.html", {"uri": uri, "host": urlsplit(uri).netloc})
    # Not an HTTP redirect: Chromium checks every redirect after a form, also after sign-in, against
    # form-action (CSP 3 §6.4.2), and we cannot know which hosts the client redirects to. RFC 6749
    # §1.7 allows any means of redirection.
    response["Refresh"] = f"0; url={uri}"
    return response
