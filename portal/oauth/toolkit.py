"""django-oauth-toolkit with our server and validator, made once in each process."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore, get_oauthlib_core


class Toolkit(OAuthLibCore):
    """The toolkit's way from a request of Django to one of oauthlib."""

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the parameters. RFC 6749 §3.2: one without a value is as if it were not there."""
        lists = request.POST.lists()
        return [(name, str(value)) for name, values in lists for value in values if value]


@cache
def toolkit() -> OAuthLibCore:
    """Return it; it keeps nothing of a request."""
    return get_oauthlib_core()
