"""The interface that django-oauth-toolkit expects of an application, implemented for `Client`.

The toolkit's own application stores a secret, a type, one grant type and redirect URIs as text. Our
client stores none of these: it is always confidential, authenticates with its keys, and may use the
grant types that its fields allow. So `Client` is the toolkit's application (ADR 0008).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.conf import settings
from oauth2_provider.models import AbstractApplication
from oauthlib.oauth2.rfc6749.errors import MissingRedirectURIError

from portal.registry.choices import GrantType
from portal.registry.redirect_uris import is_registered

_GRANT_TYPES: Final = GrantType.values  # Django makes them again each time


class ToolkitClient:
    """The methods that the toolkit calls. A mix-in of `Client`, which has the fields."""

    redirect_uris: list[str]
    scopes: list[str] | None
    grant_types: list[str] | None
    resources: list[str] | None
    suspended_at: datetime | None
    archived_at: datetime | None

    # The toolkit reads this of every client: it refetches those that come from a metadata document.
    RegistrationSource = AbstractApplication.RegistrationSource
    registration_source = RegistrationSource.MANUAL

    client_type: Final = AbstractApplication.CLIENT_CONFIDENTIAL

    def is_usable(self, _request: object) -> bool:
        """Return whether the client may be used. A suspended or archived one may not."""
        return self.suspended_at is None and self.archived_at is None

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Return whether the client may use one of these, in the toolkit's spelling."""
        return any(self.may_use(each.replace("-", "_")) for each in grant_types)

    def may_use(self, grant_type: str) -> bool:
        """Return whether the client may use this grant type.

        All but client_credentials need a redirect URI.
        """
        if grant_type != GrantType.CLIENT_CREDENTIALS and not self.redirect_uris:
            return False
        return grant_type in self.allowed_grant_types

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Return whether the client has registered this redirect URI."""
        return is_registered(uri, self.redirect_uris)

    @property
    def allowed_scopes(self) -> list[str]:
        """The configured scopes that the client may request. A new client has the first one."""
        given = list(settings.SCOPES)[:1] if self.scopes is None else self.scopes
        return [each for each in settings.SCOPES if each in given]

    @property
    def allowed_grant_types(self) -> list[str]:
        """The grant types that the client may use. A new client has all of them."""
        return list(_GRANT_TYPES) if self.grant_types is None else self.grant_types

    @property
    def allowed_resources(self) -> list[str]:
        """The configured resources that the client may request. A new client has none."""
        return [each for each in settings.RESOURCES if each in (self.resources or ())]

    @property
    def default_redirect_uri(self) -> str:
        """The only redirect URI, for requests that name none. Raises `MissingRedirectURIError`."""
        if len(self.redirect_uris) != 1:
            raise MissingRedirectURIError
        return self.redirect_uris[0]
