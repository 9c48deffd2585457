"""Parses a public JWK (RFC 7517), as programs write it, into a `PublicKey`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from portal.core.algorithms import ALGORITHMS
from portal.core.formats.spki import AKP_OIDS, COORDINATE_BYTES, OKP_OIDS, ec_key, raw_key, rsa_key
from portal.core.jwk import PRIVATE_MEMBERS
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.unsupported import unsupported_curve, unsupported_kind
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

_KNOWN_CURVES: Final = frozenset(
    {"secp256k1", "P-256K", "SECP256K1", "P-224", "P-192", "BP-256", "BP-384", "BP-512"}
)

_NUMBERS: Final = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",), "AKP": ("pub",)}
_LOST_ZEROS: Final = 2
_MAX_HINT: Final = 60
_HSM_SUFFIX: Final = "-HSM"
_HSM: Final = "a JWK of a hardware security module"


def parse_jwk(jwk: Mapping[str, object]) -> PublicKey:
    """Return the key of a JWK; raise `Refused`."""
    # .NET and Azure write members without a value, private ones too: these are ignored.
    given = {name: value for name, value in jwk.items() if value is not None and value != []}
    notes = list(_for_signing(given))
    given, changed = _mended(given)
    key = _key(given)
    notes += [*changed, *_notes(given, key)]
    if not jwk.keys().isdisjoint(PRIVATE_MEMBERS):
        notes.append("The JWK names private members without a value, so nothing in it is private.")
    return replace(
        key,
        only=_only(given, key),
        notes=(*key.notes, *notes),
        layers=(_HSM,) if str(jwk.get("kty", "")).endswith(_HSM_SUFFIX) else (),
        hint=_hint(given.get("kid")),
    )


def bad_jwk(what: str) -> Refused:
    """Return the refusal of JSON that is not a public JWK, for this reason."""
    return Refused(
        Reason.BAD_JWK,
        found=f"This is not a valid public JWK. {what}",
        needed="Enter the JWK as your library writes it, or the key as PEM.",
    )


def _hint(kid: object) -> str:
    if not isinstance(kid, str) or not kid.isprintable():
        return ""
    return f"kid “{kid if len(kid) <= _MAX_HINT else kid[:_MAX_HINT] + '…'}”"


def _for_signing(jwk: dict[str, object]) -> Iterator[str]:
    """RFC 7517 §4.2 and §4.3: a key may state its use; only a key for signatures is accepted.

    "sign" is the operation of the private key. Serializers leave it in the public key.
    """
    use = jwk.get("use", "sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(use, str):
        raise bad_jwk("Its member use is not a string.")
    if not isinstance(operations, list):
        raise bad_jwk("Its member key_ops is not an array.")
    if use != "sig" or not ("verify" in operations or "sign" in operations):
        raise _not_for_signing("Its member use or key_ops says that it is not for signatures.")
    if "verify" not in operations:
        yield "Its key_ops contains sign, which is for private keys. A public key has verify."


def _mended(jwk: dict[str, object]) -> tuple[dict[str, object], list[str]]:
    """Return the JWK with its numbers in the form of RFC 7518 §6, and the list of changes.

    Programs write plain base64, pad it, and add or drop leading zeros. Each of these variants can
    mean only one number.
    """
    mended, notes = dict(jwk), []
    for name in _NUMBERS.get(str(jwk.get("kty")).removesuffix(_HSM_SUFFIX), ()):
        value = jwk.get(name)
        if not isinstance(value, str):
            continue
        text = value.rstrip("=").replace("+", "-").replace("/", "_")
        if text != value:
            notes.append(f"Its member {name} was base64, and is now base64url without padding.")
        mended[name] = text
    size = COORDINATE_BYTES.get(str(jwk.get("crv")), 0)
    for name in ("n", "e") if "n" in mended else ("x", "y") if size else ():
        data = base64url.decode_url(str(mended.get(name, "")))
        if not data:
            continue
        least = size if size and len(data) >= size - _LOST_ZEROS else 0
        number = data.lstrip(b"\0").rjust(least, b"\0") or b"\0"
        if number != data:
            notes.append(f"The leading zeros of its member {name} differed from RFC 7518.")
            mended[name] = base64url.encode_url(number)
    return mended, notes


def _key(jwk: dict[str, object]) -> PublicKey:
    match _text(jwk, "kty").removesuffix(_HSM_SUFFIX):  # Azure Key Vault
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
                needed="Create a key pair and register its public key.",
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
        raise bad_jwk(f"Its x and y must each have {COORDINATE_BYTES[curve]} bytes on {curve}.")
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
    """RFC 7517 §4.4: `alg` names the algorithm that the key is intended for."""
    if "alg" not in jwk:
        return ()
    alg = _text(jwk, "alg")
    named = [each for each in ALGORITHMS.values() if alg in each.headers]
    if not named:
        raise _not_for_signing("Its member alg is not a signature algorithm of this portal.")
    fitting = tuple(each.name for each in named if (each.kty, each.curve) == (key.kty, key.curve))
    if not fitting:
        raise bad_jwk("Its member alg is for another key type.")
    return fitting


def _notes(jwk: dict[str, object], key: PublicKey) -> tuple[str, ...]:
    if jwk.get("kid", key.thumbprint) == key.thumbprint:
        return ()
    return ("The JWK has its own kid. The portal uses the key's RFC 7638 thumbprint instead.",)


def _text(jwk: dict[str, object], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise bad_jwk(f"Its member {name} is missing, or not a string.")
    return value


def _bytes(jwk: dict[str, object], name: str) -> bytes:
    data = base64url.decode_url(_text(jwk, name))
    if not data:
        raise bad_jwk(f"Its member {name} is not base64url without padding.")
    return data


def _uint(jwk: dict[str, object], name: str) -> int:
    data = _bytes(jwk, name)
    if data[0] == 0:  # RFC 7518 §2, Base64urlUInt: as few octets as possible
        raise bad_jwk(f"Its member {name} starts with an extra zero byte.")
    return int.from_bytes(data, "big")


def _not_for_signing(what: str) -> Refused:
    return Refused(
        Reason.NOT_FOR_SIGNING,
        found=f"This key is not for signatures. {what}",
        needed="Enter a key whose JWK has use sig, or no use.",
    )
