"""Parses what a developer pastes or uploads into a `PublicKey`, or refuses it helpfully."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from portal.core.formats import layers, openssh
from portal.core.formats.answers import Candidate, read_json
from portal.core.formats.der_key import is_point, parse_der, parse_point
from portal.core.formats.jwk import parse_jwk
from portal.core.formats.pem import BEGIN, parse_armoured
from portal.core.formats.several import usable
from portal.core.formats.xml_key import looks_like_xml, parse_xml
from portal.core.private.detect import refuse_private
from portal.core.private.numbers import Tried
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.not_a_key import refuse_bytes, refuse_text
from portal.core.reasons import Reason, Refused

MAX_INPUT_BYTES: Final = 32 * 1024
"""Far above any public key: an ML-DSA-87 key is 4 KiB of PEM, a long certificate 8 KiB."""

_SEQUENCE: Final = 0x30


def parse_public_key(data: bytes | str, *, choice: str = "") -> PublicKey:
    """Return the public key in a paste or file; of several, the one with the kid `choice`.

    Accepts SubjectPublicKeyInfo, PKCS#1, X.509 certificates and signing requests, as PEM or DER,
    JWK and JWKS, OpenSSH lines, and XML of .NET. Encodings around these are removed one layer at a
    time (`formats.layers`) and named in `PublicKey.layers`. `KeyPolicy` judges whether the key may
    be used.

    Raise `Refused`, and no other exception, whatever the input; its `choices` are the keys to
    choose from if there are several. Private keys are searched for first, in the first
    `MAX_INPUT_BYTES` and in the content of each layer; nothing beyond is ever read.
    """
    result = _judge(data, choice)
    # From here on, a traceback that prints variables cannot contain the paste.
    del data
    if isinstance(result, Refused):
        raise result
    return result


def _judge(data: bytes | str, choice: str) -> PublicKey | Refused:
    try:
        return _parse(data, choice)
    except Refused as refusal:
        # The exception chain and the traceback hold frames and errors with the paste: drop both.
        refusal.__cause__ = refusal.__context__ = None
        return refusal.with_traceback(None)


def _parse(data: bytes | str, choice: str) -> PublicKey:
    start = data[: MAX_INPUT_BYTES + 1]
    if isinstance(start, str):
        # Lone surrogates become bytes that are not UTF-8; the code below refuses them.
        start = start.encode("utf-8", "surrogatepass")
    budget = _Budget()
    refuse_private(start[:MAX_INPUT_BYTES], budget.tried)
    if len(start) > MAX_INPUT_BYTES:
        raise Refused(
            Reason.TOO_LARGE,
            found="This is more than 32 KiB.",
            needed="A public key is much smaller. Enter only the key.",
        )
    return _choose(_read(start, budget, 0), choice)


def _choose(keys: Iterable[PublicKey], choice: str) -> PublicKey:
    different = {key.spki: key for key in reversed(list(keys))}
    found = tuple(reversed(different.values()))
    if len(found) == 1:
        return found[0]
    for key in found:
        if key.thumbprint == choice:
            return replace(key, choices=found)
    if all(key.container is Container.CERTIFICATE for key in found):
        raise Refused(
            Reason.SEVERAL_BLOCKS,
            found=f"There are {len(found)} certificates in this, as in a certificate chain.",
            needed="Choose your own. In a chain it is the first.",
            command="openssl x509 -in chain.pem -out certificate.pem",
            choices=found,
        )
    raise Refused(
        Reason.SEVERAL_BLOCKS,
        found=f"This contains {len(found)} keys.",
        needed="Choose the key that your client signs with.",
        choices=found,
    )


@dataclass(slots=True)
class _Budget:
    """The number of bytes that layers may still produce."""

    left: int = layers.MAX_UNDONE_BYTES
    tried: Tried = field(default_factory=dict, repr=False)

    def spend(self, content: layers.Content, depth: int) -> None:
        """Count the content of a layer and search it for private keys; raise `Refused`."""
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogatepass")
        self.left -= len(content)
        if self.left < 0 or depth > layers.MAX_LAYERS:
            raise Refused(
                Reason.TOO_LARGE,
                found="The key is wrapped in too many formats.",
                needed="Enter only the key.",
            )
        refuse_private(content, self.tried)


def _read(content: layers.Content, budget: _Budget, depth: int) -> list[PublicKey]:
    """Read the content; if that fails, read the content of its outermost layer."""
    if isinstance(content, bytes):
        decoded = _of_bytes(content)
        if isinstance(decoded, list):
            return decoded
        if isinstance(decoded, layers.Layer):
            return _inside(decoded, budget, depth)
        content = decoded
    text = content.removeprefix("\ufeff").strip()
    if not text:
        raise Refused(
            Reason.EMPTY,
            found="The field is empty.",
            needed="Enter the content of your public key file.",
        )
    try:
        return _of_text(text, budget, depth)
    except Refused as refused:
        layer = layers.undo(text) if refused.reason in _UNREAD else None
        if layer is None:
            raise
        outside = refused
    try:
        return _inside(layer, budget, depth)
    except Refused as inside:
        # The inner refusal is more specific, unless it found nothing.
        raise (outside if inside.reason in _UNREAD - {Reason.BARE_BYTES} else inside) from None


_UNREAD: Final = frozenset(
    {
        Reason.NO_KEY_FOUND,
        Reason.NO_HEADER_LINES,
        Reason.BARE_BYTES,
        Reason.INCOMPLETE_BLOCK,
        Reason.UNKNOWN_BLOCK,
        Reason.LABEL_MISMATCH,
        Reason.BAD_BASE64,
        Reason.BAD_JWK,
        Reason.BAD_OPENSSH_KEY,
        Reason.XML_KEY,
        Reason.EMPTY,
    }
)
"""A text refused for one of these may be encoded. For other reasons its kind is known."""


def _inside(layer: layers.Layer, budget: _Budget, depth: int) -> list[PublicKey]:
    budget.spend(layer.content, depth + 1)
    try:
        keys = _read(layer.content, budget, depth + 1)
    except Refused as refused:
        if "private_key.pem" not in refused.command:
            refused.command = ""  # the command expects a file without this layer
        raise
    return [replace(key, layers=(layer.name, *key.layers)) for key in keys]


def _of_bytes(data: bytes) -> list[PublicKey] | layers.Layer | str:
    if openssh.looks_like_blob(data):
        return [openssh.parse_blob(data)]
    if is_point(data):
        return [parse_point(data)]
    text = layers.decode(data)
    if data[:1] == bytes((_SEQUENCE,)) and not isinstance(text, str):
        return [replace(parse_der(data), layers=("DER",))]
    if text is None:
        raise refuse_bytes()
    return text


def _of_text(text: str, budget: _Budget, depth: int) -> list[PublicKey]:
    if text[0] in "{[":
        answer = read_json(text)
        keys = usable(partial(_of_candidate, each, budget, depth) for each in answer.candidates)
        layer = (answer.name,) if answer.name else ()
        return [replace(key, layers=(*layer, *key.layers)) for key in keys]
    if BEGIN in text and not text.startswith(("ssh-", openssh.ECDSA)):
        return parse_armoured(text)
    if openssh.SSH2_BEGIN in text:
        return [openssh.parse_ssh2(text)]
    if openssh.looks_like_openssh(text):
        return openssh.parse_openssh(text)
    if looks_like_xml(text):
        return parse_xml(text)
    raise refuse_text(text)


def _of_candidate(candidate: Candidate, budget: _Budget, depth: int) -> list[PublicKey]:
    content = candidate.content
    if isinstance(content, (str, bytes)):
        budget.spend(content, depth + 1)
        keys = _read(content, budget, depth + 1)
    else:
        keys = [parse_jwk(content)]
    return [
        replace(
            key,
            only=candidate.only or key.only,
            bound_by=candidate.bound_by or key.bound_by,
            notes=(*key.notes, *candidate.notes),
            hint=key.hint or candidate.hint,
        )
        for key in keys
    ]
