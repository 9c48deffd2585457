"""Judging a key again that was trusted before: what is known of keys grows."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Final

from portal.core.known_keys import KNOWN_KEYS
from portal.core.pem import parse_public_key
from portal.core.policy import RSA_CEILING, RSA_FLOOR, KeyPolicy
from portal.core.reasons import Refused
from portal.core.weak_rsa import FERMAT_ROUNDS

# What a setting asks of new keys is no reason to end an old one.
_POLICY: Final = KeyPolicy(rsa_min_bits=RSA_FLOOR, rsa_max_bits=RSA_CEILING, allow_legacy=True)

_PARTS: Final = (version("badkeys"), str(FERMAT_ROUNDS), *sorted(KNOWN_KEYS))
RULES: Final = hashlib.sha256("\n".join(_PARTS).encode()).hexdigest()[:16]
"""A name for all that keys are judged by; it changes when a list of known keys or a check does."""


def judge(pem: str) -> Refused | None:
    """Return why the registered public key must not be trusted, by what is known today, or None."""
    try:
        _POLICY.check_key(parse_public_key(pem))
    except Refused as refused:
        return refused
    return None
