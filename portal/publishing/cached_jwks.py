"""WSGI middleware that serves key sets without entering Django."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.utils.log import log_response

from portal.publishing.jwks_cache import JwksCache
from portal.publishing.public_endpoint import Answer, PublicDocument, holds
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
    """
    starting = Lock()
    started = False
    # SQLite has no notifications, and reading its head takes microseconds.
    looks_first = connection.vendor == "sqlite"

    def start() -> None:
        """Start the threads at the first request, after any fork: a fork does not copy threads."""
        nonlocal started
        with starting:
            if not started and not looks_first:
                follower.start()
                start_filling()
            started = True

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not started:
            start()
        if looks_first:
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
            read = view.answer(method, held or "", client_id=found[1])
            start_response(_status_line(read, path), list(read.headers))
            return [read.body] if read.body else []
        _, _, tag, headers, headers_304, body = entry
        if held and holds(held, tag):
            start_response("304 Not Modified", list(headers_304))
            return []
        start_response("200 OK", list(headers))
        return [body] if method == "GET" else []

    return answer


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
