"""django-oauth-toolkit with our server and validator, made once in each process."""

from __future__ import annotations

from functools import cache

from oauth2_provider.oauth2_backends import OAuthLibCore, get_oauthlib_core


@cache
def toolkit() -> OAuthLibCore:
    """Return it; it keeps nothing of a request."""
    return get_oauthlib_core()
