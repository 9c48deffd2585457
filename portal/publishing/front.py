"""What is asked most is answered here, before Django is entered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any

from django.conf import settings

from portal.publishing.jwks_cache import Shelf
from portal.publishing.public_endpoint import holds
from portal.registry.changes import Look, watch

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Front:
    """A WSGI application that answers from the shelf, and hands on everything else.

    Both give the same bytes: what is on the shelf was rendered by the function that Django's views
    use. As those, it looks at path, method, `If-None-Match` and whether the request came over
    https, and at nothing else.
    """

    def __init__(self, application: Application, shelf: Shelf) -> None:
        self._application = application
        self._shelf = shelf
        self._is_watched = False
        self._look: Look | None = None
        self._starting = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer one request."""
        if not self._is_watched:
            self._start()
        if self._look:
            self._look()
        prepared = self._shelf.find(environ["PATH_INFO"])
        method = environ["REQUEST_METHOD"]
        if (
            prepared is None
            or method not in {"GET", "HEAD"}
            or not (settings.ALLOW_HTTP_KEY_SETS or _is_surely_https(environ))
        ):
            return self._application(environ, start_response)
        _, tag, headers, headers_304, body = prepared
        held = environ.get("HTTP_IF_NONE_MATCH")
        if held and holds(held, tag):
            start_response("304 Not Modified", list(headers_304))
            return []
        start_response("200 OK", list(headers))
        return [body] if method == "GET" else []

    def _start(self) -> None:
        """Begin to watch for changes with the first request: a process that forks has none."""
        with self._starting:
            if not self._is_watched:
                self._look = watch(self._shelf)
                self._is_watched = True


def _is_surely_https(environ: dict[str, Any]) -> bool:
    """Return whether Django would say so too; what is less plain is left to Django."""
    if settings.SECURE_PROXY_SSL_HEADER:
        header, value = settings.SECURE_PROXY_SSL_HEADER
        return bool(environ.get(header) == value)
    return bool(environ["wsgi.url_scheme"] == "https")
