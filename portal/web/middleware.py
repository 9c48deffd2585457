"""How large a request may be."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from portal.web.render import show


class RequestSizeMiddleware:
    """Refuses a body larger than MAX_REQUEST_BYTES by its stated length, before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 413, or what the next one answers."""
        stated = request.META.get("CONTENT_LENGTH") or "0"
        if stated.isdecimal() and int(stated[:20]) <= settings.MAX_REQUEST_BYTES:
            return self.get_response(request)
        return show(request, "errors/413.html", fragment="notice", status=413)
