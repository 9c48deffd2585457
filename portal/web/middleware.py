"""What every page has in common: a size it may have, and how a refusal looks."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

type_of_view = Callable[[HttpRequest], HttpResponse]


class RequestSizeMiddleware:
    """Refuses a body larger than MAX_REQUEST_BYTES by its stated length, before any of it is read."""

    def __init__(self, get_response: type_of_view) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 413, or what the next one answers."""
        stated = request.META.get("CONTENT_LENGTH") or "0"
        if stated.isdecimal() and int(stated[:20]) <= settings.MAX_REQUEST_BYTES:
            return self.get_response(request)
        return render(request, "errors/413.html", {"size": stated[:20]}, status=413)
