"""Searches input for private keys, in any container, complete or damaged, before other steps.

A private key that was sent to anyone counts as leaked. So this module passes on only its public
key, and only a proven one (`to_public.py`), so that the registry can block it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, islice
from typing import Final

from portal.core.private import der as private_der
from portal.core.private import numbers as private_numbers
from portal.core.private import openssh as private_openssh
from portal.core.private import spelling as private_spelling
from portal.core.private import text as private_text
from portal.core.private import windows as private_windows
from portal.core.public_key import PublicKey
from portal.core.public_key.unsupported import NEW_KEY, NEW_KEYSTORE
from portal.core.reasons import Reason, Refused

MAX_PROOFS: Final = 16
"""For how many private keys of one input the public key is derived."""

# `BEGIN RSA PRIVATE KEY` and similar lines, with or without dashes and spaces, and PuTTY's first
# line. Not the method private_key_jwt, which is in the metadata of every client.
_LABEL: Final = re.compile(rb"(BEGIN|END)[A-Z0-9]{0,24}?PRIVATEKEY(?!JWT)|PUTTYUSERKEYFILE")

_NOT_IN_A_LABEL: Final = bytes(
    each for each in range(256) if not (chr(each).isascii() and chr(each).isalnum())
)
# A text that was encoded as a whole: PEM, PuTTY, JSON or XML. `eyJ` begins the parts of a token.
_TEXT: Final = re.compile(rb"\s*(-----BEGIN|PuTTY-|[{\[<][\s\"'{?!A-Za-z])")
_ESCAPE: Final = re.compile(r"\\u00([2-7][0-9A-Fa-f])")
_MAX_VALUES: Final = 512
_JAVA_KEYSTORES: Final = (bytes.fromhex("feedfeed"), bytes.fromhex("cececece"))  # JKS, JCEKS


def refuse_private(data: bytes, tried: private_numbers.Tried | None = None) -> None:
    """Raise `Refused` if the data contains a private key or a shared secret.

    `tried` stores the values already tried, so that they are not tried again in decoded content. It
    may hold private values, and must not outlive the data.
    """
    text = _plain(data)
    bodies = list(private_spelling.bodies(text, _is_telling))
    # Joined into one text, so that the cost depends only on the total length.
    inner = "\n\n".join(_plain(each) for each in bodies if _is_text(each))
    texts = [text, inner]
    bodies += private_spelling.bodies(inner, _is_private_blob)
    if not data.isascii():  # ASCII text is not a value itself; its words may be
        bodies = [data, *bodies]
    blobs = [each for each in bodies if _is_private_blob(each)]
    tried = {} if tried is None else tried
    proven = list(private_numbers.public_halves(_values(texts, bodies), tried))
    if blobs or proven or any(map(_is_private_text, texts)):
        halves = chain(
            proven,
            map(_blob_half, blobs[:MAX_PROOFS]),
            chain.from_iterable(map(private_text.public_halves, texts)),
        )
        leaked = {half.spki: half for half in islice(halves, MAX_PROOFS) if half}
        raise Refused(
            Reason.PRIVATE_KEY,
            found=_found(blobs),
            needed="Only the public key is needed. A private key that was shared is "
            "compromised: create a new key pair, and keep its private key secret.",
            command=NEW_KEYSTORE if any(map(_is_java_keystore, blobs)) else NEW_KEY,
            leaked=tuple(leaked.values()),
        )
    if any(map(private_text.has_shared_secret, texts)):
        raise Refused(
            Reason.SHARED_SECRET,
            found="This contains a shared secret (a symmetric key).",
            needed="The secret is now compromised. Create a key pair, and enter its public key.",
            command=NEW_KEY,
        )


def _plain(data: bytes) -> str:
    """Return the text in the data, also from UTF-16 and from an escaped string of a program."""
    text = data.replace(b"\0", b"").decode("latin-1")
    if "\\" not in text:
        return text
    text = text.replace("\\r", "").replace("\\n", "\n").replace('\\"', '"')
    # PHP escapes the slash of base64; .NET escapes the plus sign and, for XML in JSON, brackets.
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text.replace("\\/", "/"))


def _is_private_text(text: str) -> bool:
    squeezed = text.upper().encode("latin-1", "ignore").translate(None, _NOT_IN_A_LABEL)
    return (
        _LABEL.search(squeezed) is not None
        or private_text.has_private_jwk(text)
        or private_text.has_private_xml(text)
        or private_text.has_private_dump(text)
    )


def _is_telling(head: bytes) -> bool:
    return _is_text(head) or _is_private_blob(head)


def _is_text(head: bytes) -> bool:
    return _TEXT.match(head) is not None


def _is_private_blob(data: bytes) -> bool:
    """Tell whether the data is a private key, with any label or none."""
    head = data[: private_spelling.HEAD_BYTES]
    return (
        head.startswith((private_openssh.MAGIC, *_JAVA_KEYSTORES))
        or private_windows.looks_private(head)
        or private_der.looks_private(head)
    )


def _found(blobs: Iterable[bytes]) -> str:
    if any(map(_is_java_keystore, blobs)):
        return "This is a Java keystore (JKS or JCEKS), which contains private keys."
    if any(private_der.is_keystore(each[: private_spelling.HEAD_BYTES]) for each in blobs):
        return "This is a PKCS#12 keystore (.p12 or .pfx), which contains private keys."
    return "This contains a private key."


def _is_java_keystore(data: bytes) -> bool:
    return data.startswith(_JAVA_KEYSTORES)


def _blob_half(data: bytes) -> PublicKey | None:
    if data.startswith(private_openssh.MAGIC):
        return private_openssh.public_half(data)
    if private_windows.looks_private(data):
        return private_windows.public_half(data)
    return private_der.public_half(data)


def _values(texts: Iterable[str], bodies: Iterable[bytes]) -> list[bytes]:
    words = chain.from_iterable(map(private_spelling.words, texts))
    return list(dict.fromkeys(islice(chain(bodies, words), _MAX_VALUES)))
