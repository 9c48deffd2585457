"""Finds the registered key that made a signature, and how. Only for the debugger.

Verification accepts one way. This module tries the usual slips too, so that the debugger can name
them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion.checks.header import check_alg
from portal.core.assertion.checks.signature import der_numbers
from portal.core.assertion.context import AssertionContext
from portal.core.assertion.expectation import CandidateKey
from portal.core.debugger.rsa_padding import RsaPadding, read_padding
from portal.core.debugger.signed_texts import digests, texts
from portal.core.formats.spki import COORDINATE_BYTES
from portal.core.reasons import Reason
from portal.core.signatures import verifier_of

MAX_PAST_KEYS: Final = 30
"""How many keys that are no longer live are tried, the newest first."""

MAX_SLIPS: Final = 2
"""For how many keys the slips are tried that cost a verification each, up to 0.4 ms (P-521)."""

_EC_HASHES: Final[dict[str, HashAlgorithm]] = {
    "sha256": SHA256(),
    "sha384": SHA384(),
    "sha512": SHA512(),
}
_JAVA_PSS: Final = (
    "In Java, pass the PSSParameterSpec of the algorithm: with SHA-256, that is "
    'new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1).'
)
_REVERSED: Final = (
    "Its bytes are in reverse order, as CryptSignHash of Windows writes them. Reverse them."
)
_SHORT: Final = (
    "It has {} bytes, and must have {}: the zero bytes at the start were removed. Put them back."
)
_LONG: Final = (
    "It has {} bytes, and must have {}. Remove the zero byte that a big integer has at the start."
)
_IN_DER: Final = "The signature is valid, but in DER."
_KEY_AS_HMAC: Final = (
    "The secret is the public key in PEM, which everybody has. Pass the private key to your "
    "library, and the algorithm that the key is registered for."
)


@dataclass(frozen=True, slots=True)
class Signer:
    """The key that made a signature.

    `alg` is the algorithm of the signature. `slips` says what else is wrong with it, in sentences.
    If `is_other_text`, the key made the signature, but of an unknown other text.
    """

    key: CandidateKey
    alg: str
    slips: tuple[str, ...] = ()
    is_other_text: bool = False

    @property
    def exact(self) -> bool:
        """Whether the signature is correct for the algorithm of this key."""
        return self.alg == self.key.alg and not self.slips and not self.is_other_text


def find_signer(context: AssertionContext) -> Signer | None:
    """Return the key that signed, or None.

    A signature that verifies counts first, whatever key made it; then the slips of the keys that
    were meant.
    """
    keys = sorted(context.expectation.keys, key=lambda key: key is not context.key)
    for key in keys:
        if context.is_signed_by(key):
            return Signer(key, key.alg)
    meant = context.meant or context.live_keys()
    ordered = [*meant, *(key for key in keys if key not in meant)]
    for at, key in enumerate(ordered):
        signer = _slip_of(key, context, is_thorough=at < MAX_SLIPS)
        if signer is not None:
            return signer
    return None


def _slip_of(key: CandidateKey, context: AssertionContext, *, is_thorough: bool) -> Signer | None:
    if check_alg(context) is Reason.HEADER_ALG_HMAC:
        return _hmac(key, context)
    match ALGORITHMS[key.alg].kty:
        case "RSA":
            return _rsa(key, context)
        case "EC":
            return _ecdsa(key, context, is_thorough=is_thorough)
        case _:
            return _plain(key, context) if is_thorough else None


# --- RSA: the padding tells how the signature was made --------------------------------------------


def _rsa(key: CandidateKey, context: AssertionContext) -> Signer | None:
    public: Any = load_pem_public_key(key.pem.encode("ascii"))
    for form, signature in _rsa_forms(context.unverified.signature, (public.key_size + 7) // 8):
        paddings = read_padding(public, signature)
        for padding in paddings:
            for what, text in texts(context.unverified.signing_input):
                for how, digest in digests(text, padding.hash):
                    if padding.signs(digest):
                        return _rsa_signer(key, padding, (form, what, how))
        certain = next((padding for padding in paddings if padding.is_certain), None)
        if certain:
            return _rsa_signer(key, certain, (form,), is_other_text=True)
    return None


def _rsa_forms(signature: bytes, size: int) -> Iterator[tuple[str, bytes]]:
    """Yield the forms that a signature may have, with what is wrong with each."""
    length = len(signature)
    if length == size:
        yield "", signature
        yield _REVERSED, signature[::-1]
    elif size - 2 <= length < size:
        yield _SHORT.format(length, size), signature.rjust(size, b"\0")
    elif length == size + 1 and signature[0] == 0:
        yield _LONG.format(length, size), signature[1:]


def _rsa_signer(
    key: CandidateKey,
    padding: RsaPadding,
    slips_of_text: tuple[str, ...],
    *,
    is_other_text: bool = False,
) -> Signer:
    slips = [*_of_padding(padding), *filter(None, slips_of_text)]
    alg = f"{padding.scheme}{padding.hash[3:]}"
    if alg not in ALGORITHMS:
        slips.append(f"It uses {_name(padding.hash)}, which no algorithm of JWS does.")
        alg = key.alg
    return Signer(key, alg, tuple(slips), is_other_text)


def _of_padding(padding: RsaPadding) -> Iterator[str]:
    if padding.is_bare:
        yield (
            "Its PKCS #1 v1.5 padding holds the bare digest, without DigestInfo (RFC 8017 §9.2), "
            "as NONEwithRSA in Java writes it. Let the signing function hash the text."
        )
    size = hashlib.new(padding.hash).digest_size
    if padding.scheme == "PS" and padding.mask != padding.hash:
        yield (
            f"Its mask (MGF1) uses {_name(padding.mask)} instead of {_name(padding.hash)} "
            f"(RFC 7518 §3.5). {_JAVA_PSS}"
        )
    if padding.scheme == "PS" and len(padding.salt) != size:
        yield (
            f"Its salt has {len(padding.salt)} bytes, and must be as long as the hash, {size} bytes"
            " (RFC 7518 §3.5). With openssl, sign with -sigopt rsa_pss_saltlen:digest."
        )


def _name(name: str) -> str:
    return f"SHA-{name[3:]}"


# --- ECDSA: each guess costs a verification -------------------------------------------------------


def _ecdsa(key: CandidateKey, context: AssertionContext, *, is_thorough: bool) -> Signer | None:
    size = COORDINATE_BYTES[ALGORITHMS[key.alg].curve]
    own = f"sha{key.alg[2:]}"
    signing_input = context.unverified.signing_input
    forms = list(_forms(context.unverified.signature, size))
    if not is_thorough:  # the right form was tried before, and the others are too rare
        forms = [form for form in forms if form[0] == _IN_DER]
    if not forms:
        return None
    # The first guess is the right hash of the right text.
    guesses = list(islice(_ec_guesses(signing_input, own), None if is_thorough else 1))
    public: Any = load_pem_public_key(key.pem.encode("ascii"))
    for form, (r, s) in forms:
        signature = encode_dss_signature(r, s)
        for name, digest, what in guesses:
            if not _verifies(public, signature, digest, _EC_HASHES[name]):
                continue
            slips = [form, what]
            if name != own:
                slips.append(f"It uses {_name(name)}, and {key.alg} uses {_name(own)}.")
            return Signer(key, key.alg, tuple(each for each in slips if each))
    return None


_Guess = tuple[str, bytes, str]
"""A hash, a digest, and what is wrong with the text; empty if that is right."""


def _ec_guesses(signing_input: bytes, own: str) -> Iterator[_Guess]:
    for how, digest in digests(signing_input, own):
        yield own, digest, how
    for what, text in texts(signing_input):
        if what:
            yield own, hashlib.new(own, text).digest(), what
    for name in _EC_HASHES:
        if name != own:
            yield name, hashlib.new(name, signing_input).digest(), ""


def _verifies(
    key: ec.EllipticCurvePublicKey, signature: bytes, digest: bytes, algorithm: HashAlgorithm
) -> bool:
    try:
        key.verify(signature, digest, ec.ECDSA(Prehashed(algorithm)))
    except InvalidSignature:
        return False
    return True


def _forms(signature: bytes, size: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield r and s of an ECDSA signature in each form that it may have, with what is wrong."""
    numbers = der_numbers(signature)
    if numbers and all(0 <= number < 1 << 8 * size for number in numbers):
        yield _IN_DER, numbers
    length = len(signature)
    if length == 2 * size:
        yield "", _split(signature, size)
        return
    what = f"r and s have {length} bytes together, and must have {size} each (RFC 7518 §3.4). "
    if 2 * size < length <= 2 * size + 2:
        what += "Remove the zero byte that a big integer has before its first byte."
        for at in (size, size + 1):
            yield what, _split(signature, at)
    elif 2 * size - 2 <= length < 2 * size:
        what += "Fill each with zero bytes on the left."
        for at in range(length - size, size + 1):
            yield what, _split(signature, at)


def _split(signature: bytes, at: int) -> tuple[int, int]:
    return int.from_bytes(signature[:at], "big"), int.from_bytes(signature[at:], "big")


# --- EdDSA and ML-DSA, and HMAC with a public key -------------------------------------------------


def _plain(key: CandidateKey, context: AssertionContext) -> Signer | None:
    verifies = verifier_of(key.pem, key.alg)
    signing_input = context.unverified.signing_input
    hashed = (
        (
            "A digest was signed. Sign the text itself: this algorithm hashes it.",
            hashlib.new(name, signing_input).digest(),
        )
        for name in ("sha256", "sha512")
    )
    for what, text in (*texts(signing_input), *hashed):
        if verifies(context.unverified.signature, text):
            return Signer(key, key.alg, (what,) if what else ())
    return None


def _hmac(key: CandidateKey, context: AssertionContext) -> Signer | None:
    """Return the key if its PEM is the secret of the HMAC: a library took it as any text."""
    alg = str(context.header["alg"])
    pem = key.pem.encode("ascii")
    for secret in (pem, pem.rstrip(), pem.replace(b"\n", b"\r\n")):
        made = hmac.digest(secret, context.unverified.signing_input, f"sha{alg[2:]}")
        if hmac.compare_digest(made, context.unverified.signature):
            return Signer(key, alg, (_KEY_AS_HMAC,))
    return None
