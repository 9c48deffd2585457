"""Every library verifies, by the published JWKS, what other libraries signed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from tests.interop import peers
from tests.interop.conftest import Pair, Register
from tests.interop.peers import CLAIMS, Jose, Sign, Verify
from tests.interop.served import Served
from tests.keys import new_private_key

Published = Callable[[str], Pair]

COMMON = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
LEGACY = ["RS256", "RS384", "RS512"]
ML_DSA = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]

# The registered algorithm and the header; what each library can do with it was tried, not read.
SIGNERS = {
    "PyJWT": {*COMMON, *LEGACY, "EdDSA"},
    "joserfc": {*COMMON, *LEGACY, "EdDSA", "Ed25519", "Ed448"},
    "jwcrypto": {*COMMON, *LEGACY, "EdDSA", "Ed25519", "Ed448", *ML_DSA},
    "jose": {*COMMON, *LEGACY, "EdDSA", "Ed25519", *ML_DSA},
}
VERIFIERS = {
    "PyJWT": {*COMMON, *LEGACY, "EdDSA"},
    "joserfc": {*COMMON, *LEGACY, "EdDSA", "Ed25519", "Ed448"},
    "jwcrypto": {*COMMON, *LEGACY, "EdDSA", "Ed25519", "Ed448", *ML_DSA},
    "jose": {*COMMON, *LEGACY, "EdDSA", "Ed25519", *ML_DSA},
}
REGISTERED_AS = {"Ed25519": "EdDSA"}
HEADERS = [*COMMON, "EdDSA", "Ed25519", "Ed448", *ML_DSA, *LEGACY]


def matrix() -> Iterator[Any]:
    """Yield who signs and who verifies. The portal's part is the JWKS, which the verifier reads.

    So each verifier has one signer of each header, in turn; `make test-all` has all of them.
    """
    turn = 0
    for header in HEADERS:
        signers = [name for name, signs in SIGNERS.items() if header in signs]
        for verifier in (name for name, verifies in VERIFIERS.items() if header in verifies):
            turn += 1
            for at, signer in enumerate(signers):
                chosen = at == turn % len(signers)
                yield pytest.param(
                    header, signer, verifier, marks=[] if chosen else pytest.mark.exhaustive
                )


@pytest.fixture
def signers(jose: Jose) -> dict[str, Sign]:
    return {
        "PyJWT": peers.sign_with_pyjwt,
        "joserfc": peers.sign_with_joserfc,
        "jwcrypto": peers.sign_with_jwcrypto,
        "jose": jose.sign,
    }


@pytest.fixture
def verifiers(jose: Jose) -> dict[str, Verify]:
    return {
        "PyJWT": peers.verify_with_pyjwt,
        "joserfc": peers.verify_with_joserfc,
        "jwcrypto": peers.verify_with_jwcrypto,
        "jose": jose.verify,
    }


@pytest.mark.parametrize(("header", "signer", "verifier"), list(matrix()))
# joserfc warns of the name that RFC 9864 deprecates, and that most signers still send.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_signature_is_verified(
    *,
    header: str,
    signer: str,
    verifier: str,
    published: Published,
    served: Served,
    signers: dict[str, Sign],
    verifiers: dict[str, Verify],
    settings: Settings,
) -> None:
    settings.ALLOW_LEGACY_ALGORITHMS = header in LEGACY
    alg = REGISTERED_AS.get(header, header)
    pair = published(alg)
    extended = header == "Ed448" or header in ML_DSA
    url = served.jwks_url(pair.key.client, extended=extended)
    token = signers[signer](pair.private, header, pair.kid)
    assert verifiers[verifier](url, token, header) == CLAIMS


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_signature_of_another_key_is_refused(
    verifier: str, published: Published, served: Served, verifiers: dict[str, Verify]
) -> None:
    """The tests above would prove nothing if a verifier took everything."""
    pair = published("ES256")
    forged = peers.sign_with_pyjwt(new_private_key("ES256"), "ES256", pair.kid)
    with pytest.raises(Exception, match=r"(?i)signature|missing key"):
        verifiers[verifier](served.jwks_url(pair.key.client), forged, "ES256")


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_kid_tells_several_keys_apart(
    verifier: str,
    register: Register,
    client: object,
    served: Served,
    verifiers: dict[str, Verify],
) -> None:
    pairs = [(alg, register(client, alg)) for alg in ["PS256", "PS256", "ES256", "ES256", "ES384"]]
    for alg, pair in pairs:
        token = peers.sign_with_pyjwt(pair.private, alg, pair.kid)
        assert verifiers[verifier](served.jwks_url(pair.key.client), token, alg) == CLAIMS


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_default_set_serves_verifiers_beside_keys_they_do_not_know(
    verifier: str,
    register: Register,
    client: object,
    served: Served,
    verifiers: dict[str, Verify],
) -> None:
    for alg in ("Ed448", "ML-DSA-44"):
        register(client, alg)
    pair = register(client, "ES256")
    token = peers.sign_with_pyjwt(pair.private, "ES256", pair.kid)
    assert verifiers[verifier](served.jwks_url(pair.key.client), token, "ES256") == CLAIMS
