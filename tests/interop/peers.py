"""Other people's libraries, as they are used by their documentation: who signs and who verifies.

A verifier that reads remote sets itself (PyJWT, jose) does so here; for the others the set is
fetched by us, once for each token.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joserfc.jwk
import joserfc.jwt
import jwcrypto.jwk
import jwcrypto.jwt
import jwt
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from tests.keys import PrivateKey
from tests.postgres import die_with_parent
from tests.processes import close
from tests.waiting import PATIENCE_S

Claims = dict[str, Any]
Sign = Callable[[PrivateKey, str, str], str]
"""Called with a private key, the `alg` and the `kid` of the header; returns a token."""

Verify = Callable[[str, str, str], Claims]
"""Called with the URL of a JWKS, a token and the allowed `alg`; returns the claims or raises."""

CLAIMS: Claims = {"iss": "interop", "sub": "interop"}


class Refusal(Exception):  # noqa: N818 - the name says what happened
    """What jose answers instead of claims, by its stable code."""


class Jose:
    """Node's jose, running as a child process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("node"), "--no-warnings", "jose.mjs"],
            cwd=Path(__file__).parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel
        )

    def close(self) -> None:
        """Let it end."""
        close(self._process)

    def sign(self, key: PrivateKey, alg: str, kid: str) -> str:
        """Sign with SignJWT."""
        token: str = self._ask(
            verb="sign", pem=pkcs8(key).decode("ascii"), alg=alg, kid=kid, claims=CLAIMS
        )
        return token

    def verify(self, url: str, token: str, alg: str, name: str = "", **options: int) -> Claims:
        """Verify with jwtVerify and createRemoteJWKSet, one set for each URL and name."""
        claims: Claims = self._ask(
            verb="verify",
            url=url,
            token=token,
            algorithms=[alg],
            name=f"{url} {name}",
            options=options,
        )
        return claims

    def _ask(self, **request: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise Refusal(answer["error"], answer["message"])
        return answer["result"]


def pkcs8(key: PrivateKey) -> bytes:
    """Return the private key as the PEM that every library reads."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def fetch(url: str) -> bytes:
    """Return what is served at the URL."""
    with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:  # noqa: S310 - our own
        body: bytes = response.read()
        return body


def sign_with_pyjwt(key: PrivateKey, alg: str, kid: str, claims: Claims = CLAIMS) -> str:
    """Sign with PyJWT."""
    return jwt.encode(claims, key, algorithm=alg, headers={"kid": kid})  # type: ignore[arg-type]


def verify_with_pyjwt(url: str, token: str, alg: str) -> Claims:
    """Verify with PyJWT and its PyJWKClient."""
    client = jwt.PyJWKClient(url)
    claims: Claims = jwt.decode(token, client.get_signing_key_from_jwt(token), algorithms=[alg])
    return claims


def sign_with_joserfc(key: PrivateKey, alg: str, kid: str, claims: Claims = CLAIMS) -> str:
    """Sign with joserfc."""
    kinds = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
    own = joserfc.jwk.import_key(pkcs8(key), kinds[alg[:2]])  # type: ignore[call-overload]
    return joserfc.jwt.encode({"alg": alg, "kid": kid}, claims, own, algorithms=[alg])


def verify_with_joserfc(url: str, token: str, alg: str) -> Claims:
    """Verify with joserfc, which picks the key by kid."""
    keys = joserfc.jwk.KeySet.import_key_set(json.loads(fetch(url)))
    return dict(joserfc.jwt.decode(token, keys, algorithms=[alg]).claims)


def sign_with_jwcrypto(key: PrivateKey, alg: str, kid: str) -> str:
    """Sign with jwcrypto."""
    token = jwcrypto.jwt.JWT(header={"alg": alg, "kid": kid}, claims=CLAIMS, algs=[alg])
    token.make_signed_token(jwcrypto.jwk.JWK.from_pem(pkcs8(key)))
    serialized: str = token.serialize()
    return serialized


def verify_with_jwcrypto(url: str, token: str, alg: str) -> Claims:
    """Verify with jwcrypto, which picks the key by kid."""
    keys = jwcrypto.jwk.JWKSet.from_json(fetch(url))
    claims: Claims = json.loads(jwcrypto.jwt.JWT(jwt=token, key=keys, algs=[alg]).claims)
    return claims
