"""How soon a change of keys shows to whoever fetches a JWKS: the one place that says it."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from portal.publishing.caching import NGINX_SECONDS
from portal.registry.follower import BOUND_S

_NGINX_S: Final = NGINX_SECONDS + 2
"""What nginx adds in the worst case: it counts whole seconds, and another request may fetch."""


def bound_seconds() -> int:
    """Return after how many seconds a fetched JWKS has a change, in the worst case.

    With a proxy in front (TRUSTED_PROXY_COUNT) as `deploy/nginx.conf` sets it up. Caches that go by
    `max-age` add JWKS_MAX_AGE, and verifiers their own times.
    """
    return int(BOUND_S) + (_NGINX_S if settings.ALLAUTH_TRUSTED_PROXY_COUNT else 0)


def bound_text() -> str:
    """Return the same as pages say it: "within 5 seconds, usually within 2"."""
    seconds = bound_seconds()
    usually = f", usually within {BOUND_S:.0f}" if seconds > BOUND_S else ""
    return f"within {seconds} seconds{usually}"
