"""What verifiers and cryptography do, tried against the real libraries: the reasons of our rules.

When a version moves and a test here fails, the rule that rests on it wants another look:
docs/verifiers.md.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from joserfc.errors import MissingKeyError
from joserfc.jwk import KeySet

from portal.core.jwk import published_jwk
from portal.core.jwks import PublishableKey, jwk_set
from portal.core.lifecycle import Lifecycle
from portal.core.public_key.parse import parse_public_key
from tests.interop import peers
from tests.interop.caching import CACHE_S, LIBRARIES, REFUSED, caching_verifier
from tests.interop.conftest import in_the_past
from tests.interop.peers import CLAIMS, Jose
from tests.keys import new_private_key, public_pem

KEY = new_private_key("EdDSA")
PUBLIC = parse_public_key(public_pem(KEY))
TOKEN = peers.sign_with_pyjwt(KEY, "EdDSA", PUBLIC.thumbprint)
UNKNOWN = peers.sign_with_pyjwt(KEY, "EdDSA", "unknown")


class Server(ThreadingHTTPServer):
    """Answers each request with what a test tells it."""

    daemon_threads = True
    status = 200
    body = b""

    @property
    def url(self) -> str:
        """The address of the set."""
        return f"http://127.0.0.1:{self.server_port}/jwks.json"

    def serve_keys(self, *keys: dict[str, Any]) -> None:
        """Serve these keys, or an empty array."""
        self.status, self.body = 200, json.dumps({"keys": keys}).encode()


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/jwk-set+json")
        self.send_header("Content-Length", str(len(self.server.body)))
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        server.serve_keys(published_jwk(PUBLIC, "EdDSA"))
        yield server
        server.shutdown()
        thread.join()


def tell(server: Server, answer: str) -> None:
    match answer:
        case "empty array":
            server.serve_keys()
        case "ours":
            server.body = jwk_set([], in_the_past(), extended=False)
        case status:
            server.status = int(status)


@pytest.mark.parametrize(
    ("library", "answer", "keeps"),
    [
        ("PyJWT", "404", True),
        ("PyJWT", "302", True),
        ("PyJWT", "503", True),
        ("PyJWT", "empty array", True),
        ("PyJWT", "ours", False),
        ("jose", "404", True),
        ("jose", "302", True),
        ("jose", "503", True),
        ("jose", "empty array", False),
        ("jose", "ours", False),
    ],
)
def test_what_a_verifier_does_with_the_old_key_when_it_looks_again(
    *, library: str, answer: str, keeps: bool, server: Server, jose: Jose
) -> None:
    """Within the cache time, after an unknown kid: our set makes both drop the key."""
    verify = caching_verifier(library, jose, server.url)
    assert verify(TOKEN, "EdDSA") == CLAIMS
    tell(server, answer)
    with pytest.raises(REFUSED):
        verify(UNKNOWN, "EdDSA")
    if keeps:
        assert verify(TOKEN, "EdDSA") == CLAIMS
    else:
        with pytest.raises(REFUSED):
            verify(TOKEN, "EdDSA")


@pytest.mark.parametrize("answer", ["404", "302", "503", "empty array", "ours"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_after_the_cache_time_every_answer_ends_the_old_key(
    *, library: str, answer: str, server: Server, jose: Jose
) -> None:
    """Both libraries fail closed: they do not fall back to a set that is too old."""
    verify = caching_verifier(library, jose, server.url, cache_s=CACHE_S)
    assert verify(TOKEN, "EdDSA") == CLAIMS
    tell(server, answer)
    time.sleep(CACHE_S * 1.1)
    with pytest.raises(REFUSED):
        verify(TOKEN, "EdDSA")


@pytest.mark.parametrize(
    ("library", "member", "header", "accepts"),
    [
        ("PyJWT", None, "EdDSA", True),
        ("PyJWT", None, "Ed25519", False),
        ("PyJWT", "EdDSA", "EdDSA", True),
        ("PyJWT", "EdDSA", "Ed25519", False),
        ("PyJWT", "Ed25519", "EdDSA", False),
        ("PyJWT", "Ed25519", "Ed25519", False),
        ("jose", None, "EdDSA", True),
        ("jose", None, "Ed25519", True),
        ("jose", "EdDSA", "EdDSA", True),
        ("jose", "EdDSA", "Ed25519", False),
        ("jose", "Ed25519", "EdDSA", False),
        ("jose", "Ed25519", "Ed25519", True),
    ],
)
def test_which_headers_an_ed25519_key_verifies(
    *, library: str, member: str | None, header: str, accepts: bool, server: Server, jose: Jose
) -> None:
    """Without `alg` in the JWK nobody loses a header that some `alg` would have given."""
    jwk = published_jwk(PUBLIC, "EdDSA")
    server.serve_keys(jwk | {"alg": member} if member else jwk)
    token = peers.sign_with_jwcrypto(KEY, header, jwk["kid"])
    verify = caching_verifier(library, jose, server.url)
    if accepts:
        assert verify(token, header) == CLAIMS
    else:
        with pytest.raises(REFUSED):
            verify(token, header)


@pytest.mark.parametrize("library", ["PyJWT", "joserfc", "jwcrypto", "jose"])
def test_known_libraries_skip_kinds_of_keys_they_do_not_know(
    *, library: str, server: Server, jose: Jose
) -> None:
    """The default set is for others, which break on them."""
    private = new_private_key("ES256")
    pairs = [(new_private_key(alg), alg) for alg in ("Ed448", "ML-DSA-44")]
    jwks = [
        published_jwk(parse_public_key(public_pem(key)), alg)
        for key, alg in [*pairs, (private, "ES256")]
    ]
    server.serve_keys(*jwks)
    verify: peers.Verify = {
        "PyJWT": peers.verify_with_pyjwt,
        "joserfc": peers.verify_with_joserfc,
        "jwcrypto": peers.verify_with_jwcrypto,
        "jose": jose.verify,
    }[library]
    token = peers.sign_with_pyjwt(private, "ES256", jwks[-1]["kid"])
    assert verify(server.url, token, "ES256") == CLAIMS


def test_joserfc_reads_no_empty_set() -> None:
    with pytest.raises(MissingKeyError):
        KeySet.import_key_set({"keys": []})


def test_our_set_without_a_live_key_is_never_empty() -> None:
    over = Lifecycle(expires_at=in_the_past())
    gone = PublishableKey("kid", published_jwk(PUBLIC, "EdDSA"), over)
    [placeholder] = json.loads(jwk_set([gone], in_the_past(), extended=True))["keys"]
    assert placeholder["use"] == "enc"


@pytest.mark.parametrize(
    ("bits", "e"), [(1024, 65537), (16384, 65537), (2048, 3)], ids=["short", "huge", "e=3"]
)
def test_cryptography_loads_rsa_keys_that_nobody_should_accept(bits: int, e: int) -> None:
    spki = (
        rsa.RSAPublicNumbers(e, 2 ** (bits - 1) + 1)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    loaded = load_der_public_key(spki)
    assert isinstance(loaded, rsa.RSAPublicKey)
    assert loaded.key_size == bits


def test_cryptography_loads_an_even_modulus() -> None:
    assert rsa.RSAPublicNumbers(65537, 2**2047 + 2).public_key().key_size == 2048


def test_one_signature_verifies_every_message_by_the_identity_point() -> None:
    identity = ed25519.Ed25519PublicKey.from_public_bytes(b"\x01" + bytes(31))
    for message in (b"pay Alice", b"pay Mallory"):
        identity.verify(b"\x01" + bytes(63), message)
