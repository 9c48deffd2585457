"""Addresses that are shortened to their network."""

from __future__ import annotations

import pytest

from portal.core.networks import shorten


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", ""),
        ("unknown", ""),
        ("192.0.2.77" + " " * 1000, ""),
    ],
)
def test_is_a_network_or_nothing(address: str, network: str) -> None:
    assert shorten(address) == network
