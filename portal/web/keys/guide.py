"""The commands that make a key pair, for users who have none yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from portal.core.algorithms import (
    ALGORITHMS,
    JAVA_PUBLIC_HALF,
    OPENSSH_PUBLIC_HALF,
    PKCS12_PUBLIC_HALF,
    PUBLIC_HALF,
    Algorithm,
)

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


def recipes() -> tuple[Recipe, ...]:
    """Return the recipes for the recommended algorithms."""
    return tuple(Recipe(each, each.generate) for each in ALGORITHMS.values() if each.recommended)
