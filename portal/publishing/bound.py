"""The bound on how long a change of keys takes to appear in a fetched JWKS."""

from __future__ import annotations

from math import ceil
from typing import Final

from django.conf import settings

from portal.publishing.caching import NGINX_SECONDS
from portal.registry.follower import BOUND_S

_NGINX_S: Final = NGINX_SECONDS + 2
"""What nginx adds in the worst case: whole seconds, and old sets while another request fetches."""


def bound_seconds() -> int:
    """Return the number of seconds until a fetched JWKS has a change, in the worst case.

    Includes a proxy (TRUSTED_PROXY_COUNT), configured as in `deploy/nginx.conf`. Caches that obey
    `max-age` add JWKS_MAX_AGE, and verifiers add their own caching.
    """
    return ceil(BOUND_S) + (_NGINX_S if settings.ALLAUTH_TRUSTED_PROXY_COUNT else 0)


def bound_text() -> str:
    """Return the bound as text for pages: "within 5 seconds, usually within 2"."""
    seconds = bound_seconds()
    usually = f", usually within {BOUND_S:.0f}" if seconds > BOUND_S else ""
    return f"within {seconds} seconds{usually}"
