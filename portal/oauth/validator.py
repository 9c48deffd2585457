"""How django-oauth-toolkit asks whether a client is who it says."""

from __future__ import annotations

from oauth2_provider.oauth2_validators import OAuth2Validator


class Validator(OAuth2Validator):
    """The toolkit's validator."""
