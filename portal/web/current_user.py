"""The user of a request."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from portal.accounts.models import User


def current_user(request: HttpRequest) -> User:
    """Return the signed-in user. SignInMiddleware redirects everybody else to sign in."""
    return cast("User", request.user)
