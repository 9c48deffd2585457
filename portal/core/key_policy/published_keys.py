"""A list of published private keys in the format of badkeys, such as the Debian keys of 2008.

The file `blocklist.dat` has sorted records of 16 bytes: the first 15 bytes of a SHA-256, and the
number of the source list. The hash covers one number of the key, in as few bytes as possible.
Source: docs/BLOCKLISTFORMAT.md of badkeys, format 0.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import dataclass
from mmap import mmap
from typing import Final

from portal.core.formats.spki import COORDINATE_BYTES
from portal.core.public_key import PublicKey
from portal.core.public_key.negation import negative

RECORD_BYTES: Final = 16
_HASH_BYTES: Final = 15


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The records of such a file, in memory or memory-mapped; empty without a file."""

    records: bytes | mmap = b""

    def __contains__(self, key: PublicKey) -> bool:
        """Tell whether the list contains the key, or the one with the other sign."""
        other = negative(key)
        return self._holds(key) or (other is not None and self._holds(other))

    def _holds(self, key: PublicKey) -> bool:
        wanted = record_hash(key)
        places = range(len(self.records) // RECORD_BYTES)
        return self._hash_at(bisect_left(places, wanted, key=self._hash_at)) == wanted

    def _hash_at(self, place: int) -> bytes:
        return self.records[RECORD_BYTES * place : RECORD_BYTES * place + _HASH_BYTES]


NO_LIST: Final = PublishedKeys()


def record_hash(key: PublicKey) -> bytes:
    """Return the hash of a key in the form of the records."""
    match key.kty:
        case "RSA":
            number = key.n.to_bytes((key.n.bit_length() + 7) // 8, "big")
        case "EC":
            number = key.raw[1 : 1 + COORDINATE_BYTES[key.curve]].lstrip(b"\0")
        case "OKP":
            number = key.raw.lstrip(b"\0")
        case _:
            number = key.raw
    return hashlib.sha256(number).digest()[:_HASH_BYTES]
