"""What a request may be like before anything reads it, and what is kept of an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from portal import bulkhead
from portal.accounts.limits import View, within_limit
from portal.accounts.mail import MailNotSent
from portal.accounts.models import User
from portal.core.assertion.token_request import private_key_in
from portal.registry.actions.block_key import block_leaked_keys
from portal.web.errors import mail_not_sent, private_key, too_many_requests, unavailable
from portal.web.render import show


class NoStoreMiddleware:
    """Lets no browser and no cache keep a page: what people see is theirs, until they sign out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer what the next one answers; what it says itself about caches stays."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class RequestSizeMiddleware:
    """Refuses a body larger than MAX_REQUEST_BYTES by its stated length, before it is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 413, or what the next one answers."""
        if _fits(request.META.get("CONTENT_LENGTH") or "0"):
            return self.get_response(request)
        return show(request, "web/errors/413.html", fragment="notice", status=413)


class BulkheadMiddleware:
    """Refuses a page while too many others wait for the database, or for forms sent slowly."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 503, or what the next one answers."""
        try:
            with bulkhead.pages:
                return self.get_response(request)
        except bulkhead.BulkheadFull:
            return unavailable(request, busy=True)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 for a view that got no slot when it came back to the database."""
        return (
            unavailable(request, busy=True)
            if isinstance(exception, bulkhead.BulkheadFull)
            else None
        )


class MailMiddleware:
    """Says it when a message could not be sent; nothing of what needs it was saved."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer what the next one answers."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer 503 where no message went out."""
        return mail_not_sent(request) if isinstance(exception, MailNotSent) else None


class WriteRateMiddleware:
    """Limits what one person does that stays on record, whichever page it is done on (WRITE_RATE).

    It counts each form that somebody sends who is signed in, unless its view has a limit of its
    own (`has_own_limit`): a new page is limited without being named anywhere.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer what the next one answers."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Answer 429 beyond the limit."""
        writes = request.method not in {"GET", "HEAD", "OPTIONS"} and request.user.is_authenticated
        if not writes or getattr(view, "has_own_limit", False) or within_limit(request, "write"):
            return None
        return too_many_requests(request)


class PrivateKeyMiddleware:
    """Refuses a form with a private key in a field that is for something else, and blocks the key.

    A label, a note or a name is kept for good, so that no private key may come into one. The fields
    that keys are pasted into (`_READ_BY_THEIR_PAGES`) are looked at by their own pages.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer what the next one answers."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: View, _args: object, _kwargs: object
    ) -> HttpResponse | None:
        """Answer 422 where there is one."""
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

    PostgreSQL takes no NUL in a text, so a look-up with one would be an error. Forms refuse it by
    themselves, and what stands in a path has a converter.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 400, or what the next one answers."""
        query = request.META.get("QUERY_STRING", "")
        if "%00" in query or any("\0" in value for value in request.COOKIES.values()):
            message = "The query or a cookie contains a NUL character."
            raise BadRequest(message)
        return self.get_response(request)


def _fits(stated: str) -> bool:
    """Return whether a stated length is a plain number within the limit."""
    is_number = stated.isascii() and stated.isdecimal() and len(stated) < 20
    return is_number and int(stated) <= settings.MAX_REQUEST_BYTES
