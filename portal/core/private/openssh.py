"""The public key of an unencrypted OpenSSH private key (PROTOCOL.key of OpenSSH)."""

from __future__ import annotations

from typing import Final

from portal.core.formats.openssh import CURVES, ECDSA
from portal.core.private.to_public import ec_half, rsa_half, seed_half
from portal.core.public_key import PublicKey

MAGIC: Final = b"openssh-key-v1\0"


def public_half(data: bytes) -> PublicKey | None:
    """Return the public key of the private key in the data, or None if it is not proven."""
    _cipher, _kdf, _options, rest = _take(data.removeprefix(MAGIC), 3)
    _public, secret, _rest = _take(rest[4:], 2)  # after the number of keys, which is always one
    # Two check numbers come first. Encrypted bytes match no kind of key below and prove nothing.
    kind, rest = _take(secret[8:], 1)
    return _half(kind, rest)


def _half(kind: bytes, rest: bytes) -> PublicKey | None:
    if kind == b"ssh-rsa":
        n, e, d, _inverse, p, q, _ = (int.from_bytes(each, "big") for each in _take(rest, 6))
        return rsa_half(n, e, d, p, q)
    if kind == b"ssh-ed25519":
        _public, secret, _ = _take(rest, 2)
        return seed_half("Ed25519", secret[:32])
    curve, _public, scalar, _ = _take(rest, 3)
    name = CURVES.get(curve.decode("latin-1"))
    if name is None or kind != ECDSA.encode() + curve:
        return None
    return ec_half(name, int.from_bytes(scalar, "big"))


def _take(data: bytes, count: int) -> list[bytes]:
    """Return `count` length-prefixed strings, then the rest; missing strings are empty."""
    fields = []
    for _ in range(count):
        end = 4 + int.from_bytes(data[:4], "big")
        fields.append(data[4:end])
        data = data[end:]
    return [*fields, data]
