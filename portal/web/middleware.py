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
        if _fits(request.META.get("CONTENT_LENGTH") or "0"):
            return self.get_response(request)
        return show(request, "errors/413.html", fragment="notice", status=413)


def _fits(stated: str) -> bool:
    """Return whether a stated length is a plain number within the limit."""
    is_number = stated.isascii() and stated.isdecimal() and len(stated) < 20
    return is_number and int(stated) <= settings.MAX_REQUEST_BYTES
