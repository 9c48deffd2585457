"""django-oauth-toolkit with our grants and validator."""

from __future__ import annotations

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.settings import oauth2_settings

from portal.oauth.grants import GrantServer
from portal.oauth.validator import Validator
from portal.registry.actions import Authenticated


class Toolkit(OAuthLibCore):
    """Converts a request of Django to one of oauthlib, as the toolkit does."""

    def __init__(self, authenticated: Authenticated) -> None:
        """Serve one request of this client."""
        super().__init__(grant_server(authenticated))

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Return the parameters. RFC 6749 §3.2: one without a value is treated as omitted."""
        lists = request.POST.lists()
        return [(name, str(value)) for name, values in lists for value in values if value]


def grant_server(authenticated: Authenticated | None = None) -> GrantServer:
    """Return the endpoints of oauthlib for one request of this client, or of a user if None."""
    return GrantServer(Validator(authenticated), **oauth2_settings.server_kwargs)
