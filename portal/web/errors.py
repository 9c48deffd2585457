"""The error pages.

An htmx request gets a short notice instead of a page. portal.js recognises it by its header and
shows it beside the button that was pressed. The pages that a person may have to ask an admin about
have a reference: the id of the request, which is also in the log.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from django.core.exceptions import BadRequest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.utils import timezone

from portal.accounts.limits import wait_for
from portal.core.reasons import Refused
from portal.logs import request_id
from portal.web.current_user import current_user
from portal.web.leaked_keys import leaked_keys_of
from portal.web.render import show, wants_fragment

_FRAGMENT: Final = "notice"
NOTICE_HEADER: Final = "Portal-Notice"
"""The header of a notice: "error". Proxies in front of the portal answer without it."""
CSRF_HEADER: Final = "X-CSRFToken"
USER_HEADER: Final = "Portal-User"
"""The header in which htmx names the user of the page (base.html)."""
_LIMITED: Final = {
    "account_login": "login",
    "account_signup": "signup",
    "account_reset_password": "reset_password",
    "account_reset_password_from_key": "reset_password_from_key",
    "account_change_password": "change_password",
    "account_email": "manage_email",
    "account_reauthenticate": "reauthenticate",
    "account_confirm_sign_up": "confirm_email",
    "account_email_verification_sent": "confirm_email",
}
"""The rate limit of allauth for each page."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400. The page shows the message of a `BadRequest`, which is always our own text."""
    why = exception.args[0] if isinstance(exception, BadRequest) else ""
    return _show(request, "400", {"why": why})


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403. The page shows the message of the `PermissionDenied`, if it has one."""
    why = exception.args[0] if exception.args else ""
    return _show(request, "403", {"why": why})


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer 404, the same for what does not exist and for what the user may not see."""
    return _show(request, "404")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 when the database does not answer.

    Django calls this while it handles the exception.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    return _show(request, "500")


def too_large(request: HttpRequest) -> HttpResponse:
    """Answer 413 to a request whose body is not read."""
    return _show(request, "413")


def signed_out(request: HttpRequest) -> HttpResponse:
    """Answer 403 to an anonymous htmx request, so that the page keeps the user's input."""
    return _show(request, "signed_out", status=403)


def unavailable(request: HttpRequest, *, busy: bool = False) -> HttpResponse:
    """Answer 503 with a page that renders without session, messages or sign-in.

    `busy`: the portal did not start the request. Otherwise the database has failed.
    """
    template = "web/errors/503.html" + (f"#{_FRAGMENT}" if wants_fragment(request) else "")
    context = {"busy": busy, "reference": request_id(request.META)}
    headers = {"Retry-After": "5", "Cache-Control": "no-store", "Vary": "HX-Request"}
    response = HttpResponse(render_to_string(template, context), status=503, headers=headers)
    return _marked(request, response)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer 403 to a form with a missing or old CSRF token; `reason` is for developers only.

    Django changes the token when a user signs in, also in another tab. The answer to htmx has the
    current token, so that portal.js can send the form again. Pages of other sites cannot read it,
    and a page of another user of this portal does not get it.
    """
    if wants_fragment(request) and not request.user.is_authenticated:
        return signed_out(request)
    response = _show(request, "csrf", status=403)
    if request.headers.get(USER_HEADER) == str(request.user.pk):
        response.headers[CSRF_HEADER] = get_token(request)
    return response


def private_key(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Answer 422 to a form with a private key in a field for other text, such as a note."""
    leaked_keys = leaked_keys_of(refused, current_user(request), timezone.now())
    context = {"refused": refused, "leaked_keys": leaked_keys}
    return _show(request, "private_key", context, status=422)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Answer 429, and say how long the rate limit of the page lasts."""
    name = request.resolver_match.url_name if request.resolver_match else None
    wait = wait_for(_LIMITED.get(name or "", "write"))
    return _show(request, "429", {"wait": wait})


def _show(
    request: HttpRequest, name: str, context: dict[str, Any] | None = None, *, status: int = 0
) -> HttpResponse:
    """Show the page or the notice of this name, which is the status unless that is given."""
    template, status = f"web/errors/{name}.html", status or int(name)
    context = {"reference": request_id(request.META)} | (context or {})
    return _marked(request, show(request, template, context, fragment=_FRAGMENT, status=status))


def _marked(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    if wants_fragment(request):
        response.headers[NOTICE_HEADER] = "error"
    return response
