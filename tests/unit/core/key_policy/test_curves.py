"""EC, Ed25519 and Ed448 keys: only points that signatures are safe with."""

from __future__ import annotations

import pytest

from portal.core.formats import spki
from portal.core.key_policy import edwards
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.unsupported import NEW_KEY
from portal.core.reasons import Reason
from tests.unit.core.support import KINDS, key_of, verdict

P25519 = 2**255 - 19
P448 = 2**448 - 2**224 - 1

# The points of order 1, 2, 4 and 8: y, with the sign of x in the topmost bit.
Y8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
SMALL_25519 = [
    *(1, P25519 - 1, 0, 1 << 255),
    *(y | sign << 255 for y in (Y8, P25519 - Y8) for sign in (0, 1)),
]
SMALL_448 = [1, P448 - 1, 0, 1 << 455]


def raw(name: str, number: int) -> PublicKey:
    size = spki.RAW_BYTES[name]
    return spki.raw_key(name, number.to_bytes(size, "little"), Container.SPKI)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in {"RSA", "RSA-PSS"}])
def test_fresh_key_is_accepted(kind: str) -> None:
    assert verdict(key_of(kind)) is None


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
def test_point_that_is_not_on_the_curve_is_refused(curve: str) -> None:
    size = spki.COORDINATE_BYTES[curve]
    good = key_of(curve).raw
    for point in (
        b"\4" + bytes(2 * size),
        b"\4" + b"\xff" * (2 * size),
        good[:-1] + bytes((good[-1] ^ 1,)),
        good[: 1 + size] + good[1 : 1 + size],
    ):
        refused = verdict(spki.ec_key(curve, point, Container.SPKI))
        assert refused is not None
        assert refused.reason is Reason.EC_POINT_INVALID
        assert refused.command == NEW_KEY


def test_coordinate_that_is_not_below_the_prime_is_refused() -> None:
    """The point with x = 5 exists on P-256; x + p names it a second time."""
    p = 2**256 - 2**224 + 2**192 + 2**96 - 1
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    y = pow(5**3 - 15 + b, (p + 1) // 4, p).to_bytes(32, "big")
    canonical, other = (b"\4" + x.to_bytes(32, "big") + y for x in (5, 5 + p))
    assert verdict(spki.ec_key("P-256", canonical, Container.SPKI)) is None
    refused = verdict(spki.ec_key("P-256", other, Container.SPKI))
    assert refused is not None
    assert refused.reason is Reason.EC_POINT_INVALID


@pytest.mark.parametrize(
    "key",
    [raw("Ed25519", y) for y in SMALL_25519] + [raw("Ed448", y) for y in SMALL_448],
    ids=lambda key: key.spki[-57:].hex(),
)
def test_point_of_small_order_is_refused(key: PublicKey) -> None:
    refused = verdict(key)
    assert refused is not None
    assert refused.reason is Reason.ED_SMALL_ORDER
    assert "for which anyone can sign" in refused.found


@pytest.mark.parametrize(
    "key",
    [
        raw("Ed25519", P25519),  # y = 0, written as p
        raw("Ed25519", P25519 + 1),  # the identity, written as p + 1
        raw("Ed25519", 2**255 - 1),
        raw("Ed25519", 1 | 1 << 255),  # x = 0 with a sign (RFC 8032 §5.1.3, step 4)
        raw("Ed25519", (P25519 - 1) | 1 << 255),
        raw("Ed25519", 2),  # no point has this y
        raw("Ed448", P448),
        raw("Ed448", P448 + 1),
        raw("Ed448", 1 | 1 << 455),
        raw("Ed448", 1 | 1 << 450),  # the last byte has nothing but the sign
        raw("Ed448", 2),
    ],
    ids=lambda key: f"{key.curve} {key.spki[-57:].hex()[-16:]}",
)
def test_encoding_that_is_not_canonical_or_no_point_is_refused(key: PublicKey) -> None:
    refused = verdict(key)
    assert refused is not None
    assert refused.reason is Reason.ED_POINT_INVALID
    assert refused.found == f"This is not a valid {key.curve} public key."


@pytest.mark.parametrize(("name", "small"), [("Ed25519", SMALL_25519), ("Ed448", SMALL_448)])
def test_good_point_plus_one_of_small_order_is_refused(name: str, small: list[int]) -> None:
    """Verifiers disagree about such keys: some multiply by the cofactor, some do not."""
    curve = edwards._CURVES[name]
    good = edwards._decode(curve, key_of(name).raw)
    for y in small[1:]:
        torsion = edwards._decode(curve, y.to_bytes(curve.size, "little"))
        assert good is not None
        assert torsion is not None
        x, y_, z = edwards._add(curve, good, torsion)
        inverse = pow(z, -1, curve.p)
        number = y_ * inverse % curve.p | (x * inverse % curve.p & 1) << (8 * curve.size - 1)
        refused = verdict(raw(name, number))
        assert refused is not None
        assert refused.reason is Reason.ED_POINT_INVALID
