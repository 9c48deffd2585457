"""WSGI middleware that serves key sets without entering Django."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from time import perf_counter
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.utils.log import log_response

from portal.logs import REQUEST_ID_HEADER, REQUEST_ID_VARIABLE, given_request_id, request_id
from portal.metrics import HITS, HITS_304, REQUESTS, outcome_of
from portal.publishing.jwks_cache import JwksCache
from portal.publishing.public_endpoint import Answer, Headers, PublicDocument, holds
from portal.registry.follower import Follower
from portal.registry.regexes import CLIENT_ID

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PATH: Final = re.compile(rf"/clients/({CLIENT_ID})/([a-z.-]+)")


def cached_jwks(
    application: Application,
    cache: JwksCache,
    follower: Follower,
    start_filling: Callable[[], object] = lambda: None,
    views: Mapping[str, PublicDocument] = MappingProxyType({}),
) -> Application:
    """Return a WSGI application that serves key sets and passes other requests to `application`.

    For a set that is not in memory it calls one of `views`, which has them by their names in the
    path. Both send the same bytes: the function that renders Django's responses also renders what
    is cached. Like Django's views, it reads only the path, the method, `If-None-Match` and whether
    the request came over https.

    A set from memory is counted and not timed, and answered with the id of its request only if it
    came with one: its microseconds say nothing, and no line of the log has the id.
    """
    starting = Lock()
    started = False
    # SQLite has no notifications, and reading its head takes microseconds.
    polls_first = connection.vendor == "sqlite"

    def start() -> None:
        """Start the threads at the first request, after any fork: a fork does not copy threads."""
        nonlocal started
        with starting:
            if not started and not polls_first:
                follower.start()
                start_filling()
            started = True

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not started:
            start()
        if polls_first:
            follower.step()
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        held = environ.get("HTTP_IF_NONE_MATCH")
        if method not in {"GET", "HEAD"} or not (
            settings.ALLOW_HTTP_KEY_SETS or is_surely_https(environ)
        ):
            return application(environ, start_response)
        entry = cache.find(path)
        if entry is None:
            found = _PATH.fullmatch(path)
            view = views.get(found[2]) if found else None
            if found is None or view is None:
                return application(environ, start_response)
            return _read(environ, start_response, view, found[1])
        _, _, tag, headers, headers_304, body = entry
        given = _given(environ) if REQUEST_ID_VARIABLE in environ else ()
        if held and holds(held, tag):
            HITS_304.add()
            start_response("304 Not Modified", [*headers_304, *given])
            return []
        HITS.add()
        start_response("200 OK", [*headers, *given])
        return [body] if method == "GET" else []

    return answer


def _read(
    environ: dict[str, Any],
    start_response: Callable[..., Any],
    view: PublicDocument,
    client_id: str,
) -> list[bytes]:
    """Answer with a set that is not in memory."""
    began, named = perf_counter(), request_id(environ)
    held = environ.get("HTTP_IF_NONE_MATCH", "")
    found = view.answer(environ["REQUEST_METHOD"], held, client_id=client_id)
    endpoint = view.__name__
    REQUESTS.labels(endpoint, outcome_of(found.status)).observe(perf_counter() - began)
    headers = [*found.headers, (REQUEST_ID_HEADER, named)]
    start_response(_status_line(found, environ["PATH_INFO"]), headers)
    return [found.body] if found.body else []


def _given(environ: dict[str, Any]) -> Headers:
    """Return the header with the id that a request came with, if it is fit."""
    given = given_request_id(environ)
    return ((REQUEST_ID_HEADER, given),) if given else ()


def _status_line(answer: Answer, path: str) -> str:
    """Return the status with its phrase, and log it where Django would."""
    response = HttpResponse(status=answer.status)
    if answer.status >= 400 and not answer.is_logged:
        log_response("%s: %s", response.reason_phrase, path, response=response)
    return f"{answer.status} {response.reason_phrase}"


def is_surely_https(environ: Mapping[str, Any]) -> bool:
    """Return whether Django would certainly call the request secure. Django decides other cases."""
    if settings.SECURE_PROXY_SSL_HEADER:
        header, value = settings.SECURE_PROXY_SSL_HEADER
        return bool(environ.get(header) == value)
    return bool(environ["wsgi.url_scheme"] == "https")
