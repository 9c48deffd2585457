"""What django-oauth-toolkit asks of an application, answered by our `Client`.

The toolkit's own application has a secret, a type, one grant and a list of addresses as text. Ours
has none of that to store: every client is confidential, signs in with its keys, and may use the
grants that its facts allow. So `Client` is the toolkit's application (ADR 0008), and this is all it
takes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from oauthlib.oauth2.rfc6749.errors import MissingRedirectURIError

AUTHORIZATION_CODE: Final = "authorization-code"
CLIENT_CREDENTIALS: Final = "client-credentials"
"""Grants by the toolkit's names."""


class ToolkitClient:
    """The toolkit's questions about a client. A mix-in of `Client`, which has the fields."""

    redirect_uris: list[str]
    suspended_at: datetime | None

    client_type = "confidential"
    skip_authorization = False

    def is_usable(self, _request: object) -> bool:
        """Return whether the client may do anything now; a suspended one may not."""
        return self.suspended_at is None

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Return whether one of these is open to the client. With a person it takes an address."""
        allowed = {CLIENT_CREDENTIALS} | ({AUTHORIZATION_CODE} if self.redirect_uris else set())
        return not allowed.isdisjoint(grant_types)

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Return whether people may be sent there: compared as text (RFC 9700 §4.1.3)."""
        return uri in self.redirect_uris

    @property
    def default_redirect_uri(self) -> str:
        """The address to use when none is named: the only one. Raises `MissingRedirectURIError`."""
        if len(self.redirect_uris) != 1:
            raise MissingRedirectURIError
        return self.redirect_uris[0]

    def get_allowed_schemes(self) -> list[str]:
        """Return the schemes of the addresses that the client has registered."""
        return sorted({urlsplit(uri).scheme for uri in self.redirect_uris})
