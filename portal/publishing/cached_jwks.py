"""WSGI middleware that serves cached key sets without entering Django."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import connection

from portal.publishing.jwks_cache import JwksCache
from portal.publishing.public_endpoint import holds
from portal.registry.follower import Follower

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def cached_jwks(
    application: Application,
    cache: JwksCache,
    follower: Follower,
    start_filling: Callable[[], object] = lambda: None,
) -> Application:
    """Return a WSGI application that serves cached sets and passes other requests to `application`.

    Both send the same bytes: the function that renders Django's responses also renders what is
    cached. Like Django's views, it reads only the path, the method, `If-None-Match` and whether the
    request came over https.
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
        entry = cache.find(environ["PATH_INFO"])
        method = environ["REQUEST_METHOD"]
        if (
            entry is None
            or method not in {"GET", "HEAD"}
            or not (settings.ALLOW_HTTP_KEY_SETS or _is_surely_https(environ))
        ):
            return application(environ, start_response)
        _, _, tag, headers, headers_304, body = entry
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held and holds(held, tag):
            start_response("304 Not Modified", list(headers_304))
            return []
        start_response("200 OK", list(headers))
        return [body] if method == "GET" else []

    return answer


def _is_surely_https(environ: dict[str, Any]) -> bool:
    """Return whether Django would certainly call the request secure. Django decides other cases."""
    if settings.SECURE_PROXY_SSL_HEADER:
        header, value = settings.SECURE_PROXY_SSL_HEADER
        return bool(environ.get(header) == value)
    return bool(environ["wsgi.url_scheme"] == "https")
