"""Answer requests of machines before any other middleware."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve

from portal.oauth.client_requests import ClientEndpoint
from portal.publishing.public_endpoint import PublicDocument


class ApiMiddleware:
    """Answers a `PublicDocument` or a `ClientEndpoint` itself; before all that is for people.

    If a verifier gets a redirect to https, a refusal of its Host header, a sign-in page or a
    cookie, its refresh fails and it keeps the old keys, revoked ones included. A client has neither
    session nor cookie. So no other middleware sees these requests or costs them time.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request of a machine, or return the next response."""
        try:
            found = resolve(request.path_info)
        except Resolver404:
            return self.get_response(request)
        if isinstance(found.func, PublicDocument | ClientEndpoint):
            # As Django's handler does, which this request never reaches.
            request.resolver_match = found
            return found.func(request, **found.kwargs)
        return self.get_response(request)
