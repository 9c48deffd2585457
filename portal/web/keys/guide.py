"""The commands that make a key pair, for people who have none yet."""

from __future__ import annotations

from dataclasses import dataclass

from portal.core.algorithms import ALGORITHMS, PUBLIC_HALF, Algorithm

LOOK = "openssl pkey -pubin -in public_key.pem -noout -text"
"""The command that shows what is in a public key file."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Three commands: make the private key, take its public half, look at that."""

    algorithm: Algorithm
    generate: str
    public_half: str = PUBLIC_HALF
    look: str = LOOK


def recipes() -> tuple[Recipe, ...]:
    """Return the recipes for the recommended algorithms."""
    return tuple(Recipe(each, each.generate) for each in ALGORITHMS.values() if each.recommended)
