"""Public key validation on the Edwards curves: canonical, on the curve, in the prime-order group.

`cryptography` takes any 32 bytes as an Ed25519 key, even the identity point, for which one fixed
signature verifies every message. RFC 8032 §5.1.3 and §5.2.3 define how to decode a point, SP
800-186 §D.1.3 defines full validation. All numbers are public, so timing may depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

_Point = tuple[int, int, int]
"""X, Y, Z of projective coordinates."""


@dataclass(frozen=True, slots=True)
class _Curve:
    """The curve a·x² + y² = 1 + d·x²·y² modulo p, with a group of prime order and a cofactor."""

    p: int
    a: int
    d: int
    order: int
    cofactor: int
    size: int


_P25519: Final = 2**255 - 19
_CURVES: Final = {
    "Ed25519": _Curve(  # RFC 8032 §5.1
        p=_P25519,
        a=-1,
        d=-121665 * pow(121666, -1, _P25519) % _P25519,
        order=2**252 + 27742317777372353535851937790883648493,
        cofactor=8,
        size=32,
    ),
    "Ed448": _Curve(  # RFC 8032 §5.2
        p=2**448 - 2**224 - 1,
        a=1,
        d=-39081,
        order=2**446 - 13818066809895115352007386748515426880336692474882178609894547503885,
        cofactor=4,
        size=57,
    ),
}


class Verdict(Enum):
    """The result of the validation of a public key on an Edwards curve."""

    GOOD = auto()
    INVALID = auto()
    SMALL_ORDER = auto()


def check_point(curve_name: str, encoded: bytes) -> Verdict:
    """Validate an Ed25519 or Ed448 public key of the right length."""
    curve = _CURVES[curve_name]
    point = _decode(curve, encoded)
    if point is None:
        return Verdict.INVALID
    if _is_identity(curve, _multiply(curve, curve.cofactor, point)):
        return Verdict.SMALL_ORDER
    in_group = _is_identity(curve, _multiply(curve, curve.order, point))
    return Verdict.GOOD if in_group else Verdict.INVALID


def _decode(curve: _Curve, encoded: bytes) -> _Point | None:
    number = int.from_bytes(encoded, "little")
    sign_bit = 8 * curve.size - 1
    sign, y = number >> sign_bit, number & ((1 << sign_bit) - 1)
    p = curve.p
    if y >= p:
        return None
    # x² = (y² - 1) / (d·y² - a)
    x = _square_root((y * y - 1) * pow(curve.d * y * y - curve.a, -1, p) % p, p)
    if x is None or (x == 0 and sign):
        return None
    return (p - x if x & 1 != sign else x, y, 1)


def _square_root(square: int, p: int) -> int | None:
    if p % 4 == 3:
        root = pow(square, (p + 1) // 4, p)
    else:  # p = 5 modulo 8
        root = pow(square, (p + 3) // 8, p)
        if root * root % p != square:
            root = root * pow(2, (p - 1) // 4, p) % p
    return root if root * root % p == square else None


def _add(curve: _Curve, one: _Point, two: _Point) -> _Point:
    # The complete addition of Bernstein, Birkner, Joye, Lange and Peters, "Twisted Edwards Curves"
    # §6.
    p = curve.p
    a = one[2] * two[2] % p
    b = a * a % p
    c = one[0] * two[0] % p
    d = one[1] * two[1] % p
    e = curve.d * c * d % p
    f, g = b - e, b + e
    x = a * f * ((one[0] + one[1]) * (two[0] + two[1]) - c - d) % p
    y = a * g * (d - curve.a * c) % p
    return (x, y, f * g % p)


def _multiply(curve: _Curve, factor: int, point: _Point) -> _Point:
    result: _Point = (0, 1, 1)
    for bit in f"{factor:b}":
        result = _add(curve, result, result)
        if bit == "1":
            result = _add(curve, result, point)
    return result


def _is_identity(curve: _Curve, point: _Point) -> bool:
    x, y, z = point
    return x == 0 and (y - z) % curve.p == 0
