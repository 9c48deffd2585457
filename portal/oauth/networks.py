"""The network that a client's request came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from portal.core.networks import shorten


def network_of(environ: Mapping[str, Any]) -> str:
    """Return the network as it is stored; "" if it is not kept or unknown.

    Behind proxies (TRUSTED_PROXY_COUNT), the address is the one that the first of them saw.
    """
    if not settings.KEEP_NETWORKS:
        return ""
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    if not proxies:
        return shorten(environ.get("REMOTE_ADDR", ""))
    hops = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
    return shorten(hops[-proxies].strip()) if len(hops) >= proxies else ""
