"""Reads the padding of an RSA signature, which tells how it was made (RFC 8017 §8.1.2, §9.2).

Only for the debugger: `core.signatures` verifies. Padding that a public key makes readable shows
that its private key made the signature, even if the signed text is not the one that was sent.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import gmpy2  # type: ignore[import-untyped]  # it has no stubs
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

HASHES: Final = ("sha256", "sha384", "sha512", "sha1")

# RFC 8017 §9.2 note 1: DigestInfo in DER, up to the digest.
_DIGEST_INFO: Final = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}
_LEAST_ZEROS: Final = 8
"""A random block has so many leading zero bytes once in 2^64 times."""


@dataclass(frozen=True, slots=True)
class RsaPadding:
    """The padding of a signature.

    `scheme` is RS (PKCS#1 v1.5) or PS (PSS). `hash` is the hash of the signed text. For PS, `mask`
    is the hash of MGF1 and `salt` the salt. `is_bare` means RS without DigestInfo: the hash is then
    a guess by its length. If not `is_certain`, another key may have made the signature.
    """

    scheme: str
    hash: str
    digest: bytes
    mask: str = ""
    salt: bytes = b""
    is_bare: bool = False
    is_certain: bool = True

    def signs(self, digest: bytes) -> bool:
        """Tell whether the signed text has this digest."""
        if self.scheme == "RS":
            return self.digest == digest
        # RFC 8017 §9.1.2: H is the hash of eight zero bytes, the digest and the salt.
        return self.digest == hashlib.new(self.hash, bytes(8) + digest + self.salt).digest()


def read_padding(key: RSAPublicKey, signature: bytes) -> list[RsaPadding]:
    """Return the paddings that the signature may have: none if this key did not make it."""
    numbers = key.public_numbers()
    size = (key.key_size + 7) // 8
    value = int.from_bytes(signature, "big")
    if len(signature) != size or value >= numbers.n:
        return []
    block = int(gmpy2.powmod(value, numbers.e, numbers.n)).to_bytes(size, "big")
    if block.startswith(b"\0\1\xff\xff\xff\xff\xff\xff\xff\xff"):
        return _pkcs1(block)
    if block[-1:] != b"\xbc":
        return []
    return [
        found
        for name in HASHES
        for mask in HASHES
        if (found := _pss(block, (key.key_size - 1) % 8, name, mask)) is not None
    ]


def _pkcs1(block: bytes) -> list[RsaPadding]:
    content = block[2:].lstrip(b"\xff")[1:]
    for name, prefix in _DIGEST_INFO.items():
        if content.startswith(prefix):
            return [RsaPadding("RS", name, content[len(prefix) :])]
    sizes = {hashlib.new(name).digest_size: name for name in HASHES}
    name = sizes.get(len(content), "")
    return [RsaPadding("RS", name, content, is_bare=True)] if name else []


def _pss(block: bytes, top_bits: int, name: str, mask: str) -> RsaPadding | None:
    """RFC 8017 §9.1.2, steps 4 to 11. The block may have one more leading byte, which is zero."""
    if top_bits == 0:
        block = block[1:]
    size = hashlib.new(name).digest_size
    masked, digest = block[: -size - 1], block[-size - 1 : -1]
    if len(masked) < 1 or len(digest) < size:
        return None
    stream = _mgf1(digest, len(masked), mask)
    content = int.from_bytes(masked, "big") ^ int.from_bytes(stream, "big")
    if top_bits:
        content &= (1 << 8 * len(masked) - 8 + top_bits) - 1
    padded = content.to_bytes(len(masked), "big")
    salt = padded.lstrip(b"\0")
    zeros = len(padded) - len(salt)
    if salt[:1] != b"\1":
        return None
    # With the longest salt, as openssl makes it, no zero is left.
    return RsaPadding("PS", name, digest, mask, salt[1:], is_certain=zeros >= _LEAST_ZEROS)


def _mgf1(seed: bytes, length: int, name: str) -> bytes:
    """RFC 8017 appendix B.2.1."""
    size = hashlib.new(name).digest_size
    blocks = (
        hashlib.new(name, seed + counter.to_bytes(4, "big")).digest()
        for counter in range(-(-length // size))
    )
    return b"".join(blocks)[:length]
