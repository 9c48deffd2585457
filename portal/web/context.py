"""The context processor: variables available in every template."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from portal.publishing.bound import bound_text


def portal(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001 - Django's signature
    """Return the settings that pages mention."""
    return {"DEMO": settings.DEMO, "SIGN_UP": settings.SIGN_UP, "bound": bound_text()}
