"""Envoy and Apache verify with our key sets, and what each does when a key comes or goes."""

from __future__ import annotations

import time

import pytest

from portal.accounts.models import User
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import Client
from tests.interop import peers
from tests.interop.conftest import Pair, Register
from tests.interop.gateways import ISSUER, apache, envoy
from tests.interop.served import Served
from tests.keys import new_private_key
from tests.waiting import wait_until

GATEWAYS = {"Envoy": envoy, "Apache": apache}
KNOWN = {
    "Envoy": ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"],
    "Apache": ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"],
}
LONG_S = 3600
SHORT_S = 1


def token(pair: Pair, alg: str) -> str:
    claims = {"iss": ISSUER, "sub": "interop", "exp": int(time.time()) + 3600}
    return peers.sign_with_pyjwt(pair.private, alg, pair.kid, claims)


def revoke(pair: Pair, by: User, served: Served) -> None:
    revoke_key(pair.key, reason=RevocationReason.COMPROMISED, by=by)
    served.wait_until(pair.key, shown=False)


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_gateway_verifies_with_a_set_of_all_algorithms(
    gateway: str, client: Client, register: Register, served: Served
) -> None:
    pairs = {alg: register(client, alg) for alg in KNOWN["Envoy"]}
    with GATEWAYS[gateway](served.jwks_url(client), LONG_S) as ask:
        verified = [alg for alg, pair in pairs.items() if ask(token(pair, alg)) == 200]
        forged = Pair(new_private_key("ES256"), pairs["ES256"].key)
        assert ask(token(forged, "ES256")) == 401
    assert verified == KNOWN[gateway]


def test_envoy_never_looks_for_an_unknown_kid(
    client: Client, person: User, register: Register, served: Served
) -> None:
    old = register(client, "ES256")
    with envoy(served.jwks_url(client), LONG_S) as ask:
        assert ask(token(old, "ES256")) == 200
        new = register(client, "ES256")
        revoke(old, person, served)
        assert ask(token(new, "ES256")) == 401
        assert ask(token(old, "ES256")) == 200


def test_apache_looks_for_an_unknown_kid_and_keeps_a_revoked_key_until_then(
    client: Client, person: User, register: Register, served: Served
) -> None:
    old = register(client, "ES256")
    with apache(served.jwks_url(client), LONG_S) as ask:
        accepted = token(old, "ES256")
        assert ask(accepted) == 200
        revoke(old, person, served)
        assert ask(token(old, "ES256")) == 200
        new = register(client, "ES256")
        assert ask(token(new, "ES256")) == 200
        assert ask(token(old, "ES256")) == 401
        # What it has verified once it accepts for as long as it keeps the result.
        assert ask(accepted) == 200


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_gateway_takes_a_new_key_and_drops_a_revoked_one_after_its_cache_time(
    *, gateway: str, client: Client, person: User, register: Register, served: Served
) -> None:
    old = register(client, "ES256")
    with GATEWAYS[gateway](served.jwks_url(client), SHORT_S) as ask:
        accepted = token(old, "ES256")
        assert ask(accepted) == 200
        new = register(client, "ES256")
        wait_until(lambda: ask(token(new, "ES256")) == 200, "The new key is not known.")
        revoke(old, person, served)
        wait_until(lambda: ask(token(old, "ES256")) == 401, "The revoked key is kept.")
        wait_until(lambda: ask(accepted) == 401, "The result is kept.")
