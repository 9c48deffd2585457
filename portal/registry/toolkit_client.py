"""What django-oauth-toolkit asks of an application, answered by our `Client`.

The toolkit's own application has a secret, a type, one grant and a list of addresses as text. Ours
has none of that to store: every client is confidential, signs in with its keys, and may use the
grants that its facts allow. So `Client` is the toolkit's application (ADR 0008), and this is all it
takes.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.conf import settings
from oauth2_provider.models import AbstractApplication
from oauthlib.oauth2.rfc6749.errors import MissingRedirectURIError

from portal.registry.choices import GrantType
from portal.registry.redirect_uris import is_registered


class ToolkitClient:
    """The toolkit's questions about a client. A mix-in of `Client`, which has the fields."""

    redirect_uris: list[str]
    scopes: list[str] | None
    grant_types: list[str] | None
    resources: list[str] | None
    suspended_at: datetime | None

    # The toolkit asks every client, as some of its own come from a document that it fetches again.
    RegistrationSource = AbstractApplication.RegistrationSource
    registration_source = RegistrationSource.MANUAL

    client_type: Final = AbstractApplication.CLIENT_CONFIDENTIAL

    def is_usable(self, _request: object) -> bool:
        """Return whether the client may do anything now; a suspended one may not."""
        return self.suspended_at is None

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Return whether one of these, as the toolkit spells them, is open to the client."""
        return any(self.may_use(each.replace("-", "_")) for each in grant_types)

    def may_use(self, grant_type: str) -> bool:
        """Return whether the client may get tokens so; for people it takes a redirect address."""
        if grant_type != GrantType.CLIENT_CREDENTIALS and not self.redirect_uris:
            return False
        return grant_type in self.allowed_grant_types

    def redirect_uri_allowed(self, uri: str) -> bool:
        """Return whether people may be sent there."""
        return is_registered(uri, self.redirect_uris)

    @property
    def allowed_scopes(self) -> list[str]:
        """The scopes that the client may ask for, of those that exist; a new one has the first."""
        given = list(settings.SCOPES)[:1] if self.scopes is None else self.scopes
        return [each for each in settings.SCOPES if each in given]

    @property
    def allowed_grant_types(self) -> list[str]:
        """How the client may get tokens; a new one in every way."""
        return list(GrantType.values) if self.grant_types is None else self.grant_types

    @property
    def allowed_resources(self) -> list[str]:
        """The resources that the client may ask for, of those that exist; a new one for none."""
        return [each for each in settings.RESOURCES if each in (self.resources or ())]

    @property
    def default_redirect_uri(self) -> str:
        """The address to use when none is named: the only one. Raises `MissingRedirectURIError`."""
        if len(self.redirect_uris) != 1:
            raise MissingRedirectURIError
        return self.redirect_uris[0]
