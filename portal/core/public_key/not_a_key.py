"""Names what people send instead of a public key, and how to get the key."""

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
_HASH_BYTES: Final = {16: "MD5", 20: "SHA-1"}
_FINGERPRINT: Final = re.compile(
    r"(?:[0-9]{3,5} )?(?:SHA-?[0-9]{1,3}|MD5)(?: Fingerprint|\([^)\n]{0,99}\))?[ ]?[:=][ ]?"
    r"[A-Za-z0-9+/:_-]{16,}=?(?: [^\n]{0,199})?"
    r"|urn:ietf:params:oauth:jwk-thumbprint:[a-z0-9:-]{1,20}:[A-Za-z0-9_-]{16,}",
    re.IGNORECASE,
)
_DUMP: Final = re.compile(r"Public-Key: ?\(|Public Key Algorithm:|\bModulus=[0-9A-F]{64}")
_BEGIN: Final = re.compile(r"BEGIN [A-Z0-9 ]{0,40}(?:KEY|CERTIFICATE|REQUEST)")
_PARAMETERS: Final = frozenset(
    {"EC PARAMETERS", "DSA PARAMETERS", "DH PARAMETERS", "X9.42 DH PARAMETERS"}
)
_PKCS7_LABELS: Final = frozenset({"PKCS7", "CMS"})
_PKCS7: Final = bytes.fromhex("2a864886f70d0107")  # 1.2.840.113549.1.7


def is_parameters(label: str) -> bool:
    """Tell whether a block with this label holds parameters instead of a key."""
    return label in _PARAMETERS


def is_something_else(label: str) -> bool:
    """Tell whether this label names something other than a public key."""
    return (
        label in _PARAMETERS | _PKCS7_LABELS
        or label.startswith("PGP ")
        or label == "DSA PUBLIC KEY"
    )


def refuse_label(label: str) -> Refused:
    """Return the refusal of a PEM block whose label is not that of a public key."""
    if label.startswith("PGP "):
        return Refused(
            Reason.PGP_KEY,
            found="This is a PGP key or message.",
            needed="PGP keys cannot sign JWTs. Create a key pair for this client.",
            command=NEW_KEY,
        )
    if label in _PKCS7_LABELS:
        return _pkcs7("PEM")
    if label in _PARAMETERS:
        return Refused(
            Reason.PARAMETERS_ONLY,
            found="This block contains only parameters, such as the name of a curve.",
            needed="Enter the public key.",
            command=PUBLIC_HALF,
        )
    if label == "DSA PUBLIC KEY":
        return unsupported_kind("DSA")
    return Refused(
        Reason.UNKNOWN_BLOCK,
        found="This block is neither a public key nor a certificate.",
        needed="Its first line must be -----BEGIN PUBLIC KEY-----.",
        command=PUBLIC_HALF,
    )


def _pkcs7(form: str) -> Refused:
    return Refused(
        Reason.PKCS7,
        found="This is a PKCS#7 bundle of certificates.",
        needed="Enter the public key of your own certificate.",
        command=f"openssl pkcs7 -inform {form} -in bundle.p7b -print_certs"
        " | openssl x509 -noout -pubkey > public_key.pem",
    )


def refuse_der(data: bytes) -> Refused:
    """Return the refusal of well-formed DER that is neither a key, a certificate nor a request."""
    if _is_pkcs7(data):
        return _pkcs7("DER")
    return Refused(
        Reason.DER_BINARY,
        found="This is a binary (DER) file without a public key.",
        needed="Enter a public key, a certificate or a signing request.",
        command=PUBLIC_HALF,
    )


def _is_pkcs7(data: bytes) -> bool:
    try:
        return der.read(data).children(1)[0].contents(der.OID).startswith(_PKCS7)
    except der.NotDer:
        return False


def refuse_bytes() -> Refused:
    """Return the refusal of bytes that are neither text nor DER."""
    return Refused(
        Reason.NOT_TEXT,
        found="This is not plain text: it contains bytes that PEM and JWK files do not have.",
        needed="Enter the public key as PEM, JWK or DER.",
        command=PUBLIC_HALF,
    )


def refuse_text(text: str) -> Refused:
    """Return the refusal of a text without a public key."""
    if text.startswith(("https://", "http://")):
        return Refused(
            Reason.URL,
            found="This is a URL, not a key.",
            needed="The portal does not fetch keys. Enter the public key itself.",
            command=PUBLIC_HALF,
        )
    if text.startswith("<") and "KeyValue" in text:
        return Refused(
            Reason.XML_KEY,
            found="This is XML with a key that the portal cannot read.",
            needed="Export it as PEM, in .NET with RSA.ExportSubjectPublicKeyInfoPem().",
        )
    if _TOKEN.fullmatch(text):
        return Refused(
            Reason.TOKEN,
            found="This is a signed token, such as a client assertion, not a key.",
            needed="Enter the public key that verifies it.",
            command=PUBLIC_HALF,
        )
    if _FINGERPRINT.fullmatch(text):
        return _fingerprint("This is a fingerprint of a key or certificate")
    if _DUMP.search(text):
        return Refused(
            Reason.KEY_DUMP,
            found="This is openssl's printout of a key (-text or -modulus).",
            needed="Enter the key itself.",
            command=PUBLIC_HALF,
        )
    if _BEGIN.search(text):
        return Refused(
            Reason.INCOMPLETE_BLOCK,
            found="The first line of the block does not have five dashes on each side.",
            needed="It should read -----BEGIN PUBLIC KEY-----, without spaces beside the dashes.",
        )
    if "-----END " in text:
        return Refused(
            Reason.INCOMPLETE_BLOCK,
            found="The block is incomplete: its BEGIN line is missing.",
            needed="Copy the whole file, from the first to the last dash.",
        )
    return _refuse_word("".join(text.split()))


def _refuse_word(word: str) -> Refused:
    bare = _bare_bytes(word)
    if len(bare) in _HASH_BYTES:
        return _fingerprint(
            f"These are {len(bare)} bytes, the length of a fingerprint ({_HASH_BYTES[len(bare)]})"
        )
    if len(bare) in _SECRET_BYTES:
        return Refused(
            Reason.BARE_BYTES,
            found=f"These are {len(bare)} bytes of unknown type.",
            needed="A public key, a fingerprint and a private key (a seed) can all look like "
            "this. Enter the public key as PEM or JWK. If this was a private key, it is "
            "compromised and its public key is blocked: create a new key pair.",
            command=NEW_KEY,
            # If the text is a fingerprint, only keys with this seed are blocked; nobody has them.
            leaked=tuple(halves_of(bare)),
        )
    if bare:
        digits = "hexadecimal" if _HEXADECIMAL.fullmatch(word) else "base64"
        return Refused(
            Reason.NO_HEADER_LINES,
            found=f"This is {digits}, but it does not contain a public key.",
            needed="Enter the whole file unchanged, with its BEGIN and END lines.",
            command=PUBLIC_HALF,
        )
    return Refused(
        Reason.NO_KEY_FOUND,
        found="This text contains no public key.",
        needed="A public key file starts with -----BEGIN PUBLIC KEY-----.",
        command=PUBLIC_HALF,
    )


def _fingerprint(found: str) -> Refused:
    return Refused(
        Reason.FINGERPRINT,
        found=f"{found}. A key cannot be derived from it.",
        needed="Enter the public key itself.",
        command=PUBLIC_HALF,
    )


def _bare_bytes(text: str) -> bytes:
    """Return the bytes that the text encodes in hexadecimal, base64 or base64url."""
    if _HEXADECIMAL.fullmatch(text):
        return hexadecimal(text)
    return base64url.decode(text) or base64url.decode_url(text) or b""
