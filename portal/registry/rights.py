"""What a client may ask for before an admin decides otherwise."""

from __future__ import annotations

from django.conf import settings

from portal.registry.choices import GrantType


def rights_of_new() -> dict[str, list[str]]:
    """Return the rights of a new client, by field: a client with None there has these."""
    return {
        "scopes": list(settings.SCOPES)[:1],
        "grant_types": list(GrantType.values),
        "resources": [],
    }
