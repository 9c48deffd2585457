"""Keys in JSON: a JWK, a JWKS, responses of key services, and any other JSON that holds a key.

Sources: the documentation of AWS KMS (GetPublicKey), Google Cloud KMS (PublicKey), Azure Key Vault
(KeyBundle, CertificateBundle) and HashiCorp Vault (transit, read key). Other services use other
names for the same values, so every member is examined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from portal.core.formats import layers
from portal.core.formats.jwk import bad_jwk
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url
from portal.core.strict import json as json_strict

MAX_CANDIDATES: Final = 16

_KEY: Final = re.compile(
    r"\s*(?:-----BEGIN |ssh-|ecdsa-sha2-|<|LS0tLS1CRUdJTi|AAAA[A-Z][23]N[zj]|30[0-9a-fA-F]{60}"
    r"|M[A-H][AEIMQUYcgkosw048]w[A-Za-z0-9+/_-]{36}|MI[A-Za-z0-9+/_-]{126})"
)
"""The last two are the base64 of two nested DER sequences and of a long one."""

_MAX_NUMBERS: Final = 8192
_MAX_HINT: Final = 60
_LEAST_TEXT: Final = 40

_Wanted = Callable[[str], bool]

_AWS_USES: Final = frozenset({"ENCRYPT_DECRYPT", "KEY_AGREEMENT", "GENERATE_VERIFY_MAC"})
_GOOGLE: Final = re.compile(r"(RSA_SIGN_PSS|RSA_SIGN_PKCS1|EC_SIGN)_[A-Z0-9]{2,20}(?:_SHA(\d{3}))?")
_GOOGLE_NAME: Final = "Google Cloud KMS"
_GOOGLE_USES: Final = {"RSA_SIGN_PSS": "PS", "RSA_SIGN_PKCS1": "RS"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible key: a JWK, or a text or bytes that are parsed like an input of their own.

    `only`, `bound_by` and `notes` come from the surrounding JSON; `hint` distinguishes it from
    others.
    """

    content: Mapping[str, object] | str | bytes
    hint: str = ""
    only: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    bound_by: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The candidates in a JSON text, and its source; `name` is empty for a JWK or a JWKS."""

    name: str
    candidates: tuple[Candidate, ...]


def read_json(text: str) -> Answer:
    """Return the possible keys in a JSON text; raise `Refused` if there are none."""
    try:
        value = json_strict.loads(text)
    except json_strict.NotJson as problem:
        raise bad_jwk(str(problem)) from None
    candidates = tuple(_candidates(value, "", _looks_like_key))
    if not candidates:
        candidates = tuple(islice(_candidates(value, "", _has_layer), MAX_CANDIDATES))
    if len(candidates) > MAX_CANDIDATES:
        raise Refused(
            Reason.SEVERAL_BLOCKS,
            found=f"This contains more than {MAX_CANDIDATES} keys.",
            needed="Enter one key at a time.",
        )
    if not candidates:
        raise _nothing_in(value)
    return Answer(_name(value), candidates)


def _nothing_in(value: object) -> Refused:
    if isinstance(value, dict) and "keys" in value:
        if value["keys"] != []:
            return bad_jwk("Its member keys is not an array of JSON objects with a key.")
        return Refused(
            Reason.NO_KEY_FOUND,
            found="This JWKS holds 0 keys.",
            needed="Enter a JWK, or a JWKS with a key.",
        )
    if isinstance(value, dict):
        return bad_jwk("Its member kty is missing, or not a string.")
    return bad_jwk("It is JSON without a key.")


def _name(value: object) -> str:
    """Return the name of the service that sends this response."""
    if isinstance(value, list):
        return "" if all(isinstance(each, dict) and "kty" in each for each in value) else "JSON"
    if not isinstance(value, dict) or "kty" in value:
        return ""
    keys, key = value.get("keys"), value.get("key")
    if isinstance(keys, list):
        return ""
    if value.keys() & {"KeyId", "KeySpec", "SigningAlgorithms"} and "PublicKey" in value:
        return "an AWS KMS answer"
    if value.keys() & {"pem", "publicKey"} and value.keys() & {"algorithm", "protectionLevel"}:
        return "a Google Cloud KMS answer"
    if isinstance(key, dict) and "kty" in key and value.keys() & {"attributes", "managed"}:
        return "an Azure Key Vault answer"
    if "cer" in value and "attributes" in value:
        return "an Azure Key Vault answer"
    inside = value.get("data", value)
    if isinstance(inside, dict) and _is_transit(inside.get("keys")):
        return "a Vault transit answer"
    return "JSON"


def _is_transit(keys: object) -> bool:
    return isinstance(keys, dict) and any(
        isinstance(each, dict) and "public_key" in each for each in keys.values()
    )


def _looks_like_key(text: str) -> bool:
    return _KEY.match(text) is not None


def _has_layer(text: str) -> bool:
    return len(text) >= _LEAST_TEXT and (text[0] in "{[" or layers.undo(text) is not None)


def _candidates(value: object, hint: str, is_wanted: _Wanted) -> Iterator[Candidate]:
    if isinstance(value, str):
        if is_wanted(value):
            yield Candidate(value, hint)
    elif isinstance(value, list):
        yield from _in_list(value, hint, is_wanted)
    elif isinstance(value, dict):
        yield from _in_object(value, hint, is_wanted)


def _in_list(value: list[object], hint: str, is_wanted: _Wanted) -> Iterator[Candidate]:
    if _is_bytes(value):
        yield Candidate(bytes(int(str(each)) & 0xFF for each in value), hint)
        return
    for place, each in enumerate(value, 1):
        within = f"{hint} {place}".strip() if len(value) > 1 else hint
        yield from _candidates(each, within, is_wanted)


def _is_bytes(value: list[object]) -> bool:
    """Tell whether this is a list of bytes; in Java, bytes may be negative."""
    return 32 <= len(value) <= _MAX_NUMBERS and all(
        type(each) is int and -128 <= each <= 255 for each in value
    )


def _in_object(value: dict[str, object], hint: str, is_wanted: _Wanted) -> Iterator[Candidate]:
    if "kty" in value:
        yield Candidate(value, hint)
        return
    _refuse_other_uses(value)
    if list(value)[:2] == ["0", "1"]:  # a Uint8Array of JavaScript
        yield from _in_list(list(value.values()), hint, is_wanted)
        return
    jwk = _ed25519(value) or _rsa_parameters(value)
    if jwk:
        yield Candidate(jwk, hint)
        return
    kind = value.get("type")
    for name, each in value.items():
        inner = each
        if isinstance(each, dict) and kind == "ed25519":
            inner = {"name": "ed25519"} | each
        within = f"version {name}" if name.isdecimal() else name
        told = hint or ("" if name in _PLAIN else within[:_MAX_HINT])
        for found in _candidates(inner, told, is_wanted):
            yield _as_google_says(value, found)


_PLAIN: Final = frozenset({"key", "keys", "jwks", "data", "PublicKey", "pem", "publicKey", "value"})


def _refuse_other_uses(value: dict[str, object]) -> None:
    use, algorithm = value.get("KeyUsage"), value.get("algorithm")
    is_aws = isinstance(use, str) and use in _AWS_USES
    is_google = isinstance(algorithm, str) and algorithm.startswith(("RSA_DECRYPT_", "KEM_"))
    if is_aws or is_google:
        raise Refused(
            Reason.NOT_FOR_SIGNING,
            found="This key is not for signatures. Its key service says that it is for "
            "encryption or key agreement.",
            needed="Create a key for signatures in that service.",
        )


def _ed25519(value: dict[str, object]) -> Mapping[str, object] | None:
    """Return the Ed25519 key that Vault returns as 32 bytes in base64, as a JWK."""
    public = value.get("public_key")
    if value.get("name") != "ed25519" or not isinstance(public, str):
        return None
    raw = base64url.decode(public)
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode_url(raw)} if raw else None


def _rsa_parameters(value: dict[str, object]) -> Mapping[str, object] | None:
    """Return the `RSAParameters` of .NET as a JWK."""
    named = {name.lower(): each for name, each in value.items()}
    if "modulus" not in named or "exponent" not in named:
        return None
    return {"kty": "RSA", "n": named["modulus"], "e": named["exponent"]}


def _as_google_says(value: dict[str, object], found: Candidate) -> Candidate:
    """Add the one algorithm of a Google Cloud KMS key, which the name of its algorithm states."""
    algorithm = value.get("algorithm")
    said = _GOOGLE.fullmatch(algorithm) if isinstance(algorithm, str) else None
    if said is None or said[1] not in _GOOGLE_USES:
        return found
    alg = f"{_GOOGLE_USES[said[1]]}{said[2]}"
    note = f"{_GOOGLE_NAME} signs with this key only as {alg}."
    return Candidate(found.content, found.hint, (alg,), (note,), _GOOGLE_NAME)
