"""Private keys are looked for before anything else, in whatever they come, damaged or whole.

A private key that was shown to anybody counts as leaked. So nothing of it goes on from here except
the public half, and that only when it is proven (`proof.py`), so that the registry can block it.
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from portal.core import private_der, private_openssh, private_text
from portal.core.keys import PublicKey
from portal.core.kinds import NEW_KEY
from portal.core.reasons import Reason, Refused

MAX_PROOFS: Final = 16
"""How many private keys in one input are looked at for their public halves."""

# `BEGIN RSA PRIVATE KEY` and its like, wherever the dashes and spaces went, and PuTTY's first line.
_LABEL: Final = re.compile(r"(BEGIN|END)[A-Z0-9]{0,24}?PRIVATEKEY|PUTTYUSERKEYFILE")

_OPENSSH_START: Final = "b3BlbnNzaC1rZXktdjE"  # base64 of the magic bytes
_PEM_START: Final = "LS0tLS1CRUdJTi"  # base64 of -----BEGIN
_BASE64: Final = r"[A-Za-z0-9+/_\s-]"
_HEAD: Final = re.compile(_BASE64 + "{0,160}")
_BODY: Final = re.compile(_BASE64 + "*")
_WRAPPED_PEM: Final = re.compile(_PEM_START + _BASE64 + "*")
# Every DER SEQUENCE begins with M in base64.
_BLOB: Final = re.compile(rf"(?<![A-Za-z0-9+/_])(?:M|{_OPENSSH_START})")


def refuse_private(data: bytes) -> None:
    """Raise `Refused` when there is a private key or a shared secret in the data."""
    text = _plain(data)
    texts = [text, *(_plain(_decode(match)) for match in _WRAPPED_PEM.finditer(text))]
    blobs = [data] if _is_private_blob(data) else []
    blobs += islice(chain.from_iterable(map(_private_blobs, texts)), MAX_PROOFS)
    if blobs or any(map(_is_private_text, texts)):
        halves = chain(
            map(_blob_half, blobs),
            chain.from_iterable(map(private_text.public_halves, texts)),
        )
        leaked = {half.spki: half for half in islice(halves, MAX_PROOFS) if half}
        raise Refused(
            Reason.PRIVATE_KEY,
            found="There is a private key in this.",
            needed="Only the public half is needed. A private key that was shown counts as leaked,"
            " so please make a new pair, and keep its private half to yourself.",
            command=NEW_KEY,
            leaked=tuple(leaked.values()),
        )
    if any(map(private_text.has_shared_secret, texts)):
        raise Refused(
            Reason.SHARED_SECRET,
            found="There is a shared secret (a symmetric key) in this.",
            needed="It counts as leaked now. Please make a key pair, and give its public half.",
            command=NEW_KEY,
        )


def _plain(data: bytes) -> str:
    """Return the text in the data, also that of UTF-16 and that in a string of a program."""
    text = data.replace(b"\0", b"").decode("latin-1")
    return text.replace("\\r", "").replace("\\n", "\n").replace('\\"', '"')


def _is_private_text(text: str) -> bool:
    squeezed = re.sub(r"[^A-Z0-9]", "", text.upper())
    return (
        _LABEL.search(squeezed) is not None
        or private_text.has_private_jwk(text)
        or private_text.has_private_xml(text)
        or private_text.has_private_dump(text)
    )


def _private_blobs(text: str) -> Iterator[bytes]:
    """Yield what is a private key when decoded: under whatever label, or without one."""
    for start in _BLOB.finditer(text):
        if _is_private_blob(_decode(_HEAD.match(text, start.start()))):
            yield _decode(_BODY.match(text, start.start()))


def _is_private_blob(data: bytes) -> bool:
    return data.startswith(private_openssh.MAGIC) or private_der.looks_private(
        data[: private_der.HEAD_BYTES]
    )


def _blob_half(data: bytes) -> PublicKey | None:
    if data.startswith(private_openssh.MAGIC):
        return private_openssh.public_half(data)
    return private_der.public_half(data)


def _decode(match: re.Match[str] | None) -> bytes:
    """Return the bytes of base64 or base64url, or what there is of it before it ends."""
    text = match[0].partition("-----")[0] if match else ""
    letters = "".join(text.split()).replace("-", "+").replace("_", "/")
    if len(letters) % 4 == 1:  # one letter is no byte
        letters = letters[:-1]
    return a2b_base64(letters + "==")
