"""The ways to make a key pair."""

from __future__ import annotations

import pytest

from portal.core.key_policy.policy import KeyPolicy
from portal.web.keys.guide import browser_key


@pytest.mark.parametrize(
    ("policy", "bits"),
    [
        (KeyPolicy(), 3072),
        (KeyPolicy(rsa_min_bits=4096), 4096),
        (KeyPolicy(rsa_max_bits=2048), 2048),
    ],
)
def test_rsa_key_of_a_browser_is_within_the_limits_of_the_policy(
    policy: KeyPolicy, bits: int
) -> None:
    assert browser_key(policy).rsa_bits == bits
