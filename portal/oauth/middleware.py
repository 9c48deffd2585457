"""What machines ask, answered before anything else sees the request."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from portal.oauth.client_requests import ClientEndpoint
from portal.publishing.public_endpoint import PublicDocument


class ApiMiddleware:
    """Answers a `PublicDocument` or a `ClientEndpoint` right here; stands first in MIDDLEWARE.

    A verifier that meets a redirect to https, a check of the host, a sign-in or a cookie fails its
    refresh and keeps the old keys, revoked ones included; a client has neither session nor cookie.
    So nothing below this touches them, and none of it costs them time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer what a machine asks, or with what the next one answers."""
        try:
            found = resolve(request.path_info)
        except Resolver404:
            return self.get_response(request)
        if isinstance(found.func, PublicDocument | ClientEndpoint):
            return found.func(request, **found.kwargs)
        return self.get_response(request)
