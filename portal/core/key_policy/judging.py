"""Judges registered keys again: more bad keys become known over time."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Final

from portal.core.key_policy.known_keys import KNOWN_KEYS
from portal.core.key_policy.policy import RSA_CEILING, RSA_FLOOR, KeyPolicy
from portal.core.key_policy.published_keys import PublishedKeys
from portal.core.key_policy.rsa import FERMAT_ROUNDS
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Refused

_PARTS: Final = (version("badkeys"), str(FERMAT_ROUNDS), *sorted(KNOWN_KEYS))


def rules(published: PublishedKeys) -> str:
    """Return an identifier of the current rules, the list `published` included.

    It changes whenever a list of known keys or a check changes.
    """
    name = hashlib.sha256("\n".join(_PARTS).encode())
    name.update(published.records)
    return name.hexdigest()[:16]


def judge(pem: str, published: PublishedKeys) -> Refused | None:
    """Return why the registered public key must not be trusted by the current rules, or None.

    A setting that restricts new keys is no reason to end an old one.
    """
    policy = KeyPolicy(
        rsa_min_bits=RSA_FLOOR, rsa_max_bits=RSA_CEILING, allow_legacy=True, published=published
    )
    try:
        policy.check_key(parse_public_key(pem))
    except Refused as refused:
        return refused
    return None
