"""Whatever a developer pastes or uploads, into a `PublicKey`, or into a friendly refusal."""

from __future__ import annotations

from typing import Final

from portal.core.formats.jwk import parse_jwk
from portal.core.formats.openssh import looks_like_openssh, parse_openssh
from portal.core.formats.pem import parse_armoured
from portal.core.private.detect import refuse_private
from portal.core.public_key import PublicKey
from portal.core.public_key.not_a_key import refuse_bytes, refuse_text
from portal.core.reasons import Reason, Refused

MAX_INPUT_BYTES: Final = 32 * 1024
"""No public key comes near it: an ML-DSA-87 key is 4 KiB of PEM, a long certificate 8 KiB."""


def parse_public_key(data: bytes | str) -> PublicKey:
    """Return the one public key in a paste or file.

    Taken are SubjectPublicKeyInfo and PKCS#1 PEM, an X.509 certificate, a JWK or a JWKS of one key,
    and an OpenSSH public key line. Whether the key may be used is for `KeyPolicy` to judge.

    Raise `Refused`, and nothing else whatever the input. A private key is looked for before
    anything else, in the first `MAX_INPUT_BYTES`; nothing beyond them is ever read.
    """
    result = _judge(data)
    # From here on the paste is out of reach of whoever prints the variables of a traceback.
    del data
    if isinstance(result, Refused):
        raise result
    return result


def _judge(data: bytes | str) -> PublicKey | Refused:
    try:
        return _parse(data)
    except Refused as refusal:
        # The chain and the traceback hold frames and errors with the paste in them: cut both.
        refusal.__cause__ = refusal.__context__ = None
        return refusal.with_traceback(None)


def _parse(data: bytes | str) -> PublicKey:
    start = data[: MAX_INPUT_BYTES + 1]
    if isinstance(start, str):
        # Lone surrogates become bytes that are not UTF-8, which are refused below.
        start = start.encode("utf-8", "surrogatepass")
    refuse_private(start[:MAX_INPUT_BYTES])
    if len(start) > MAX_INPUT_BYTES:
        raise Refused(
            Reason.TOO_LARGE,
            found="This is more than 32 KiB.",
            needed="A public key is much smaller. Please give the key alone.",
        )
    refuse_bytes(start)
    text = start.decode("utf-8").removeprefix("\ufeff").strip()
    if not text:
        raise Refused(
            Reason.EMPTY,
            found="There is nothing here.",
            needed="Please give the content of your public key file.",
        )
    if text[0] in "{[":
        return parse_jwk(text)
    if looks_like_openssh(text):
        return parse_openssh(text)
    if "-----BEGIN " in text:
        return parse_armoured(text)
    raise refuse_text(text)
