"""The error pages.

An htmx request gets a short notice instead of a page; base.html shows it in the messages area.
"""

from __future__ import annotations

import sys
from typing import Final

from django.core.exceptions import BadRequest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django_htmx.http import reswap, retarget

from portal.accounts.limits import wait_for
from portal.core.reasons import Refused
from portal.web.current_user import current_user
from portal.web.leaked_keys import leaked_keys_of
from portal.web.render import show, wants_fragment

_FRAGMENT: Final = "notice"
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
    return show(request, "web/errors/400.html", {"why": why}, fragment=_FRAGMENT, status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403. The page shows the message of the `PermissionDenied`, if it has one."""
    why = exception.args[0] if exception.args else ""
    return show(request, "web/errors/403.html", {"why": why}, fragment=_FRAGMENT, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer 404, the same for what does not exist and for what the user may not see."""
    return show(request, "web/errors/404.html", fragment=_FRAGMENT, status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500, or 503 when the database does not answer.

    Django calls this while it handles the exception.
    """
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    return show(request, "web/errors/500.html", fragment=_FRAGMENT, status=500)


def unavailable(request: HttpRequest, *, busy: bool = False) -> HttpResponse:
    """Answer 503 with a page that renders without session, messages or sign-in.

    `busy`: the portal did not start the request. Otherwise the database has failed.
    """
    return _unavailable(request, {"busy": busy})


def mail_not_sent(request: HttpRequest) -> HttpResponse:
    """Answer 503 to a request that needs an e-mail which could not be sent."""
    return _unavailable(request, {"mail": True})


def _unavailable(request: HttpRequest, context: dict[str, bool]) -> HttpResponse:
    template = "web/errors/503.html" + (f"#{_FRAGMENT}" if wants_fragment(request) else "")
    headers = {"Retry-After": "5", "Cache-Control": "no-store", "Vary": "HX-Request"}
    return HttpResponse(render_to_string(template, context), status=503, headers=headers)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Answer 403 to a form with a missing or old CSRF token; `reason` is for developers only."""
    return show(request, "web/errors/csrf.html", fragment=_FRAGMENT, status=403)


def private_key(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Answer 422 to a form with a private key in a field for other text, such as a note."""
    leaked_keys = leaked_keys_of(refused, current_user(request), timezone.now())
    context = {"refused": refused, "leaked_keys": leaked_keys}
    response = show(request, "web/errors/private_key.html", context, fragment=_FRAGMENT, status=422)
    return reswap(retarget(response, "#messages"), "innerHTML")


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Answer 429, and say how long the rate limit of the page lasts."""
    name = request.resolver_match.url_name if request.resolver_match else None
    context = {"wait": wait_for(_LIMITED.get(name or "", "write"))}
    response = show(request, "web/errors/429.html", context, fragment=_FRAGMENT, status=429)
    # Views that answer 429 themselves show it beside their form; here there is no form.
    return reswap(retarget(response, "#messages"), "innerHTML")
