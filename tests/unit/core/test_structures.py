"""Whatever lies inside well-formed DER, JSON, JWS and SSH, nothing but `Refused` is ever raised.

A few hundred inputs a test, the same in every run. For a long run, with other inputs each time:

    STRUCTURES=100000 python -m pytest -q tests/unit/core/test_structures.py
"""

from __future__ import annotations

import json
import os
import shlex
from base64 import b64decode, b64encode
from contextlib import suppress
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from portal.core.assertion import ASSERTION_TYPE, client_assertion_of
from portal.core.debugger import read_paste
from portal.core.debugger.paste import Paste
from portal.core.formats import der
from portal.core.formats.spki import RSA_OID
from portal.core.private import openssh as private_openssh
from portal.core.reasons import Reason, Refused
from portal.core.strict import base64url
from tests.unit.core.assertion.test_properties import judge as judge_assertion
from tests.unit.core.assertions import CLAIMS, part, raw_signature
from tests.unit.core.public_key.test_properties import judge as judge_key
from tests.unit.core.public_key.test_properties import steady
from tests.unit.core.support import (
    KINDS,
    certificate_pem,
    der_of,
    key_of,
    openssl,
    pem,
    private_key,
    private_pem,
    public_pem,
    refusal,
    written,
)
from tests.unit.core.trees import (
    MAX_BYTES,
    Der,
    Json,
    spoil_der,
    spoil_fields,
    spoil_json,
    spoiled,
    ssh_strings,
)

LONG = int(os.environ.get("STRUCTURES", "0"))
random = st.randoms(use_true_random=True)


def many(short: int) -> settings:
    """Return the settings for so many inputs in a short run."""
    if not LONG:
        return settings(steady, max_examples=short)
    return settings(
        deadline=None,
        database=None,
        max_examples=LONG,
        suppress_health_check=list(HealthCheck),
    )


def private_blocks() -> list[bytes]:
    """Return private keys of every kind in every form of DER."""
    secret = BestAvailableEncryption(b"secret")
    key: Any = private_key("P-256")
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret)
    store = pkcs12.serialize_key_and_certificates(None, key, None, None, secret)
    older = [written(kind, PrivateFormat.TraditionalOpenSSL) for kind in ("RSA", "P-256", "P-521")]
    return [*map(private_pem, KINDS), *older, sealed, pem("PKCS12", store)]


def certificate_request() -> bytes:
    """Return a certificate signing request (CSR)."""
    arguments = ("req", "-new", "-key", "/dev/stdin", "-subj", "/CN=bank.example")
    return openssl(*arguments, stdin=private_pem("P-256"))


BLOCKS = [
    *map(public_pem, KINDS),
    openssl("rsa", "-RSAPublicKey_out", stdin=private_pem("RSA")),
    *map(certificate_pem, ("RSA", "P-256", "Ed25519")),
    *private_blocks(),
    certificate_request(),
]
TREES = [Der.read(der_of(block)) for block in BLOCKS]
LABELS = [block.decode().split("-----")[1].removeprefix("BEGIN ") for block in BLOCKS]


def in_some_form(label: str, encoded: bytes, random: Random) -> bytes:
    """Return DER as people give it: in a block, bare, in base64, or in several layers of those."""
    block = pem(label if random.random() < 0.8 else random.choice(LABELS), encoded)
    match random.choice(["pem", "pem", "pem", "bare", "base64", "url", "layers", "json", "hex"]):
        case "bare":
            return encoded
        case "base64":
            return b64encode(encoded)
        case "url":
            return base64url.encode_url(encoded).encode()
        case "layers":
            for _ in range(random.choice((1, 2, 3, 10))):
                block = random.choice((b64encode(block), pem(random.choice(LABELS), block)))
            return block
        case "json":
            text = random.choice((block.decode(), b64encode(encoded).decode()))
            return json.dumps({"kty": "RSA", "x5c": [text], "key": text}).encode()
        case "hex":
            return encoded.hex().encode()
        case _:
            return block


@many(200)
@given(random)
def test_der_with_right_lengths_and_anything_inside(random: Random) -> None:
    at = random.randrange(len(TREES))
    encoded = spoiled(TREES[at], TREES, random, spoil_der).write()
    data = in_some_form(LABELS[at], encoded, random)
    note(repr(data))
    judge_key(data)


def numbers(names: str) -> dict[str, str]:
    """Return members of a private JWK, each of them some number."""
    return {name: base64url.encode_url(bytes(range(1, 65))) for name in names.split()}


JWKS = [key_of(kind).jwk_members for kind in KINDS]
JSONS = [
    Json.of(each)
    for each in (
        *JWKS,
        *(
            jwk | {"kid": "one", "use": "sig", "key_ops": ["verify"], "x5c": ["MIIB"]}
            for jwk in JWKS
        ),
        *(jwk | numbers("d p q dp dq qi priv k") for jwk in JWKS),
        {"keys": JWKS[:1]},
        {"keys": JWKS},
        {"key": JWKS[0], "attributes": {"enabled": True}},
        {"kty": "oct", "k": "AAAA", "alg": "HS256"},
    )
]


@many(200)
@given(random)
def test_json_with_right_brackets_and_anything_inside(random: Random) -> None:
    text = spoiled(random.choice(JSONS), JSONS, random, spoil_json).write()
    note(repr(text))
    judge_key(text)


HEADERS = [
    Json.of({"alg": "ES256", "kid": "ES256", "typ": "JWT"}),
    Json.of({"alg": "ES256"}),
    Json.of({"alg": "PS256", "kid": "PS256", "jwk": JWKS[0], "x5c": ["MIIB"]}),
    Json.of({"alg": "EdDSA", "crit": ["exp"], "b64": False, "zip": "DEF", "jku": "https://a"}),
]
CLAIM_SETS = [
    Json.of(CLAIMS),
    Json.of(CLAIMS | {"aud": ["a", "b"], "nbf": CLAIMS["iat"], "cnf": {"jwk": JWKS[0]}}),
]
ECDSA = Der.read(der.encode(der.SEQUENCE, der.encode_integer(5), der.encode_integer(7)))


def some_assertion(random: Random) -> str:
    """Return an assertion with something wrong in it, most of them with a good signature."""
    header, claims = (
        spoiled(random.choice(corpus), JSONS + corpus, random, spoil_json)
        if random.random() < 0.6
        else corpus[0]
        for corpus in (HEADERS, CLAIM_SETS)
    )
    signing_input = f"{part(header.write())}.{part(claims.write())}"
    match random.choice(["good", "good", "good", "der", "none"]):
        case "good":
            signature = raw_signature("ES256", signing_input.encode())
        case "der":
            signature = spoiled(ECDSA, TREES, random, spoil_der).write()
        case _:
            signature = b""
    parts = [*signing_input.split("."), base64url.encode_url(signature)]
    match random.choice(["whole", "whole", "whole", "drop", "double", "swap", "empty"]):
        case "drop":
            parts.pop(random.randrange(3))
        case "double":
            parts *= random.choice((2, 30, 200))
        case "swap":
            random.shuffle(parts)
        case "empty":
            parts[random.randrange(3)] = ""
    return ".".join(parts)


@many(150)
@given(random)
def test_assertion_of_three_good_parts_and_anything_inside(random: Random) -> None:
    assertion = some_assertion(random)
    note(assertion)
    judge_assertion(assertion)
    judge_key(assertion)


def some_form(random: Random) -> dict[str, list[str]]:
    """Return the parameters of a token request with something wrong in them."""
    parameters = {
        "grant_type": ["client_credentials"],
        "client_assertion_type": [ASSERTION_TYPE],
        "client_assertion": [some_assertion(random)],
        "client_id": ["client-1"],
    }
    for _ in range(random.choice((0, 0, 1, 2))):
        name = random.choice([*parameters, "client_secret", "resource", "", "\0"])
        values = parameters.setdefault(name, [])
        match random.choice(["drop", "double", "empty", "other"]):
            case "drop":
                values.clear()
            case "double":
                values += values or ["a", "a"]
            case "empty":
                values[:] = [""]
            case "other":
                values[:] = [spoiled(random.choice(JSONS), JSONS, random, spoil_json).write()]
    return parameters


def some_paste(parameters: dict[str, list[str]], random: Random) -> str:
    """Return a token request as people copy it."""
    pairs = [(name, value) for name, values in parameters.items() for value in values]
    body = urlencode(pairs, errors="surrogatepass")
    match random.choice(["form", "json", "curl", "curls", "http", "assertion"]):
        case "json":
            body = spoiled(Json.of(dict(pairs)), JSONS, random, spoil_json).write()
            return random.choice(("", "POST / HTTP/1.1\r\n\r\n")) + body
        case "curl":
            return (
                f"curl https://a {random.choice(('-d', '--json', '-F', '-u'))} {shlex.quote(body)}"
            )
        case "curls":
            return "curl " + " ".join(f"--data-urlencode {name}={value}" for name, value in pairs)
        case "http":
            return f"POST / HTTP/1.1\r\nContent-Type: a\r\nAuthorization: {body[:9]}\r\n\r\n{body}"
        case "assertion":
            return f"{random.choice(('', 'Bearer ', '{'))}{pairs[0][1] if pairs else ''}"
        case _:
            return body


@many(200)
@given(random)
def test_request_around_an_assertion_with_anything_inside(random: Random) -> None:
    parameters = some_form(random)
    authorization = random.choice(("", "", "Basic", "Bearer a.b.c"))
    note(repr(parameters))
    with suppress(Refused):
        assert client_assertion_of(parameters, authorization=authorization).assertion
    text = some_paste(parameters, random)
    note(repr(text))
    with suppress(Refused):
        assert isinstance(read_paste(text), Paste)


def fields_of(blob: bytes) -> list[bytes]:
    """Return the strings in a blob of SSH."""
    fields = []
    while blob:
        end = 4 + int.from_bytes(blob[:4], "big")
        fields.append(blob[4:end])
        blob = blob[end:]
    return fields


SSH_KINDS = ("RSA", "P-256", "P-384", "P-521", "Ed25519")


def ssh_line(kind: str) -> list[str]:
    """Return the name and the base64 of an OpenSSH public key."""
    key: Any = private_key(kind)
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return str(line.decode()).split()


SSH_PUBLIC = [(name, fields_of(b64decode(blob))) for name, blob in map(ssh_line, SSH_KINDS)]
SSH_PRIVATE = [der_of(written(kind, PrivateFormat.OpenSSH)) for kind in SSH_KINDS]


@many(200)
@given(random)
def test_openssh_line_with_anything_inside(random: Random) -> None:
    name, fields = random.choice(SSH_PUBLIC)
    blob = spoil_fields(list(fields), random)
    data = f"{name} {b64encode(blob).decode()} me@here"
    note(data)
    judge_key(data)


@many(200)
@given(random)
def test_openssh_private_key_with_anything_inside(random: Random) -> None:
    """The cipher, the KDF and its options; how many keys; the public and the private key."""
    encoded = random.choice(SSH_PRIVATE).removeprefix(private_openssh.MAGIC)
    head = fields_of(encoded)[:3]
    public, secret = fields_of(encoded[len(ssh_strings(head)) + 4 :])[:2]
    checks, inner = secret[:8], fields_of(secret[8:])
    if random.random() < 0.7:
        secret = checks + spoil_fields(inner, random)
    outer = ssh_strings([public, secret])
    if random.random() < 0.3:
        outer = spoil_fields([public, secret], random)
    start = ssh_strings(head) if random.random() < 0.7 else spoil_fields(head, random)
    blob = private_openssh.MAGIC + start + b"\0\0\0\1" + outer
    data = random.choice((blob, b64encode(blob), pem("OPENSSH PRIVATE KEY", blob)))
    note(repr(data))
    assert refusal(data).reason is Reason.PRIVATE_KEY


EMPTY = der.encode(der.SEQUENCE)


def pkcs8(key: bytes, algorithm: bytes) -> bytes:
    """Return a PKCS#8 private key (RFC 5208 §5) of these bytes."""
    return der.encode(
        der.SEQUENCE,
        der.encode_integer(0),
        der.encode(der.SEQUENCE, algorithm),
        der.encode(der.OCTET_STRING, key),
    )


RSA_ALGORITHM = der.encode(der.OID, RSA_OID) + der.encode(der.NULL)


@pytest.mark.parametrize("label", ["PUBLIC KEY", "CERTIFICATE"])
def test_public_key_without_an_algorithm_is_refused(label: str) -> None:
    encoded = der.encode(der.SEQUENCE, EMPTY, der.encode(der.BIT_STRING, b"\0"))
    assert b64encode(encoded) == b"MAUwAAMBAA=="
    if label == "CERTIFICATE":
        root = Der.read(der_of(certificate_pem("RSA")))
        root.children[0].children[6] = Der.read(encoded)
        encoded = root.write()
    assert refusal(pem(label, encoded)).reason is Reason.BAD_DER


def test_private_key_without_an_algorithm_in_a_private_key_is_refused() -> None:
    data = b64encode(pkcs8(pkcs8(b"", b""), RSA_ALGORITHM))
    assert refusal(data).reason is Reason.PRIVATE_KEY


@pytest.mark.parametrize("label", ["PUBLIC KEY", "PRIVATE KEY"])
def test_private_keys_in_private_keys_are_refused_however_many(label: str) -> None:
    encoded = EMPTY
    for _ in range(600):
        encoded = pkcs8(encoded, RSA_ALGORITHM)
    assert refusal(pem(label, encoded)).reason is Reason.PRIVATE_KEY
    under_another_name = encoded
    for _ in range(600):
        bits = der.encode(der.BIT_STRING, b"\0", under_another_name)
        under_another_name = der.encode(der.SEQUENCE, EMPTY, bits)
    assert refusal(pem(label, under_another_name[:MAX_BYTES])).reason in {
        Reason.PRIVATE_KEY,
        Reason.BAD_DER,
    }


def test_private_key_two_layers_deep_is_blocked() -> None:
    """Under the name of a public key, and in a PKCS#8: the half is proven all the same."""
    info = der.encode(der.SEQUENCE, RSA_ALGORITHM)
    bits = der.encode(der.BIT_STRING, b"\0", der_of(private_pem("RSA")))
    refused = refusal(pem("PUBLIC KEY", der.encode(der.SEQUENCE, info, bits)))
    assert [key.spki for key in refused.leaked] == [key_of("RSA").spki]
