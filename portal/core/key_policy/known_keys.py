"""Keys whose private key is public, because an RFC or a test suite contains it."""

from __future__ import annotations

from importlib.resources import files
from typing import Final


def _load() -> frozenset[str]:
    text = files("portal.core.key_policy").joinpath("known_keys.txt").read_text("ascii")
    return frozenset(line.partition(" ")[0] for line in text.splitlines() if line[:1] != "#")


KNOWN_KEYS: Final[frozenset[str]] = _load()
"""The SHA-256 of each key's SubjectPublicKeyInfo, as `PublicKey.spki_sha256` returns it.

`tests/vectors/make_known_keys.py` writes the file and names the source of each key.
"""
