"""Ask a person whether a client may act for them (RFC 6749 §4.1.1)."""

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
"""What is read of a request. RFC 6749 §3.1: whatever else is there is ignored.

So nothing skips the question (`approval_prompt`, `prompt`) or sends the code by another way
(`response_mode`), and nothing is stored that nobody asked for (`nonce`, `claims`).
"""

_MAX_QUERY_BYTES: Final = 8 * 1024
"""As much as nginx takes of a request line. oauthlib goes through a query many times over."""


@require_http_methods(["GET", "HEAD", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Ask, and send the person back to the client with a code or with a refusal.

    The answer is posted to the address that the question had, and the request is read from there
    again: no hidden field repeats it, so there is none to change. The toolkit's own view, which has
    them, is not used. What must not be sent to the client, because the address may not be the
    client's, is said on a page here instead (RFC 6749 §4.1.2.1). Nobody is sent on before a choice:
    anybody may create a client, and a link to this portal would lead to any address (RFC 9700
    §4.11.2).
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
    """Return the address with the parameters that are known, written as oauthlib reads them.

    RFC 6749 §3.1: one without a value is as if it were not there.
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
    """Return the client's address, which was compared before, with who answers.

    RFC 9207 §2: every response to the client says whose it is, refusals too.
    """
    parts = urlsplit(uri)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != "iss"]
    query.append(("iss", issuer()))
    return urlunsplit(parts._replace(query=urlencode(query)))


def _back(request: HttpRequest, uri: str) -> HttpResponse:
    """Send the person to the client's address."""
    response = render(request, "oauth/leaving.html", {"uri": uri, "host": urlsplit(uri).netloc})
    # Not a redirect: Chromium holds every hop after a form, of sign-in too, against form-action
    # (CSP 3 §6.4.2), and which hosts the client sends people on to is not ours to know. RFC 6749
    # §1.7 leaves the way to us.
    response["Refresh"] = f"0; url={uri}"
    return response
