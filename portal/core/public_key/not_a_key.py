"""Things that people give in place of a public key, each named, with the way to the key."""

from __future__ import annotations

import re
from typing import Final

from portal.core.algorithms import PUBLIC_HALF
from portal.core.formats import der
from portal.core.private.numbers import halves_of
from portal.core.private.spelling import hexadecimal
from portal.core.public_key.unsupported import NEW_KEY, unsupported_kind
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){1,4}")
_HEXADECIMAL: Final = re.compile(r"(0x)?([0-9A-Fa-f]{2}:?)+")
_SECRET_BYTES: Final = frozenset({32, 48, 57, 66})  # P-256 and Ed25519, P-384, Ed448, P-521
_REQUESTS: Final = frozenset({"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"})
_PARAMETERS: Final = frozenset(
    {"EC PARAMETERS", "DSA PARAMETERS", "DH PARAMETERS", "X9.42 DH PARAMETERS"}
)


def refuse_label(label: str) -> Refused:
    """Return the refusal of a PEM block with a label that is none of a public key's."""
    if label in _REQUESTS:
        return Refused(
            Reason.CERTIFICATE_REQUEST,
            found="This is a certificate signing request (CSR).",
            needed="Please give the public key that is inside it.",
            command="openssl req -in request.csr -noout -pubkey -out public_key.pem",
        )
    if label.startswith("PGP "):
        return Refused(
            Reason.PGP_KEY,
            found="This is a PGP key or message.",
            needed="PGP keys cannot sign JWTs. Please make a key pair for this client.",
            command=NEW_KEY,
        )
    if label in {"PKCS7", "CMS"}:
        return Refused(
            Reason.PKCS7,
            found="This is a PKCS#7 bundle of certificates.",
            needed="Please give the public key of your own certificate.",
            command="openssl pkcs7 -in bundle.p7b -print_certs"
            " | openssl x509 -noout -pubkey > public_key.pem",
        )
    if label in _PARAMETERS:
        return Refused(
            Reason.PARAMETERS_ONLY,
            found="This block holds parameters, such as the name of a curve, and no key.",
            needed="Please give the public key.",
            command=PUBLIC_HALF,
        )
    if label == "TRUSTED CERTIFICATE":
        return Refused(
            Reason.UNKNOWN_BLOCK,
            found="This is a certificate with settings that only OpenSSL understands.",
            needed="Please give its public key.",
            command="openssl x509 -in certificate.pem -noout -pubkey -out public_key.pem",
        )
    if label == "DSA PUBLIC KEY":
        return unsupported_kind("DSA")
    return Refused(
        Reason.UNKNOWN_BLOCK,
        found="This block is neither a public key nor a certificate.",
        needed="Its first line should read BEGIN PUBLIC KEY between five dashes on each side.",
        command=PUBLIC_HALF,
    )


def refuse_bytes(data: bytes) -> None:
    """Raise `Refused` when the bytes are no UTF-8 text: a binary file, or another encoding."""
    element = _read_der(data)
    if element is not None:
        raise Refused(
            Reason.DER_BINARY,
            found="This is a binary (DER) file.",
            needed="Please write it as PEM, which is text.",
            command=_der_command(element),
        )
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or (len(data) > 1 and 0 in data[:2]):
        raise Refused(
            Reason.NOT_TEXT,
            found="This text is UTF-16, as some Windows programs save it.",
            needed="Please save it as UTF-8 or plain ASCII.",
            command="iconv -f UTF-16 -t UTF-8 public_key.txt > public_key.pem",
        )
    if 0 in data or not _is_utf8(data):
        raise Refused(
            Reason.NOT_TEXT,
            found="This is not plain text: it has bytes that no PEM or JWK file has.",
            needed="Please give the key as PEM or JWK. A binary key file can be written as PEM.",
            command=_DER_KEY,
        )


_DER_KEY: Final = "openssl pkey -pubin -inform DER -in public_key.der -out public_key.pem"
_DER_PKCS1: Final = (
    "openssl rsa -RSAPublicKey_in -inform DER -in public_key.der -pubout -out public_key.pem"
)
_DER_CERTIFICATE: Final = "openssl x509 -inform DER -in certificate.der -out certificate.pem"


def _read_der(data: bytes) -> der.Element | None:
    try:
        element = der.read(data)
    except der.NotDer:
        return None
    return element if element.tag == der.SEQUENCE else None


def _der_command(element: der.Element) -> str:
    try:
        tags = [child.tag for child in element.children()]
    except der.NotDer:
        return _DER_KEY
    if len(tags) == 3:
        return _DER_CERTIFICATE
    return _DER_PKCS1 if tags == [der.INTEGER, der.INTEGER] else _DER_KEY


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def refuse_text(text: str) -> Refused:
    """Return the refusal of a text without a PEM block that is no JWK and no OpenSSH key either."""
    if text.startswith(("https://", "http://")):
        return Refused(
            Reason.URL,
            found="This is an address, not a key.",
            needed="Keys are not fetched from elsewhere. Please give the public key itself.",
            command=PUBLIC_HALF,
        )
    if text.startswith("---- BEGIN SSH2 "):
        return Refused(
            Reason.SSH2_KEY,
            found="This is a public key in the SSH2 format (RFC 4716).",
            needed="Please write it as an OpenSSH public key.",
            command="ssh-keygen -i -f ssh2_key.pub > public_key.pub",
        )
    if text.startswith("<") and "RSAKeyValue" in text:
        return Refused(
            Reason.XML_KEY,
            found="This is an RSA key in the XML format of .NET.",
            needed="Please write it as PEM: RSA.ExportSubjectPublicKeyInfoPem() in .NET does.",
        )
    if _TOKEN.fullmatch(text):
        return Refused(
            Reason.TOKEN,
            found="This is a signed token, such as a client assertion, and not a key.",
            needed="Please give the public half of the key that signed it.",
            command=PUBLIC_HALF,
        )
    bare = _bare_bytes("".join(text.split()))
    if len(bare) in _SECRET_BYTES:
        return Refused(
            Reason.BARE_BYTES,
            found=f"These are {len(bare)} bytes, and nothing says what they are.",
            needed="A public key, a fingerprint and a private key (a seed) can all look like this."
            " Please give the public key as PEM or JWK. If it was a private key, it counts as"
            " leaked and its public half is blocked: please make a new pair.",
            command=NEW_KEY,
            # Whoever sends a fingerprint blocks the keys that nobody made of it. No other can be.
            leaked=tuple(halves_of(bare)),
        )
    if base64url.decode("".join(text.split())):
        return Refused(
            Reason.NO_HEADER_LINES,
            found="This is base64 without its BEGIN and END lines.",
            needed="Please give the whole file with both lines, or put them back.",
            command="tr -d '[:space:]' < key.txt | openssl base64 -d -A"
            " | openssl pkey -pubin -inform DER -out public_key.pem",
        )
    return Refused(
        Reason.NO_KEY_FOUND,
        found="There is no public key in this text.",
        needed="A public key file begins with BEGIN PUBLIC KEY between dashes.",
        command=PUBLIC_HALF,
    )


def _bare_bytes(text: str) -> bytes:
    """Return the bytes that the text is in hexadecimal digits, base64 or base64url."""
    if _HEXADECIMAL.fullmatch(text):
        return hexadecimal(text)
    return base64url.decode(text) or base64url.decode_url(text) or b""
