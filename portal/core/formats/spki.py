"""SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): the form in which every public key is stored.

Algorithm identifiers: RFC 3279 and RFC 4055 (RSA), RFC 5480 (EC), RFC 8410 (Ed25519, Ed448),
RFC 9881 (ML-DSA). Object identifiers are written as the bytes of their DER content.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from portal.core.algorithms import PUBLIC_HALF
from portal.core.formats import der
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.unsupported import NEW_KEY, NEW_RSA_KEY, refuse_curve, refuse_kind
from portal.core.reasons import Reason, Refused

RSA_OID: Final = bytes.fromhex("2a864886f70d010101")  # 1.2.840.113549.1.1.1 rsaEncryption
RSA_PSS_OID: Final = bytes.fromhex("2a864886f70d01010a")  # 1.2.840.113549.1.1.10 id-RSASSA-PSS
EC_OID: Final = bytes.fromhex("2a8648ce3d0201")  # 1.2.840.10045.2.1 id-ecPublicKey

CURVE_OIDS: Final = {
    "P-256": bytes.fromhex("2a8648ce3d030107"),  # 1.2.840.10045.3.1.7
    "P-384": bytes.fromhex("2b81040022"),  # 1.3.132.0.34
    "P-521": bytes.fromhex("2b81040023"),  # 1.3.132.0.35
}
CURVES: Final = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
COORDINATE_BYTES: Final = {"P-256": 32, "P-384": 48, "P-521": 66}

OKP_OIDS: Final = {
    "Ed25519": bytes.fromhex("2b6570"),  # 1.3.101.112
    "Ed448": bytes.fromhex("2b6571"),  # 1.3.101.113
}
AKP_OIDS: Final = {
    "ML-DSA-44": bytes.fromhex("608648016503040311"),  # 2.16.840.1.101.3.4.3.17
    "ML-DSA-65": bytes.fromhex("608648016503040312"),
    "ML-DSA-87": bytes.fromhex("608648016503040313"),
}
RAW_BYTES: Final = {
    "Ed25519": 32,
    "Ed448": 57,
    "ML-DSA-44": 1312,
    "ML-DSA-65": 1952,
    "ML-DSA-87": 2592,
}
"""The length of a public key that is a byte string, in bytes (RFC 8032 §5, FIPS 204 table 2)."""

_CURVE_BY_OID: Final = {oid: curve for curve, oid in CURVE_OIDS.items()}
_RAW_BY_OID: Final = {oid: name for name, oid in (OKP_OIDS | AKP_OIDS).items()}
_NAMED: Final = "-param_enc named_curve -pubout -out named_curve_key.pem"
_NAME_CURVE: Final = {
    Container.SPKI: f"openssl ec -pubin -in public_key.pem {_NAMED}",
    Container.CERTIFICATE: "openssl x509 -in certificate.pem -noout -pubkey"
    f" | openssl ec -pubin {_NAMED}",
    Container.REQUEST: f"openssl req -in request.csr -noout -pubkey | openssl ec -pubin {_NAMED}",
}
_NULL: Final = der.encode(der.NULL)
_PSS: Final = ("PS256", "PS384", "PS512")
_NO_NULL: Final = "The NULL parameter of the RSA algorithm was missing. The portal added it."
_COMPRESSED: Final = "The point of the key was compressed. The portal publishes it uncompressed."


def parse_spki(
    encoded: bytes, container: Container = Container.SPKI, notes: tuple[str, ...] = ()
) -> PublicKey:
    """Return the key of a DER SubjectPublicKeyInfo.

    Raise `Refused` if it is not strict DER or the kind of key is not supported. `KeyPolicy` judges
    sizes and numbers.
    """
    try:
        return _parse(encoded, container, notes)
    except der.NotDer:
        raise bad_der(encoded) from None


def _parse(encoded: bytes, container: Container, notes: tuple[str, ...]) -> PublicKey:
    algorithm, key = der.read(encoded).children(2, 2)
    identifier, *parameters = algorithm.children(1)
    oid = identifier.contents(der.OID)
    bits = key.bits()
    if oid in {RSA_OID, RSA_PSS_OID}:
        only = _rsa_restriction(oid, parameters)
        n, e = _rsa_integers(bits)
        if oid == RSA_OID and not parameters:
            notes = (*notes, _NO_NULL)
        return rsa_key(n, e, container, only=only, notes=notes)
    if oid == EC_OID:
        return _ec(parameters, bits, container, notes)
    name = _RAW_BY_OID.get(oid)
    if name is None:
        raise refuse_kind(oid)
    if parameters:  # RFC 8410 §3, RFC 9881 §2: the parameters are absent
        raise der.NotDer
    return raw_key(name, bits, container, notes=notes)


def _rsa_restriction(oid: bytes, parameters: list[der.Element]) -> tuple[str, ...]:
    if oid == RSA_PSS_OID:
        # RFC 4055 §1.2: without parameters there is no restriction beyond PSS. Parameters bind the
        # key to one hash and salt length. A JWK cannot express that, so they would be lost.
        if parameters:
            raise Refused(
                Reason.RSA_PSS_PARAMETERS,
                found="This RSA-PSS key is restricted to one hash or salt length.",
                needed="A JWK cannot express that restriction. Create a plain RSA key.",
                command=NEW_RSA_KEY,
            )
        return _PSS
    # RFC 3279 §2.3.1: the parameters must be NULL. Old Bouncy Castle omits them.
    if [each.encoded for each in parameters] not in ([_NULL], []):
        raise der.NotDer
    return ()


def _ec(
    parameters: list[der.Element], bits: bytes, container: Container, notes: tuple[str, ...]
) -> PublicKey:
    if len(parameters) != 1:
        raise der.NotDer
    if parameters[0].tag == der.SEQUENCE:
        raise Refused(
            Reason.EC_EXPLICIT_PARAMETERS,
            found="This EC key has explicit curve parameters instead of a curve name.",
            needed="Such keys can hide a weak curve (CVE-2020-0601). Name the curve.",
            command=_NAME_CURVE.get(container, _NAME_CURVE[Container.SPKI]),
        )
    oid = parameters[0].contents(der.OID)
    curve = _CURVE_BY_OID.get(oid)
    if curve is None:
        raise refuse_curve(oid)
    return ec_key(curve, bits, container, notes=notes)


def _rsa_integers(encoded: bytes) -> tuple[int, int]:
    n, e = der.read(encoded).children(2, 2)
    return n.integer(), e.integer()


def parse_pkcs1(encoded: bytes) -> PublicKey:
    """Return the key of a DER RSAPublicKey (RFC 8017 §A.1.1); raise `Refused`."""
    try:
        n, e = _rsa_integers(encoded)
    except der.NotDer:
        raise bad_der(encoded) from None
    return rsa_key(n, e, Container.PKCS1)


def rsa_key(
    n: int,
    e: int,
    container: Container,
    *,
    only: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> PublicKey:
    """Return the RSA key of these numbers; raise `Refused` if one is not positive."""
    if n < 1:
        raise Refused(
            Reason.RSA_MODULUS_INVALID,
            found="The modulus of this RSA key is zero or negative.",
            needed="The file is damaged, or a faulty program created it. Create a new key.",
            command=NEW_RSA_KEY,
        )
    if e < 1:
        raise Refused(
            Reason.RSA_EXPONENT,
            found="The public exponent of this RSA key is zero or negative.",
            needed="It must be 65537, the default of openssl.",
            command=NEW_RSA_KEY,
        )
    numbers = der.encode(der.SEQUENCE, der.encode_integer(n), der.encode_integer(e))
    spki = _info(der.encode(der.OID, RSA_OID) + _NULL, numbers)
    return PublicKey("RSA", "", n.bit_length(), spki, container, only, notes, n=n, e=e)


def ec_key(
    curve: str, point: bytes, container: Container, *, notes: tuple[str, ...] = ()
) -> PublicKey:
    """Return the EC key of this point (SEC 1 §2.3.3), compressed or not; raise `Refused`."""
    size = COORDINATE_BYTES[curve]
    if point[:1] in {b"\x02", b"\x03"} and len(point) == 1 + size:
        point, notes = _in_full(curve, point), (*notes, _COMPRESSED)
    if point[:1] != b"\x04" or len(point) != 1 + 2 * size:
        raise point_invalid()
    algorithm = der.encode(der.OID, EC_OID) + der.encode(der.OID, CURVE_OIDS[curve])
    spki = _info(algorithm, point)
    return PublicKey("EC", curve, int(curve[2:]), spki, container, notes=notes, raw=point)


def _in_full(curve: str, point: bytes) -> bytes:
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(CURVES[curve], point)
    except ValueError:
        raise point_invalid() from None
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def point_invalid() -> Refused:
    """Return the refusal of an EC point that is not on its curve."""
    return Refused(
        Reason.EC_POINT_INVALID,
        found="The public point of this EC key is not on its curve.",
        needed="The file is damaged, or a faulty program created it. Create a new key.",
        command=NEW_KEY,
    )


def raw_key(
    name: str,
    raw: bytes,
    container: Container,
    *,
    only: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> PublicKey:
    """Return the Ed25519, Ed448 or ML-DSA key of these bytes; `Refused` if truncated."""
    if len(raw) != RAW_BYTES[name]:
        raise Refused(
            Reason.KEY_LENGTH,
            found=f"This {name} key has {len(raw)} bytes.",
            needed=f"It must have {RAW_BYTES[name]}. The file may be truncated.",
        )
    algorithm = der.encode(der.OID, (OKP_OIDS | AKP_OIDS)[name])
    kty = "OKP" if name in OKP_OIDS else "AKP"
    # Ed25519 has 256 bits; the size of Ed448 is that of its field, as for the other EC keys.
    bits = 448 if name == "Ed448" else 8 * len(raw)
    return PublicKey(kty, name, bits, _info(algorithm, raw), container, only, notes, raw=raw)


def _info(algorithm: bytes, bits: bytes) -> bytes:
    return der.encode(
        der.SEQUENCE,
        der.encode(der.SEQUENCE, algorithm),
        der.encode(der.BIT_STRING, b"\x00", bits),
    )


def bad_der(encoded: bytes) -> Refused:
    """Return the refusal of bytes that are not strict DER of a public key."""
    return Refused(
        Reason.BAD_DER,
        found="The block does not contain a well-formed public key.",
        needed=f"{_damage(encoded)} Copy the whole file again, or create it again.",
        command=PUBLIC_HALF,
    )


def _damage(encoded: bytes) -> str:
    """Describe the damage, as shown by the length at the start of the DER."""
    left = der.missing(encoded)
    if left is None:
        return "It does not start like a key."
    if left > 0:
        return f"Its end is missing ({left} {'byte' if left == 1 else 'bytes'})."
    if left < 0:
        return f"There is something after its end ({-left} {'byte' if left == -1 else 'bytes'})."
    return "It has its full length, so something inside of it was changed."
