"""The WSGI application that granian serves."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

# A key set that is in memory takes microseconds, once its thread has the interpreter. Beside a page
# it waits so long for that: Python's own 5 ms would be most of its answer.
sys.setswitchinterval(0.0005)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
_django = get_wsgi_application()

from portal.publishing.cache_filler import CacheFiller  # noqa: E402 - Django first
from portal.publishing.cached_jwks import cached_jwks  # noqa: E402
from portal.publishing.jwks_cache import cache  # noqa: E402
from portal.registry.ledger_source import follower  # noqa: E402


def django(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request; everything in it is UTF-8, whatever charset it claims.

    Django would ask Python's codecs for the charset by its name before any middleware runs, for the
    query too: some are no text encodings, and others make lone surrogates.
    """
    kind, *parameters = environ.get("CONTENT_TYPE", "").split(";")
    kept = [each for each in parameters if not each.strip().lower().startswith("charset")]
    response = _django({**environ, "CONTENT_TYPE": ";".join([kind, *kept])}, start_response)
    if response.streaming and "Content-Length" not in response:
        return response
    # A list is handed over at once. From anything else the server takes a piece when the reader
    # has read the one before: a few slow readers of static files would hold all threads.
    try:
        return [b"".join(response)]
    finally:
        response.close()


application = (
    cached_jwks(django, cache, follower, CacheFiller(cache, follower).start)
    if cache.capacity
    else django
)
