"""The hashes of the ledger: a Merkle tree over events (RFC 9162 §2.1), and the bytes of a leaf."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

VERSION: Final = 1
"""The version of the canonical form. A change of `Entry.canonical` needs a new number."""

_EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 ‖ content)."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """A Merkle tree that stores only its frontier: enough to append leaves and compute the root.

    The frontier holds the root of one perfect subtree for each set bit of `size`, the largest
    subtree first. Appending a leaf and computing the root take O(log size) hashes.
    """

    size: int
    frontier: list[bytes]

    @classmethod
    def empty(cls) -> Tree:
        """Return the tree without leaves."""
        return cls(0, [])

    def append(self, leaf: bytes) -> None:
        """Add a leaf, given by its hash, at the right end."""
        size = self.size
        while size & 1:
            leaf = node_hash(self.frontier.pop(), leaf)
            size >>= 1
        self.frontier.append(leaf)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The hash of the whole tree; SHA-256 of nothing when it is empty."""
        if not self.frontier:
            return _EMPTY_ROOT
        root = self.frontier[-1]
        for subtree in reversed(self.frontier[:-1]):
            root = node_hash(subtree, root)
        return root

    def subtrees(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield first leaf, last leaf (counted from 1) and root of each perfect subtree."""
        first = 1
        bits = (1 << bit for bit in reversed(range(self.size.bit_length())) if self.size >> bit & 1)
        for width, subtree in zip(bits, self.frontier, strict=True):
            yield first, first + width - 1, subtree
            first += width


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the form that the ledger hashes: it names no person.

    `actor` is `{"person": number}`, `{"client_id": …, "kid": …}` or `{}` for the portal. `salts`
    holds a random salt in hexadecimal for each private text of `detail`, by its JSON Pointer.
    """

    number: int
    at: datetime
    verb: str
    actor: Mapping[str, int | str]
    client_id: str | None
    kid: str | None
    detail: Mapping[str, Any]
    salts: Mapping[str, str]

    def canonical(self) -> bytes:
        """Return the bytes of version 1: JSON in ASCII, sorted keys, no spaces.

        Each private text is replaced with a hash of its salt and itself (`sealed`). Raises
        `ValueError` for a number with a fraction: it has no single spelling.
        """
        members = {
            "version": VERSION,
            "number": self.number,
            "at": self.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "verb": self.verb,
            "actor": dict(self.actor),
            "client_id": self.client_id,
            "kid": self.kid,
            "detail": sealed(self.detail, self.salts),
        }
        return json.dumps(members, sort_keys=True, separators=(",", ":")).encode("ascii")

    @property
    def leaf(self) -> bytes:
        """The hash of the event's leaf."""
        return leaf_hash(self.canonical())


def sealed(value: Any, salts: Mapping[str, str], pointer: str = "") -> Any:
    """Return a JSON value with each text that has a salt replaced with `{"sha256": digest}`.

    The digest is SHA-256(salt ‖ text in UTF-8). A text that was erased is stored as this object,
    without its salt, so the result stays the same.
    """
    match value:
        case Mapping():
            return {
                str(name): sealed(each, salts, f"{pointer}/{_escaped(str(name))}")
                for name, each in value.items()
            }
        case list() | tuple():
            return [sealed(each, salts, f"{pointer}/{at}") for at, each in enumerate(value)]
        case str() if pointer in salts:
            salted = bytes.fromhex(salts[pointer]) + value.encode("utf-8", "surrogatepass")
            return {"sha256": hashlib.sha256(salted).hexdigest()}
        case float():
            raise ValueError(f"{value} at {pointer} is a number with a fraction.")
        case _:
            return value


def texts(value: Any, pointer: str = "") -> Iterator[str]:
    """Yield the JSON Pointer (RFC 6901) of each text in a JSON value."""
    match value:
        case Mapping():
            for name, each in value.items():
                yield from texts(each, f"{pointer}/{_escaped(str(name))}")
        case list() | tuple():
            for at, each in enumerate(value):
                yield from texts(each, f"{pointer}/{at}")
        case str():
            yield pointer


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
