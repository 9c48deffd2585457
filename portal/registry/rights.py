"""The default rights of a client."""

from __future__ import annotations

from django.conf import settings

from portal.registry.choices import GrantType


def rights_of_new() -> dict[str, list[str]]:
    """Return the rights of a new client by field. None in a client's field means these."""
    return {
        "scopes": list(settings.SCOPES)[:1],
        "grant_types": list(GrantType.values),
        "resources": [],
    }
