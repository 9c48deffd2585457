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

from oauth2_provider.models import AbstractApplication
from oauthlib.oauth2.rfc6749.errors import MissingRedirectURIError


class ToolkitClient:
    """The toolkit's questions about a client. A mix-in of `Client`, which has the fields."""

    redirect_uris: list[str]
    suspended_at: datetime | None

    # By the toolkit's names. Its views ask for all of them when they are loaded, though only those
    # of two grants are served here.
    CLIENT_PUBLIC: Final = AbstractApplication.CLIENT_PUBLIC
    CLIENT_CONFIDENTIAL: Final = AbstractApplication.CLIENT_CONFIDENTIAL
    GRANT_AUTHORIZATION_CODE: Final = AbstractApplication.GRANT_AUTHORIZATION_CODE
    GRANT_CLIENT_CREDENTIALS: Final = AbstractApplication.GRANT_CLIENT_CREDENTIALS
    GRANT_IMPLICIT: Final = AbstractApplication.GRANT_IMPLICIT
    GRANT_OPENID_HYBRID: Final = AbstractApplication.GRANT_OPENID_HYBRID
    GRANT_PASSWORD: Final = AbstractApplication.GRANT_PASSWORD

    RegistrationSource = AbstractApplication.RegistrationSource

    registration_source = RegistrationSource.MANUAL
    client_type = CLIENT_CONFIDENTIAL
    skip_authorization = False

    def is_usable(self, _request: object) -> bool:
        """Return whether the client may do anything now; a suspended one may not."""
        return self.suspended_at is None

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Return whether one of these is open to the client. With a person it takes an address."""
        allowed = {self.GRANT_CLIENT_CREDENTIALS}
        if self.redirect_uris:
            allowed.add(self.GRANT_AUTHORIZATION_CODE)
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
