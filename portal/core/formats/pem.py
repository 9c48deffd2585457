"""PEM: text between a BEGIN and an END line (RFC 7468), exactly one block of it."""

from __future__ import annotations

from typing import Final

from portal.core.formats.spki import parse_pkcs1, parse_spki
from portal.core.formats.x509 import parse_certificate
from portal.core.public_key import PublicKey
from portal.core.public_key.not_a_key import refuse_label
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

BEGIN: Final = "-----BEGIN "
_END: Final = "-----END "
_DASHES: Final = "-----"
_PARSERS: Final = {
    "PUBLIC KEY": parse_spki,
    "RSA PUBLIC KEY": parse_pkcs1,
    "CERTIFICATE": parse_certificate,
}


def parse_armoured(text: str) -> PublicKey:
    """Return the key of the one PEM block in a text that has a BEGIN line; raise `Refused`.

    Text before the block is allowed (RFC 7468 §2 has explanatory text there, and openssl writes
    it); after it only white space is. Inside it white space is ignored, and base64 must be
    canonical.
    """
    before, _, rest = text.partition(BEGIN)
    label, found, rest = rest.partition(_DASHES)
    if not found or "\n" in label or _END in before:
        raise _incomplete()
    parse = _PARSERS.get(label)
    if parse is None:
        raise refuse_label(label)
    if BEGIN in rest:
        raise _several(label)
    body, found, rest = rest.partition(_END)
    end_label, end, rest = rest.partition(_DASHES)
    if not found or not end:
        raise _incomplete()
    if end_label != label:
        raise Refused(
            Reason.LABEL_MISMATCH,
            found="The BEGIN and END lines of the block name different things.",
            needed="Please copy the whole file again; the two lines belong together.",
        )
    if rest.strip():
        raise Refused(
            Reason.TRAILING_DATA,
            found="There is something after the END line.",
            needed="Please give the block alone; its END line is the last line.",
        )
    encoded = base64url.decode("".join(body.split()))
    if not encoded:
        raise Refused(
            Reason.BAD_BASE64,
            found="What is between the BEGIN and END lines is not base64.",
            needed="Please copy the whole file again, as it is.",
        )
    return parse(encoded)


def _incomplete() -> Refused:
    return Refused(
        Reason.INCOMPLETE_BLOCK,
        found="The block is not complete: its BEGIN or END line is missing or cut short.",
        needed="Please copy the whole file, from the first to the last dash.",
    )


def _several(label: str) -> Refused:
    if label == "CERTIFICATE":
        return Refused(
            Reason.SEVERAL_BLOCKS,
            found="There is more than one block, as in a certificate chain.",
            needed="Please give your own certificate alone; in a chain it is the first.",
            command="openssl x509 -in chain.pem -out certificate.pem",
        )
    return Refused(
        Reason.SEVERAL_BLOCKS,
        found="There is more than one block.",
        needed="Please give one public key at a time.",
    )
