"""OpenSSH public key lines: `ssh-rsa AAAA… comment` (RFC 4253 §6.6, RFC 5656 §3.1, RFC 8709 §4)."""

from __future__ import annotations

from typing import Final

from portal.core.formats.spki import ec_key, raw_key, rsa_key
from portal.core.public_key import Container, PublicKey
from portal.core.public_key.unsupported import NEW_KEY, unsupported_kind
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url

CURVES: Final = {"nistp256": "P-256", "nistp384": "P-384", "nistp521": "P-521"}
ECDSA: Final = "ecdsa-sha2-"
_STARTS: Final = ("ssh-", ECDSA, "sk-ssh-", "sk-ecdsa-")


def looks_like_openssh(text: str) -> bool:
    """Tell whether the text begins as an OpenSSH public key line does."""
    return text.startswith(_STARTS)


def parse_openssh(text: str) -> PublicKey:
    """Return the key of one OpenSSH public key line; raise `Refused`."""
    if len(text.splitlines()) > 1:
        raise Refused(
            Reason.SEVERAL_BLOCKS,
            found="There is more than one line.",
            needed="Please give one public key at a time: a single line.",
        )
    kind, _, rest = text.partition(" ")
    if kind.startswith("sk-"):
        raise Refused(
            Reason.KEY_TYPE_UNSUPPORTED,
            found="This key lives on a security key (its type begins with sk-).",
            needed="It signs in a format of its own, which no JWT has. Please make a new key.",
            command=NEW_KEY,
        )
    if "-cert-v01@" in kind:
        raise unsupported_kind("OpenSSH certificate")
    if kind == "ssh-dss":
        raise unsupported_kind("DSA")
    blob = base64url.decode((rest.split() or [""])[0])
    if blob is None:
        raise _bad()
    fields = _fields(blob)
    if not fields or fields[0] != kind.encode():
        raise _bad()
    return _key(kind, fields[1:])


def _key(kind: str, fields: list[bytes]) -> PublicKey:
    match kind, fields:
        case "ssh-rsa", [e, n]:
            return rsa_key(_mpint(n), _mpint(e), Container.OPENSSH)
        case "ssh-ed25519", [raw]:
            return raw_key("Ed25519", raw, Container.OPENSSH)
        case "ssh-ed448", [raw]:
            return raw_key("Ed448", raw, Container.OPENSSH)
        case _, [name, point]:
            curve = kind.removeprefix(ECDSA)
            if curve in CURVES and name == curve.encode():
                return ec_key(CURVES[curve], point, Container.OPENSSH)
    raise _bad()


def _fields(blob: bytes) -> list[bytes]:
    fields = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            raise _bad()
        fields.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    return fields


def _mpint(data: bytes) -> int:
    value = int.from_bytes(data, "big", signed=True)
    # RFC 4251 §5: no unnecessary leading bytes.
    if value < 1 or len(data) != value.bit_length() // 8 + 1:
        raise _bad()
    return value


def _bad() -> Refused:
    return Refused(
        Reason.BAD_OPENSSH_KEY,
        found="This line begins as an OpenSSH public key does, and is not a whole one.",
        needed="Please copy the line again, or write it anew from your private key.",
        command="ssh-keygen -y -f id_ed25519 > public_key.pub",
    )
