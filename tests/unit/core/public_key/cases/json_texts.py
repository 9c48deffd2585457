"""JSON without a usable public key."""

from __future__ import annotations

from portal.core.reasons import Reason
from tests.unit.core.public_key.cases.case import (
    Case,
    jwk,
)

CASES = (
    Case("cut JSON", Reason.BAD_JWK, "not well-formed JSON", lambda: jwk()[:-1]),
    Case("two JWKs", Reason.BAD_JWK, "not well-formed JSON", lambda: jwk() + jwk()),
    Case("NaN", Reason.BAD_JWK, "not well-formed JSON", lambda: '{"kty": NaN}'),
    Case("endless number", Reason.BAD_JWK, "not well-formed", lambda: '{"n": ' + "9" * 9999 + "}"),
    Case("deep", Reason.BAD_JWK, "too many brackets", lambda: '{"a":' * 5000),
    Case(
        "duplicate member",
        Reason.BAD_JWK,
        "duplicate member",
        lambda: jwk().replace("{", '{"kty": "EC",', 1),
    ),
    Case(
        "escaped duplicate",
        Reason.BAD_JWK,
        "duplicate member",
        lambda: jwk().replace("{", '{"\\u006bty": "EC",', 1),
    ),
    Case("no kty", Reason.BAD_JWK, "member kty is missing", lambda: jwk(kty=None)),
    Case("kty is a list", Reason.BAD_JWK, "member kty is missing, or", lambda: jwk(kty=["EC"])),
    Case("no y", Reason.BAD_JWK, "member y is missing", lambda: jwk(y=None)),
    Case("base64, not url", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="+" * 43)),
    Case("unused bits", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="A" * 42 + "B")),
    Case("empty x", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="")),
    Case("x is not ASCII", Reason.BAD_JWK, "x is not base64url", lambda: jwk(x="é" * 43)),
    Case("lone surrogate", Reason.BAD_JWK, "lone surrogate", lambda: jwk(x="\ud800" * 43)),
    Case("short x", Reason.BAD_JWK, "32 bytes on P-256", lambda: jwk(x="AAAA")),
    Case("other alg", Reason.BAD_JWK, "another key type", lambda: jwk(alg="PS256")),
    Case("alg is a number", Reason.BAD_JWK, "member alg is missing, or", lambda: jwk(alg=256)),
    Case("use is a number", Reason.BAD_JWK, "use is not a string", lambda: jwk(use=1)),
    Case("key_ops is a string", Reason.BAD_JWK, "not an array", lambda: jwk(key_ops="verify")),
    Case("keys is no array", Reason.BAD_JWK, "not an array", lambda: '{"keys": {}}'),
    Case("keys of strings", Reason.BAD_JWK, "not an array", lambda: '{"keys": ["a"]}'),
    Case("empty JWKS", Reason.NO_KEY_FOUND, "holds 0 keys", lambda: '{"keys": []}'),
    Case(
        "JWKS of two",
        Reason.SEVERAL_BLOCKS,
        "This contains 2 keys",
        lambda: f'{{"keys": [{jwk()}, {jwk("RSA")}]}}',
    ),
    Case("use enc", Reason.NOT_FOR_SIGNING, "not for signatures", lambda: jwk(use="enc")),
    Case("key_ops", Reason.NOT_FOR_SIGNING, "not for signatures", lambda: jwk(key_ops=["encrypt"])),
    Case(
        "alg of encryption",
        Reason.NOT_FOR_SIGNING,
        "not for signatures",
        lambda: jwk("RSA", alg="RSA-OAEP"),
    ),
    Case("alg none", Reason.NOT_FOR_SIGNING, "not for signatures", lambda: jwk(alg="none")),
    Case(
        "shared secret", Reason.SHARED_SECRET, "shared secret", lambda: '{"kty": "oct", "k": "AA"}'
    ),
    Case("oct without k", Reason.SHARED_SECRET, "shared secret", lambda: '{"kty": "oct"}'),
    Case(
        "unknown kty",
        Reason.KEY_TYPE_UNSUPPORTED,
        "does not know this type",
        lambda: jwk(kty="LWE"),
    ),
    Case("X25519 JWK", Reason.KEY_TYPE_UNSUPPORTED, "X25519", lambda: jwk("Ed25519", crv="X25519")),
    Case(
        "unknown OKP",
        Reason.KEY_TYPE_UNSUPPORTED,
        "does not know",
        lambda: jwk("Ed25519", crv="Ed1"),
    ),
    Case(
        "SLH-DSA JWK",
        Reason.KEY_TYPE_UNSUPPORTED,
        "SLH-DSA",
        lambda: jwk("ML-DSA-44", alg="SLH-DSA-SHA2-128s"),
    ),
    Case("secp256k1 JWK", Reason.CURVE_UNSUPPORTED, "secp256k1", lambda: jwk(crv="secp256k1")),
    Case("curve of HTML", Reason.CURVE_UNSUPPORTED, "unknown curve", lambda: jwk(crv="<i>")),
    Case("Ed25519 of 3 bytes", Reason.KEY_LENGTH, "has 3 bytes", lambda: jwk("Ed25519", x="AAAA")),
)
