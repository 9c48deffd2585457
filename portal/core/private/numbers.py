"""Private keys recognized by their numbers, whatever their names and format.

A number that divides a modulus, or a number next to its own public key: recognizing these needs no
names, and neither happens by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from portal.core.formats.spki import COORDINATE_BYTES, RAW_BYTES
from portal.core.private.to_public import MAX_RSA_BITS, ec_half, rsa_half, seed_half
from portal.core.public_key import PublicKey

_MIN_RSA_BITS: Final = 1024
_MAX_MODULI: Final = 16
_MAX_EXPONENTS: Final = 8
_MAX_SECRETS: Final = 16
_E: Final = 65537

_CURVES: Final = {size: curve for curve, size in COORDINATE_BYTES.items()}
_SEEDS: Final = {RAW_BYTES[name]: name for name in ("Ed25519", "Ed448")}
# A private value that is written as a number loses its leading zeros.
_SCALARS: Final = {size - lost: curve for size, curve in _CURVES.items() for lost in range(3)}
_SHORT_SEEDS: Final = {size - lost: size for size in _SEEDS for lost in range(3)}


Tried = dict[tuple[str, bytes], tuple[PublicKey, ...]]
"""The public keys of values already tried, by kind; deriving one takes 0.5 ms."""


def public_halves(values: Sequence[bytes], tried: Tried) -> Iterator[PublicKey]:
    """Yield the public key of each private key among the values, proven by another value."""
    yield from _rsa_halves(sorted({int.from_bytes(each, "big") for each in values}, reverse=True))
    if len(values) > 1:  # a single value has no other value that could be its public key
        yield from _elliptic_halves(values, tried)
    yield from _pairs(values, tried)


def halves_of(secret: bytes) -> Iterator[PublicKey]:
    """Yield the public keys of these bytes if they are a private value."""
    if len(secret) in _SCALARS:
        half = ec_half(_SCALARS[len(secret)], int.from_bytes(secret, "big"))
        if half:
            yield half
    if len(secret) in _SHORT_SEEDS:
        size = _SHORT_SEEDS[len(secret)]
        half = seed_half(_SEEDS[size], secret.rjust(size, b"\0"))
        if half:
            yield half


def _elliptic_halves(values: Sequence[bytes], tried: Tried) -> Iterator[PublicKey]:
    """Yield the public key of each value whose public key is among the values."""
    shown = {each.lstrip(b"\0") for each in values}
    sizes = _SCALARS.keys() | _SHORT_SEEDS.keys()
    for secret in [each for each in values if len(each) in sizes][:_MAX_SECRETS]:
        if ("secret", secret) not in tried:
            tried["secret", secret] = tuple(halves_of(secret))
        for half in tried["secret", secret]:
            if not shown.isdisjoint(_public_forms(half)):
                yield half


def _rsa_halves(numbers: Sequence[int]) -> Iterator[PublicKey]:
    """Yield the public key of each modulus with one of its factors or its private exponent."""
    left = _MAX_EXPONENTS
    for n in list(filter(_is_modulus, numbers))[:_MAX_MODULI]:
        # A prime has half the bits of its modulus. There may be hundreds of shorter numbers.
        least = n >> n.bit_length() * 3 // 4
        half = rsa_half(n, 0, 0, *(each for each in numbers if each > least))
        if half:
            yield half
            continue
        nearly = n >> 64
        for d in [each for each in numbers if nearly < each < n and each % 2][:left]:
            left -= 1
            half = rsa_half(n, _E, d)
            if half:
                yield half
                break


def _is_modulus(number: int) -> bool:
    """Tell whether the number could be the modulus of a registered key (`KeyPolicy`)."""
    bits = number.bit_length()
    return bool(number % 2) and bits % 8 == 0 and _MIN_RSA_BITS <= bits <= MAX_RSA_BITS


def _public_forms(half: PublicKey) -> tuple[bytes, ...]:
    """Return the forms of the public key beside a private key, without leading zeros."""
    raw = half.raw
    if half.kty == "OKP":
        return raw.lstrip(b"\0"), half.spki
    x = raw[1 : 1 + COORDINATE_BYTES[half.curve]]
    return raw, half.spki, x.lstrip(b"\0"), b"\2" + x, b"\3" + x


def _pairs(values: Sequence[bytes], tried: Tried) -> Iterator[PublicKey]:
    """Yield the public key of each Ed25519 or Ed448 value that is a seed with its public key.

    NaCl, Go and Solana store keys in this form.
    """
    for size, name in _SEEDS.items():
        for pair in [each for each in values if len(each) == 2 * size][:_MAX_SECRETS]:
            if (name, pair) not in tried:
                half = seed_half(name, pair[:size])
                tried[name, pair] = (half,) if half and half.raw == pair[size:] else ()
            yield from tried[name, pair]
