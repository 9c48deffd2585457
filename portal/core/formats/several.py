"""Selects the usable keys from several possible keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from portal.core.public_key import PublicKey
from portal.core.reasons import Reason, Refused


def usable(readers: Iterable[Callable[[], Iterable[PublicKey]]]) -> list[PublicKey]:
    """Return the keys of all readers; raise the first `Refused` if no reader returns a key.

    A private key raises `Refused` even if another reader returns a key.
    """
    keys: list[PublicKey] = []
    refusals: list[Refused] = []
    for read in readers:
        try:
            keys += read()
        except Refused as refused:
            if refused.reason in {Reason.PRIVATE_KEY, Reason.SHARED_SECRET}:
                raise
            keys += refused.choices
            refusals.append(refused)
    if not keys and refusals:
        raise refusals[0]
    return keys
