"""What is common to all requests that enter Django: an id, and that they are counted."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.logs import REQUEST_ID_HEADER, request_id
from portal.metrics import REQUESTS, name_span, outcome_of


class RequestMiddleware:
    """Gives each request an id, and counts it with the time until its response was ready.

    Must be first in MIDDLEWARE.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the next response, with the id of the request."""
        began = perf_counter()
        named = request_id(request.META)
        response = self.get_response(request)
        response.headers[REQUEST_ID_HEADER] = named
        endpoint = _endpoint(request)
        name_span(request.META, endpoint)
        labels = endpoint, outcome_of(response.status_code)
        REQUESTS.labels(*labels).observe(perf_counter() - began)
        return response


def _endpoint(request: HttpRequest) -> str:
    """Return the name of the route, "static" for a static file, or "unknown"."""
    if request.resolver_match:
        return request.resolver_match.view_name or "unnamed"
    return "static" if request.path_info.startswith(settings.STATIC_URL) else "unknown"
