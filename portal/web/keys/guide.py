"""The ways to make a key pair, for users who have none yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from portal.core.algorithms import (
    JAVA_PUBLIC_HALF,
    OPENSSH_PUBLIC_HALF,
    PKCS12_PUBLIC_HALF,
    PUBLIC_HALF,
    Algorithm,
    generate_rsa,
)
from portal.core.key_policy.policy import KeyPolicy

LOOK = "openssl pkey -pubin -in public_key.pem -noout -text"
"""The command that prints the contents of a public key file."""

PUBLIC_HALVES: Final = {
    "any": PUBLIC_HALF,
    "openssh": OPENSSH_PUBLIC_HALF,
    "pkcs12": PKCS12_PUBLIC_HALF,
    "java": JAVA_PUBLIC_HALF,
}
"""The command that extracts the public key, by container. private-key.js uses the same names."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Three commands: make the private key, extract its public key, print the public key."""

    algorithm: Algorithm
    generate: str
    public_half: str = PUBLIC_HALF
    look: str = LOOK


_RSA_BITS: Final = 3072


def recipes(policy: KeyPolicy) -> tuple[Recipe, ...]:
    """Return the recipes for the recommended algorithms that the policy offers, at least for one.

    None if it offers none.
    """
    chosen = [each for each in policy.offered if each.recommended] or policy.offered[:1]
    rsa = generate_rsa(_rsa_bits(policy))
    return tuple(Recipe(each, rsa if each.kty == "RSA" else each.generate) for each in chosen)


def _rsa_bits(policy: KeyPolicy) -> int:
    return min(max(_RSA_BITS, policy.smallest_rsa), policy.rsa_max_bits)


@dataclass(frozen=True, slots=True)
class BrowserKey:
    """The keys that the portal takes from a browser; browser-key.js omits what it cannot make."""

    algorithms: tuple[Algorithm, ...]
    rsa_bits: int


def browser_key(policy: KeyPolicy) -> BrowserKey:
    """Return the algorithms of the policy, and a size for RSA keys within its limits."""
    return BrowserKey(policy.offered, _rsa_bits(policy))
