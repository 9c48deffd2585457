"""Names the kinds of keys that the portal cannot use, and refuses them."""

from __future__ import annotations

from typing import Final

from portal.core.algorithms import ALGORITHMS, PUBLIC_HALF
from portal.core.reasons import Reason, Refused

NEW_KEY: Final = f"{ALGORITHMS['ES256'].generate} && {PUBLIC_HALF}"
"""The commands that generate a new P-256 key pair and extract its public key."""

NEW_RSA_KEY: Final = f"{ALGORITHMS['PS256'].generate} && {PUBLIC_HALF}"
"""The same for RSA."""

NEW_KEYSTORE: Final = (
    "keytool -genkeypair -alias client -keyalg EC -groupname secp256r1 -dname CN=client"
    " -keystore new_keystore.p12 -storetype PKCS12"
    " && keytool -exportcert -rfc -alias client -keystore new_keystore.p12 -file certificate.pem"
)
"""The same in a new Java keystore; a certificate contains the public key."""

_NIST_KEMS: Final = bytes.fromhex("6086480165030404")  # 2.16.840.1.101.3.4.4: ML-KEM
_NIST_SIGNATURES: Final = bytes.fromhex("6086480165030403")  # 2.16.840.1.101.3.4.3

_KINDS: Final = {
    bytes.fromhex("2b656e"): "X25519",
    bytes.fromhex("2b656f"): "X448",
    bytes.fromhex("2a864886f70d010107"): "RSA-OAEP encryption",
    bytes.fromhex("2a864886f70d010301"): "Diffie-Hellman",
    bytes.fromhex("2a8648ce3e0201"): "Diffie-Hellman",
    bytes.fromhex("2a8648ce380401"): "DSA",
    bytes.fromhex("2b8104010c"): "ECDH",
    bytes.fromhex("2a850307010101"): "GOST",
    **{_NIST_KEMS + bytes((number,)): "ML-KEM" for number in (1, 2, 3)},
    **{
        _NIST_SIGNATURES + bytes((number,)): "SLH-DSA"
        for number in (*range(20, 32), *range(35, 47))
    },
    **{_NIST_SIGNATURES + bytes((number,)): "HashML-DSA" for number in (32, 33, 34)},
}
_BRAINPOOL: Final = bytes.fromhex("2b24030302080101")
_CURVES: Final = {
    bytes.fromhex("2b8104000a"): "secp256k1",
    bytes.fromhex("2b81040021"): "P-224",
    bytes.fromhex("2a8648ce3d030101"): "P-192",
    bytes.fromhex("2a811ccf5501822d"): "SM2",
    **{_BRAINPOOL + bytes((number,)): "brainpool" for number in range(1, 15)},
}


def refuse_kind(oid: bytes) -> Refused:
    """Return the refusal for the kind of key with this algorithm identifier."""
    return unsupported_kind(_KINDS.get(oid, ""))


def unsupported_kind(name: str) -> Refused:
    """Return the refusal for a kind of key; `name` is empty if unknown."""
    return Refused(
        Reason.KEY_TYPE_UNSUPPORTED,
        found=f"The type of this key is {name}."
        if name
        else "The portal does not know this type of key.",
        needed="Create a key that can sign: RSA, EC, Ed25519, Ed448 or ML-DSA.",
        command=NEW_KEY,
    )


def refuse_curve(oid: bytes) -> Refused:
    """Return the refusal for an EC key on the curve with this object identifier."""
    return unsupported_curve(_CURVES.get(oid, ""))


def unsupported_curve(name: str) -> Refused:
    """Return the refusal for an EC key on a curve; `name` is empty if unknown."""
    return Refused(
        Reason.CURVE_UNSUPPORTED,
        found=f"This EC key is on the curve {name}."
        if name
        else "This EC key is on an unknown curve.",
        needed="All verifiers support P-256, P-384 and P-521.",
        command=NEW_KEY,
    )
