"""Shorten an address to its network, so that it names no machine and no person."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address
from typing import Final

_LONGEST: Final = 45
"""The length of the longest IPv6 address in text, with an IPv4 address at its end."""


@lru_cache(maxsize=4096)
def _shorten(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(parsed, IPv4Address):
        if parsed.ipv4_mapped is None:
            return str(IPv6Network((int(parsed), 48), strict=False))
        parsed = parsed.ipv4_mapped
    return str(IPv4Network((int(parsed), 24), strict=False))


def shorten(address: str) -> str:
    """Return the network of an address: "192.0.2.0/24", "2001:db8:1::/48"; "" if it is none."""
    # Long texts must not fill the cache.
    return _shorten(address) if len(address) <= _LONGEST else ""
