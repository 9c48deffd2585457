"""The decorator of all console views: users who are not admins get 404."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods

from portal.accounts.models import User
from portal.registry.permissions import can_use_console


class AdminRequest(HttpRequest):
    """A request that passed `admin_view`: its user is an admin."""

    user: User


View = Callable[..., HttpResponseBase]


def admin_view(*methods: str) -> Callable[[View], View]:
    """Make a console view that accepts these methods.

    Anonymous users are redirected to sign in (SignInMiddleware). A user who is not an admin
    gets 404, exactly as for a path that does not exist.
    """

    def decorate(view: View) -> View:
        inner = never_cache(require_http_methods(list(methods))(csrf_protect(view)))

        # The CSRF check of the middleware would answer a stranger's POST with 403, and so reveal
        # that the path exists. The view makes the same check after the 404.
        @csrf_exempt
        @wraps(view)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not (isinstance(request.user, User) and can_use_console(request.user)):
                raise Http404
            return inner(request, *args, **kwargs)

        return wrapped

    return decorate
