"""The published set: what is in it when, and that its last word evicts keys from real verifiers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import permutations
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from portal.core.jwk import published_jwk
from portal.core.jwks import PublishableKey, etag, jwk_set
from portal.core.key_policy.policy import KeyPolicy
from portal.core.lifecycle import Lifecycle
from portal.core.placeholder_key import PLACEHOLDER_KEY
from portal.core.public_key.parse import parse_public_key
from tests.unit.core.support import key_of, private_key

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def publishable(
    kind: str = "P-256", alg: str = "ES256", *, extended: bool = False, **dates: Any
) -> PublishableKey:
    key = key_of(kind)
    return PublishableKey(
        key.thumbprint, published_jwk(key, alg), Lifecycle(**dates), extended=extended
    )


def kids(body: bytes) -> list[str]:
    return [jwk["kid"] for jwk in json.loads(body)["keys"]]


@pytest.mark.parametrize(
    ("dates", "live"), [({}, True), ({"expires_at": NOW}, False), ({"not_before": NOW}, True)]
)
def test_set_holds_the_keys_that_are_live(dates: dict[str, Any], live: bool) -> None:
    key = publishable(**dates)
    assert (kids(jwk_set([key], NOW, extended=False)) == [key.kid]) is live


def test_extended_keys_are_in_the_extended_set_only() -> None:
    plain, more = publishable(), publishable("ML-DSA-44", "ML-DSA-44", extended=True)
    assert kids(jwk_set([plain, more], NOW, extended=False)) == [plain.kid]
    assert kids(jwk_set([plain, more], NOW, extended=True)) == sorted([plain.kid, more.kid])


def test_bytes_are_the_same_whatever_the_order_of_keys_and_members() -> None:
    keys = [publishable(), publishable("RSA", "PS256"), publishable("Ed25519", "EdDSA")]
    shuffled = [replace(key, jwk=dict(reversed(list(key.jwk.items())))) for key in reversed(keys)]
    bodies = {jwk_set(order, NOW, extended=False) for order in permutations(keys)}
    bodies |= {jwk_set(iter(shuffled), NOW, extended=False)}
    assert len(bodies) == 1
    body = bodies.pop()
    assert body == json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert kids(body) == sorted(key.kid for key in keys)


def test_set_holds_what_was_published_and_nothing_more() -> None:
    key = publishable("RSA", "PS256", expires_at=NOW + TICK)
    assert json.loads(jwk_set([key], NOW, extended=False)) == {"keys": [dict(key.jwk)]}


def test_etag_is_strong_quoted_and_follows_the_bytes() -> None:
    one, two = jwk_set([], NOW, extended=False), jwk_set([publishable()], NOW, extended=False)
    assert etag(one) == f'"{hashlib.sha256(one).hexdigest()}"'
    assert etag(one) != etag(two)


def test_set_without_a_live_key_holds_the_placeholder() -> None:
    for keys in ([], [publishable(revoked_at=NOW)]):
        for extended in (False, True):
            assert json.loads(jwk_set(keys, NOW, extended=extended)) == {"keys": [PLACEHOLDER_KEY]}
    extended_only = publishable("Ed448", "Ed448", extended=True)
    assert kids(jwk_set([extended_only], NOW, extended=False)) == [PLACEHOLDER_KEY["kid"]]


def test_placeholder_is_a_point_out_of_a_hash_and_cannot_sign() -> None:
    sentence = b"This JWKS holds no live key. Nobody can know the private half of this one. 0"
    key = parse_public_key(json.dumps({k: v for k, v in PLACEHOLDER_KEY.items() if k != "use"}))
    numbers = ec.EllipticCurvePublicKey.from_encoded_point(
        ec.SECP256R1(), key.spki[-65:]
    ).public_numbers()
    assert numbers.x == int.from_bytes(hashlib.sha256(sentence).digest(), "big")
    assert key.jwk_members | {"kid": key.thumbprint, "use": "enc"} == PLACEHOLDER_KEY
    KeyPolicy().check_key(key)


class _Server(ThreadingHTTPServer):
    body = b""
    hits = 0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, _Server)
        self.server.hits += 1
        self.send_response(200)
        self.send_header("Content-Type", "application/jwk-set+json")
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@contextmanager
def served(body: bytes) -> Iterator[tuple[_Server, str]]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.body = body
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server, f"http://127.0.0.1:{server.server_address[1]}/jwks.json"
        server.shutdown()


def token() -> str:
    key = private_key("P-256")
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    header = {"kid": key_of("P-256").thumbprint}
    return jwt.encode({"sub": "client"}, key, algorithm="ES256", headers=header)


def verifies(client: jwt.PyJWKClient) -> bool:
    try:
        key = client.get_signing_key_from_jwt(token())
    except jwt.PyJWTError:
        return False
    return bool(jwt.decode(token(), key, algorithms=["ES256"]) == {"sub": "client"})


EMPTY = b'{"keys":[]}'
LAST_WORD = jwk_set([publishable(revoked_at=NOW)], NOW, extended=False)


def refresh(client: jwt.PyJWKClient) -> None:
    """Do what a verifier does that has met a kid it does not know."""
    with pytest.raises(jwt.PyJWTError):
        client.get_signing_key("unknown")


@pytest.mark.parametrize(("body", "still_verifies"), [(LAST_WORD, False), (EMPTY, True)])
def test_last_word_evicts_the_key_from_pyjwt_where_an_empty_set_does_not(
    body: bytes, *, still_verifies: bool
) -> None:
    with served(jwk_set([publishable()], NOW, extended=False)) as (server, url):
        client = jwt.PyJWKClient(url, cooldown_duration=0)
        assert verifies(client)
        server.body = body
        assert verifies(client)  # from its cache, which lives 300 s
        refresh(client)
        assert verifies(client) is still_verifies


def test_last_word_evicts_the_key_from_pyjwt_when_its_cache_expires() -> None:
    with served(jwk_set([publishable()], NOW, extended=False)) as (server, url):
        client = jwt.PyJWKClient(url)
        assert verifies(client)
        server.body = LAST_WORD
        cache = client.jwk_set_cache
        assert cache is not None
        cache.lifespan = 0
        assert not verifies(client)
        cache.lifespan = 300
        assert not verifies(client)
        assert server.hits == 2


def test_new_key_is_found_after_the_last_word() -> None:
    with served(LAST_WORD) as (server, url):
        client = jwt.PyJWKClient(url, cooldown_duration=0)
        assert not verifies(client)
        server.body = jwk_set([publishable()], NOW, extended=False)
        client.get_jwk_set(refresh=True)
        assert verifies(client)
