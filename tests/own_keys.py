"""The portal's own keys, in tests."""

from __future__ import annotations

from portal.own_keys import OwnKey, new_pem


def new_own_key() -> OwnKey:
    """Return a new key that can sign."""
    return OwnKey.parse(new_pem().decode())


def public_half(key: OwnKey) -> OwnKey:
    """Return the same key with its public key only."""
    return OwnKey(key.public)
