"""Who is asking."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from portal.accounts.models import User


def person(request: HttpRequest) -> User:
    """Return the person who is signed in; LoginRequiredMiddleware lets nobody else near a view."""
    return cast("User", request.user)
