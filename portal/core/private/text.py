"""Private keys in text formats, recognized by their member names, even in damaged text.

JWK, `RSAParameters` and RSAKeyValue of .NET, and the output of openssl with `-text`.
"""

from __future__ import annotations

import json
import re
from binascii import Error, a2b_base64
from collections.abc import Iterator
from typing import Final

from portal.core.formats.spki import AKP_OIDS, COORDINATE_BYTES, OKP_OIDS
from portal.core.jwk import PRIVATE_MEMBERS
from portal.core.private.to_public import ec_half, rsa_half, seed_half
from portal.core.public_key import PublicKey
from portal.core.strict.json import MAX_BRACKETS

# Every pattern is anchored on fixed text and has no nested repetition: scanning stays linear.
# Serializers also write members without a value; possessive, so that no space is given back.
_VALUE: Final = r"""["']?\s*+:\s*+(?!null\b|None\b|\[\s*\]|""|'')"""
_MEMBER: Final = r"""(?<![A-Za-z0-9_-])["']?"""
_JWK_PRIVATE: Final = re.compile(f"{_MEMBER}(d|p|q|dp|dq|qi|oth|priv){_VALUE}")
_JWK_SECRET: Final = re.compile(f"{_MEMBER}k{_VALUE}")
_DOTNET_PRIVATE: Final = re.compile(
    r"""["'](d|p|q|dp|dq|inverseq)["']\s*+:\s*+["'][A-Za-z0-9+/_-]""", re.IGNORECASE
)
_JWK_MEMBERS: Final = frozenset(PRIVATE_MEMBERS) - {"k"}
_DOTNET_NAMES: Final = {"modulus": "n", "exponent": "e", "inverseq": "qi"}
_XML_NAMES: Final = r"<(?:[A-Za-z0-9_.-]{1,20}:)?"
_XML_PRIVATE: Final = re.compile(rf"{_XML_NAMES}(?:D|P|Q|DP|DQ|InverseQ)>\s*+[A-Za-z0-9+/]")
_XML_NUMBER: Final = re.compile(rf"{_XML_NAMES}(Modulus|Exponent|D|P|Q)>([A-Za-z0-9+/=\s]+)")
_DUMP_PRIVATE: Final = re.compile(
    r"private-key:|privateExponent:|priv:\s*[0-9a-f]{2}:", re.IGNORECASE
)
_DUMP_NUMBER: Final = re.compile(
    r"\b(modulus|privateExponent|prime1|prime2|priv|seed):\s*((?:[0-9a-f]{2}[:\s]+)+)",
    re.IGNORECASE,
)
_DUMP_EXPONENT: Final = re.compile(r"publicExponent: ([0-9]{1,10}) ")
_DUMP_KIND: Final = re.compile(r"(ED25519|ED448|ML-DSA-44|ML-DSA-65|ML-DSA-87) Private")
_DUMP_CURVE: Final = re.compile(r"ASN1 OID: (prime256v1|secp384r1|secp521r1)\b")
_OPENSSL_CURVES: Final = {"prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
_OPENSSL_KINDS: Final = {"ED25519": "Ed25519", "ED448": "Ed448"} | {name: name for name in AKP_OIDS}


def has_private_jwk(text: str) -> bool:
    """Tell whether the text has a JWK with private members (RFC 7518 §6.2.2, §6.3.2, RFC 9964 §3).

    `RSAParameters` in JSON with a D or a prime count too.
    """
    return (
        ("kty" in text and bool(_JWK_PRIVATE.search(text)))
        or ("odulus" in text and bool(_DOTNET_PRIVATE.search(text)))
        or any(_private_jwks(text))
    )


def has_shared_secret(text: str) -> bool:
    """Tell whether the text has a JWK with a symmetric key (RFC 7518 §6.4)."""
    return ("kty" in text and bool(_JWK_SECRET.search(text))) or any(
        "kty" in each and each.get("k") for each in _objects(text)
    )


def has_private_xml(text: str) -> bool:
    """Tell whether the text has an RSAKeyValue, or `RSAParameters`, with a D or a prime."""
    return "Modulus>" in text and bool(_XML_PRIVATE.search(text))


def has_private_dump(text: str) -> bool:
    """Tell whether the text has the output of `openssl pkey -text` for a private key."""
    return bool(_DUMP_PRIVATE.search(text))


def public_halves(text: str) -> Iterator[PublicKey | None]:
    """Yield, for each private key in the text, its public key, or None if it is not proven."""
    yield from map(_jwk_half, _private_jwks(text))
    if has_private_xml(text):
        yield _xml_half(text)
    if has_private_dump(text):
        yield _dump_half(text)


def _private_jwks(text: str) -> Iterator[dict[str, object]]:
    """Yield each object with the members of a private JWK; .NET names are translated."""
    for each in _objects(text):
        jwk = each
        if "kty" not in each:
            jwk = {_DOTNET_NAMES.get(name.lower(), name.lower()): each[name] for name in each}
            if "n" not in jwk:
                continue
            jwk["kty"] = "RSA"
        if any(jwk.get(name) for name in _JWK_MEMBERS):
            yield jwk


def _objects(text: str) -> list[dict[str, object]]:
    """Return every JSON object in the text, also complete objects in damaged JSON."""
    objects: list[dict[str, object]] = []
    if text.count("{") + text.count("[") > MAX_BRACKETS:
        return objects

    def keep(pairs: list[tuple[str, object]]) -> None:
        objects.append(dict(pairs))

    decoder = json.JSONDecoder(object_pairs_hook=keep)
    at = text.find("{")
    while at >= 0:
        try:
            _value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError as problem:
            # Continue where parsing failed, so that nothing is read twice.
            end = max(problem.pos, at + 1)
        except ValueError:  # a number with more digits than Python converts
            break
        at = text.find("{", end)
    return objects


def _jwk_half(jwk: dict[str, object]) -> PublicKey | None:
    values = {name: _base64(value) for name, value in jwk.items() if isinstance(value, str)}
    crv, alg, secret = jwk.get("crv"), jwk.get("alg"), values.get("d", b"")
    if jwk.get("kty") == "RSA":
        n, e, d, p, q = (_number(values.get(name, b"")) for name in ("n", "e", "d", "p", "q"))
        return rsa_half(n, e, d, p, q)
    if isinstance(crv, str) and crv in COORDINATE_BYTES:
        return ec_half(crv, _number(secret))
    if isinstance(crv, str) and crv in OKP_OIDS:
        return seed_half(crv, secret)
    if isinstance(alg, str) and alg in AKP_OIDS:
        return seed_half(alg, values.get("priv", b""))
    return None


def _xml_half(text: str) -> PublicKey | None:
    values = {match[1]: _number(_base64(match[2])) for match in _XML_NUMBER.finditer(text)}
    n, e, d, p, q = (values.get(name, 0) for name in ("Modulus", "Exponent", "D", "P", "Q"))
    return rsa_half(n, e, d, p, q)


def _dump_half(text: str) -> PublicKey | None:
    values = {
        match[1].lower(): bytes.fromhex("".join(match[2].replace(":", " ").split()))
        for match in _DUMP_NUMBER.finditer(text)
    }
    kind, curve = _DUMP_KIND.search(text), _DUMP_CURVE.search(text)
    secret = values.get("seed", values.get("priv", b""))
    if kind:
        return seed_half(_OPENSSL_KINDS[kind[1]], secret)
    if curve:
        return ec_half(_OPENSSL_CURVES[curve[1]], _number(secret))
    exponent = _DUMP_EXPONENT.search(text)
    n, d, p, q = (
        _number(values.get(name, b""))
        for name in ("modulus", "privateexponent", "prime1", "prime2")
    )
    return rsa_half(n, int(exponent[1]) if exponent else 0, d, p, q)


def _base64(text: str) -> bytes:
    try:
        return a2b_base64(text.replace("-", "+").replace("_", "/") + "==")
    except (Error, ValueError):
        return b""


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
