"""Public documents: anyone may fetch them, and everyone gets the same bytes.

A document's view never sees the request, so its bytes cannot depend on the host, cookies, `Accept`,
forwarding headers or the query. This module has what all documents share: `GET`, `HEAD` and
`OPTIONS`, entity tags, CORS, and the response when the database fails.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import update_wrapper
from typing import Final, NamedTuple

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags
from django.utils.log import log_response

from portal.core.jwks import etag
from portal.logs import already_logged

logger = logging.getLogger(__name__)

METHODS: Final = "GET, HEAD, OPTIONS"
NO_STORE: Final = "no-store"


@dataclass(frozen=True, slots=True)
class Document:
    """What a view returns: the body, its caching, its content type, status and more headers."""

    body: bytes
    cache_control: str
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def problem(
    status: int,
    error: str,
    description: str,
    *,
    cache_control: str = NO_STORE,
    **headers: str,
) -> Document:
    """Return a JSON document that explains an error, with the members of RFC 6749 §5.2.

    `headers` are additional headers, named with underscores for hyphens.
    """
    body = json.dumps({"error": error, "error_description": description}).encode("ascii")
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Document(body, cache_control, status=status, headers=named)


_METHOD_NOT_ALLOWED: Final = problem(
    405, "method_not_allowed", "This URL is read-only. Use GET.", Allow=METHODS
)
HTTPS_ONLY: Final = problem(
    403,
    "https_required",
    "This document is served only over https, so that nobody can replace its keys on the way. "
    f"Use {settings.PUBLIC_URL}.",
)
# An empty set would make verifiers drop good keys because of a failure of the portal.
DATABASE_FAILED: Final = problem(
    503,
    "temporarily_unavailable",
    "The portal cannot read its database. Try again in a few seconds.",
    Retry_After="5",
)
BUSY: Final = problem(
    503,
    "temporarily_unavailable",
    "The portal is too busy. Try again in a few seconds.",
    Retry_After="5",
)


class PublicDocument:
    """A document's view, from a function that takes the captured parts of the path.

    The function returns a `Document`. `ApiMiddleware` answers such views before other middleware.
    """

    __name__: str
    needs_https = True
    """Whether plain http is refused, unless ALLOW_HTTP_KEY_SETS is set."""

    def __init__(self, read: Callable[..., Document]) -> None:
        update_wrapper(self, read)
        self._read = read

    def __call__(self, request: HttpRequest, **captured: str) -> HttpResponse:
        """Answer a request. A database error becomes a 503 that caches do not store."""
        method = request.method or ""
        if method not in METHODS.split(", "):
            return _respond(render(_METHOD_NOT_ALLOWED, method))
        if method == "OPTIONS":
            return _respond(_preflight())
        if self.needs_https and not (settings.ALLOW_HTTP_KEY_SETS or request.is_secure()):
            response = _respond(render(HTTPS_ONLY, method))
            log_response("Refused over http: %s", request.path, response=response, request=request)
            return response
        answer = self.answer(method, request.headers.get("If-None-Match", ""), **captured)
        response = _respond(answer)
        return already_logged(response) if answer.is_logged else response

    def answer(self, method: str, if_none_match: str, **captured: str) -> Answer:
        """Return the response to a `GET` or `HEAD`. A database error becomes a 503."""
        try:
            document = self._read(**captured)
        except DatabaseFailure:
            logger.exception("A public document could not be read from the database")
            return render(DATABASE_FAILED, method)._replace(is_logged=True)
        return render(document, method, if_none_match)


class Probe(PublicDocument):
    """A document that is also served without TLS, for load balancers and monitors."""

    needs_https = False


Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """A response as it is sent, by Django or by the WSGI middleware.

    `is_logged` says whether its cause is in the log already.
    """

    status: int
    headers: Headers
    body: bytes
    is_logged: bool = False


def render(document: Document, method: str, if_none_match: str = "") -> Answer:
    """Return the response with this document, or 304 (RFC 9110 §15.4.5) if the client has it.

    `if_none_match` is the header of that name, empty if there is none.
    """
    headers = _common() | {"Cache-Control": document.cache_control, **document.headers}
    if document.status == 200 and document.cache_control != NO_STORE:
        headers["ETag"] = etag(document.body)
        if holds(if_none_match, headers["ETag"]):
            return Answer(304, tuple(headers.items()), b"")
    headers["Content-Length"] = str(len(document.body))
    headers["Content-Type"] = document.content_type
    body = b"" if method == "HEAD" else document.body
    return Answer(document.status, tuple(headers.items()), body)


def holds(if_none_match: str, tag: str) -> bool:
    """Return whether this `If-None-Match` header matches the entity tag."""
    # RFC 9110 §13.1.2: a list of tags, or * for any; compared weakly.
    held = parse_etags(if_none_match)
    return "*" in held or tag in {each.removeprefix("W/") for each in held}


def _preflight() -> Answer:
    """Return the response to OPTIONS, including a CORS preflight (Fetch §3.2.3)."""
    headers = _common() | {
        "Allow": METHODS,
        "Access-Control-Allow-Methods": METHODS,
        # * does not cover Authorization, which some clients always send.
        "Access-Control-Allow-Headers": "*, Authorization",
        "Access-Control-Max-Age": "86400",
        "Cache-Control": NO_STORE,
    }
    return Answer(204, tuple(headers.items()), b"")


def _respond(answer: Answer) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
    if "Content-Type" not in dict(answer.headers):
        del response.headers["Content-Type"]
    return response


def _common() -> dict[str, str]:
    """Return the headers of every document. Pages of any origin may read it (Fetch §3.2.3)."""
    return secure_headers() | {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag",
    }


def secure_headers() -> dict[str, str]:
    """Return the security headers. Browsers ignore HSTS over plain http (RFC 6797 §8.1)."""
    headers = {"X-Content-Type-Options": "nosniff"}
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = "; ".join(
            [f"max-age={settings.SECURE_HSTS_SECONDS}"]
            + ["includeSubDomains"] * settings.SECURE_HSTS_INCLUDE_SUBDOMAINS
            + ["preload"] * settings.SECURE_HSTS_PRELOAD
        )
    return headers
