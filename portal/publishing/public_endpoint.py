"""Public documents: what anybody may fetch, answered the same for everybody.

A document's view never sees the request, so that its bytes cannot depend on the host, cookies,
`Accept`, forwarding headers or the query. Here is what all documents have in common on the wire:
`GET`, `HEAD` and `OPTIONS`, entity tags, CORS and what is said when the database does not answer.
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
    """What a view answers: the bytes, how long they may be reused, and what they are."""

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
    """Return a JSON document that says to a person what is wrong, in the members of RFC 6749 §5.2.

    `headers` are further ones, with underscores for hyphens.
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
# An empty set in its place would evict good keys from verifiers because of a failure of ours.
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
    """A document's view, made of a function from the captured parts of the path to a `Document`.

    `ApiMiddleware` answers such views before anything else sees the request.
    """

    needs_https = True
    """Whether it is refused over plain http, unless ALLOW_HTTP_KEY_SETS."""

    def __init__(self, read: Callable[..., Document]) -> None:
        update_wrapper(self, read)
        self._read = read

    def __call__(self, request: HttpRequest, **captured: str) -> HttpResponse:
        """Answer a request; the database's failure becomes a 503 that no cache keeps."""
        method = request.method or ""
        if method not in METHODS.split(", "):
            return _respond(render(_METHOD_NOT_ALLOWED, method))
        if method == "OPTIONS":
            return _respond(_preflight())
        if self.needs_https and not (settings.ALLOW_HTTP_KEY_SETS or request.is_secure()):
            response = _respond(render(HTTPS_ONLY, method))
            log_response("Refused over http: %s", request.path, response=response, request=request)
            return response
        try:
            document = self._read(**captured)
        except DatabaseFailure:
            logger.exception("A public document could not be read from the database")
            return already_logged(_respond(render(DATABASE_FAILED, method)))
        return _respond(render(document, method, request.headers.get("If-None-Match", "")))


class Probe(PublicDocument):
    """A document for those who ask by address and without TLS: load balancers and monitors."""

    needs_https = False


Headers = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """What goes onto the wire, byte for byte, whoever writes it there."""

    status: int
    headers: Headers
    body: bytes


def render(document: Document, method: str, if_none_match: str = "") -> Answer:
    """Return the answer with this document, or 304 (RFC 9110 §15.4.5) when the asker has it.

    `if_none_match` is the header of that name, empty when there is none.
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
    """Tell whether an asker with this `If-None-Match` holds the bytes with this tag already."""
    # RFC 9110 §13.1.2: a list, or a star for anything; compared weakly.
    held = parse_etags(if_none_match)
    return "*" in held or tag in {each.removeprefix("W/") for each in held}


def _preflight() -> Answer:
    """Return the answer to OPTIONS, which is also the one to a CORS preflight (Fetch §3.2.3)."""
    headers = _common() | {
        "Allow": METHODS,
        "Access-Control-Allow-Methods": METHODS,
        # The star does not cover Authorization, which some clients send everywhere.
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
    """Return the headers of every document: pages of any origin may read it (Fetch §3.2.3)."""
    return secure_headers() | {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "ETag",
    }


def secure_headers() -> dict[str, str]:
    """Return the headers of every answer to a machine. HSTS counts on https (RFC 6797 §8.1)."""
    headers = {"X-Content-Type-Options": "nosniff"}
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = "; ".join(
            [f"max-age={settings.SECURE_HSTS_SECONDS}"]
            + ["includeSubDomains"] * settings.SECURE_HSTS_INCLUDE_SUBDOMAINS
            + ["preload"] * settings.SECURE_HSTS_PRELOAD
        )
    return headers
