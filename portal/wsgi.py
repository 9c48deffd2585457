"""The WSGI application that granian serves."""

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

# Serving a cached key set takes microseconds once its thread holds the interpreter lock. Beside a
# thread that renders a page it waits for this interval: Python's 5 ms would be most of its time.
sys.setswitchinterval(0.0005)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
_django = get_wsgi_application()

from django.conf import settings  # noqa: E402 - Django first
from django.db import connection  # noqa: E402

from portal import bulkhead  # noqa: E402
from portal.monitoring.collectors import of_process  # noqa: E402
from portal.monitoring.serve import serve_metrics  # noqa: E402
from portal.oauth.fast_tokens import FastTokens, fast_tokens  # noqa: E402
from portal.publishing.cache_filler import CacheFiller  # noqa: E402
from portal.publishing.cached_jwks import Application, cached_jwks  # noqa: E402
from portal.publishing.jwks_cache import cache  # noqa: E402
from portal.publishing.views import VIEWS  # noqa: E402
from portal.registry.fast_authentication import FastAuthentication  # noqa: E402
from portal.registry.issuing import TokenDatabase  # noqa: E402
from portal.registry.ledger_source import follower  # noqa: E402
from portal.registry.signing_keys import SigningKeys  # noqa: E402


def django(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request, decoded as UTF-8 whatever charset it declares.

    Before any middleware runs, Django would look up the charset among Python's codecs, for the
    query too. Some codecs are not text encodings, and others produce lone surrogates.
    """
    kind, *parameters = environ.get("CONTENT_TYPE", "").split(";")
    kept = [each for each in parameters if not each.strip().lower().startswith("charset")]
    response = _django({**environ, "CONTENT_TYPE": ";".join([kind, *kept])}, start_response)
    if response.streaming and "Content-Length" not in response:
        return response
    # A list is sent at once. From any other iterable the server takes a piece when the reader has
    # read the previous one: a few slow readers of static files would hold all threads.
    try:
        return [b"".join(response)]
    finally:
        response.close()


application: Application = django
if connection.vendor == "postgresql":
    fast = FastAuthentication(SigningKeys(follower), TokenDatabase(), waiting=bulkhead.TOKENS)
    application = fast_tokens(application, FastTokens(fast), follower)
if settings.TRACES_URL:
    from portal.monitoring.tracing import new_provider, traced

    application = traced(application, new_provider(settings.TRACES_URL).get_tracer("portal"))
if cache.capacity:
    start_filling = CacheFiller(cache, follower).start
    application = cached_jwks(application, cache, follower, start_filling, VIEWS)
# Each process imports this module after any fork, so the thread is its own.
serve_metrics(of_process)
