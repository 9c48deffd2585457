"""A pasted public JWK, or a JWKS of exactly one key (RFC 7517), into a `PublicKey`."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.formats.spki import AKP_OIDS, COORDINATE_BYTES, OKP_OIDS, ec_key, raw_key, rsa_key
from portal.core.jwk import PRIVATE_MEMBERS
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.unsupported import unsupported_curve, unsupported_kind
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url
from portal.core.strict import json as json_strict

_KNOWN_CURVES: Final = frozenset(
    {"secp256k1", "P-256K", "P-224", "P-192", "BP-256", "BP-384", "BP-512"}
)


def parse_jwk(text: str) -> PublicKey:
    """Return the key of a JSON text; raise `Refused`."""
    try:
        jwk = json_strict.loads(text)
    except json_strict.NotJson as problem:
        raise _bad(str(problem)) from None
    if not isinstance(jwk, dict):
        raise _bad("It is JSON, and not a JSON object.")
    if "keys" in jwk:
        jwk = _only_key(jwk["keys"])
    # .NET and Azure write members without a value, also private ones: they say nothing.
    given = {name: value for name, value in jwk.items() if value is not None and value != []}
    _for_signing(given)
    key = _key(given)
    notes = _notes(given, key)
    if not jwk.keys().isdisjoint(PRIVATE_MEMBERS):
        notes += ("The JWK names private members without a value, so nothing in it is private.",)
    return replace(key, only=_only(given, key), notes=notes)


def _only_key(keys: object) -> dict[str, object]:
    if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        raise _bad("Its member keys is not an array of JSON objects.")
    if len(keys) != 1:
        raise Refused(
            Reason.SEVERAL_BLOCKS if keys else Reason.NO_KEY_FOUND,
            found=f"This JWKS holds {len(keys)} keys.",
            needed="Please give one key at a time.",
        )
    only: dict[str, object] = keys[0]
    return only


def _for_signing(jwk: dict[str, object]) -> None:
    """RFC 7517 §4.2 and §4.3: a key says what it is for, and we only take one for signatures."""
    use = jwk.get("use", "sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(use, str):
        raise _bad("Its member use is not a string.")
    if not isinstance(operations, list):
        raise _bad("Its member key_ops is not an array.")
    if use != "sig" or "verify" not in operations:
        raise _not_for_signing("Its member use or key_ops says that it is not for signatures.")


def _key(jwk: dict[str, object]) -> PublicKey:
    match _text(jwk, "kty"):
        case "RSA":
            return rsa_key(_uint(jwk, "n"), _uint(jwk, "e"), Container.JWK)
        case "EC":
            return _ec(jwk)
        case "OKP":
            return _okp(jwk)
        case "AKP":
            return _akp(jwk)
        case "oct":
            raise Refused(
                Reason.SHARED_SECRET,
                found="This JWK is a shared secret, not a public key.",
                needed="Please make a key pair and register its public half.",
                command=ALGORITHMS["ES256"].generate,
            )
        case _:
            raise unsupported_kind("")


def _ec(jwk: dict[str, object]) -> PublicKey:
    curve = _text(jwk, "crv")
    if curve not in COORDINATE_BYTES:
        raise unsupported_curve(curve if curve in _KNOWN_CURVES else "")
    x, y = _bytes(jwk, "x"), _bytes(jwk, "y")
    if not len(x) == len(y) == COORDINATE_BYTES[curve]:  # RFC 7518 §6.2.1.2
        raise _bad(f"Its x and y must each have {COORDINATE_BYTES[curve]} bytes on {curve}.")
    return ec_key(curve, b"\x04" + x + y, Container.JWK)


def _okp(jwk: dict[str, object]) -> PublicKey:
    curve = _text(jwk, "crv")
    if curve not in OKP_OIDS:
        raise unsupported_kind(curve if curve in {"X25519", "X448"} else "")
    return raw_key(curve, _bytes(jwk, "x"), Container.JWK)


def _akp(jwk: dict[str, object]) -> PublicKey:
    name = _text(jwk, "alg")
    if name not in AKP_OIDS:
        raise unsupported_kind("SLH-DSA" if name.startswith("SLH-DSA-") else "")
    return raw_key(name, _bytes(jwk, "pub"), Container.JWK)


def _only(jwk: dict[str, object], key: PublicKey) -> tuple[str, ...]:
    """RFC 7517 §4.4: `alg` names the one algorithm that the key is intended for."""
    if "alg" not in jwk:
        return ()
    alg = _text(jwk, "alg")
    named = [each for each in ALGORITHMS.values() if alg in each.headers]
    if not named:
        raise _not_for_signing("Its member alg does not name a signature algorithm of this portal.")
    fitting = tuple(each.name for each in named if (each.kty, each.curve) == (key.kty, key.curve))
    if not fitting:
        raise _bad("Its member alg belongs to another kind of key.")
    return fitting


def _notes(jwk: dict[str, object], key: PublicKey) -> tuple[str, ...]:
    if jwk.get("kid", key.thumbprint) == key.thumbprint:
        return ()
    return ("The JWK has a kid of its own. The kid here is the RFC 7638 thumbprint of the key.",)


def _text(jwk: dict[str, object], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise _bad(f"Its member {name} is missing, or not a string.")
    return value


def _bytes(jwk: dict[str, object], name: str) -> bytes:
    data = base64url.decode_url(_text(jwk, name))
    if not data:
        raise _bad(f"Its member {name} is not base64url without padding.")
    return data


def _uint(jwk: dict[str, object], name: str) -> int:
    data = _bytes(jwk, name)
    if data[0] == 0:  # RFC 7518 §2, Base64urlUInt: as few octets as it takes
        raise _bad(f"Its member {name} begins with a superfluous zero byte.")
    return int.from_bytes(data, "big")


def _bad(what: str) -> Refused:
    return Refused(
        Reason.BAD_JWK,
        found=f"This is not a public JWK that can be read. {what}",
        needed="Please give the JWK as your library writes it, or the key as PEM.",
    )


def _not_for_signing(what: str) -> Refused:
    return Refused(
        Reason.NOT_FOR_SIGNING,
        found=f"This key is not meant for signing in. {what}",
        needed="Please give a key whose JWK says use sig, or nothing about its use.",
    )
