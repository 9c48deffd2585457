"""Middleware that limits requests before views read them, and the caching of responses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from portal import bulkhead
from portal.accounts.limits import View, within_limit
from portal.accounts.models import User
from portal.core.assertion.token_request import private_key_in
from portal.registry.actions.block_key import block_leaked_keys
from portal.web.errors import (
    private_key,
    signed_out,
    too_large,
    too_many_requests,
    unavailable,
)
from portal.web.render import wants_fragment


class NoStoreMiddleware:
    """Keeps pages out of all caches, so that nobody reads them after the user signs out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the next response; a Cache-Control header of its own stays."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class RequestSizeMiddleware:
    """Refuses a request whose Content-Length exceeds MAX_REQUEST_BYTES, before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 413, or return the next response."""
        if _fits(request.META.get("CONTENT_LENGTH") or "0"):
            return self.get_response(request)
        return too_large(request)


class BulkheadMiddleware:
    """Refuses a page while too many others wait for the database, or for slowly sent forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 503, or return the next response."""
        try:
            with bulkhead.pages:
                return self.get_response(request)
        except bulkhead.BulkheadFull:
            return unavailable(request, busy=True)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 for a view that got no slot when it used the database again."""
        return (
            unavailable(request, busy=True)
            if isinstance(exception, bulkhead.BulkheadFull)
            else None
        )


class SignInMiddleware(LoginRequiredMiddleware):
    """Redirects anonymous users to the sign-in page, but tells htmx that the user is signed out.

    htmx would put the sign-in page in place of the form, and the user's input would be lost.
    """

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., HttpResponseBase],
        view_args: tuple[object, ...],
        view_kwargs: dict[str, object],
    ) -> HttpResponseBase | None:
        """Answer 403 with a notice to an anonymous htmx request, else redirect."""
        redirect = super().process_view(request, view_func, view_args, view_kwargs)
        return signed_out(request) if redirect and wants_fragment(request) else redirect


class WriteRateMiddleware:
    """Limits how many forms one signed-in user sends (WRITE_RATE), as each leaves records.

    It counts the forms of all views except those with their own limit (`has_own_limit`), so a new
    page is limited without being named here.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the next response."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Answer 429 above the limit."""
        writes = request.method not in {"GET", "HEAD", "OPTIONS"} and request.user.is_authenticated
        if not writes or getattr(view, "has_own_limit", False) or within_limit(request, "write"):
            return None
        return too_many_requests(request)


class PrivateKeyMiddleware:
    """Refuses a form with a private key in a field for other text, and blocks the key.

    Labels, notes and names are stored permanently, so they must not contain a private key. The
    views of the fields that take keys (`_READ_BY_THEIR_PAGES`) check those fields themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the next response."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: View, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Answer 422 when a field contains a private key."""
        if not isinstance(request.user, User):
            return None
        fields = {
            name: values
            for name, values in request.POST.lists()
            if name not in _READ_BY_THEIR_PAGES and "password" not in name
        }
        refused = private_key_in(fields)
        if refused is None:
            return None
        if refused.leaked:
            block_leaked_keys(refused.leaked, by=request.user, client=None)
        return private_key(request, refused)


_READ_BY_THEIR_PAGES: Final = frozenset({"material", "paste", "assertion", "q"})


class NulMiddleware:
    """Refuses a NUL in the query, and in a cookie, where a quoted one can spell it (`\\000`).

    PostgreSQL accepts no NUL in text, so a query with one would fail. Form fields refuse NUL
    themselves, and path converters do so for paths.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 400, or return the next response."""
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query or any("\0" in value for value in request.COOKIES.values()):
            message = "The query or a cookie contains a NUL character."
            raise BadRequest(message)
        return self.get_response(request)


def _fits(stated: str) -> bool:
    """Return whether a Content-Length is a plain number within the limit."""
    is_number = stated.isascii() and stated.isdecimal() and len(stated) < 20
    return is_number and int(stated) <= settings.MAX_REQUEST_BYTES
