"""Verifiers refuse what is revoked, as soon as they look again; the last key goes like any."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from portal.accounts.models import User
from portal.registry.actions import retire_key, revoke_key, suspend_client
from portal.registry.choices import RevocationReason
from portal.registry.models import Client
from tests.interop import peers
from tests.interop.caching import CACHE_S, LIBRARIES, REFUSED, caching_verifier
from tests.interop.conftest import Pair, Register
from tests.interop.peers import CLAIMS, Jose
from tests.interop.served import Served

End = Callable[[Pair, User], object]


def sign(pair: Pair, alg: str) -> str:
    return peers.sign_with_pyjwt(pair.private, alg, pair.kid)


def revoke(pair: Pair, by: User) -> None:
    revoke_key(pair.key, reason=RevocationReason.COMPROMISED, by=by)


def retire(pair: Pair, by: User) -> None:
    retire_key(pair.key, grace=timedelta(0), by=by)


def suspend(pair: Pair, by: User) -> None:
    suspend_client(pair.key.client, note="Contract ended", by=by)


@pytest.mark.parametrize("library", LIBRARIES)
def test_revoked_key_is_refused_after_the_cache_time_and_the_other_is_not(
    *,
    library: str,
    client: Client,
    person: User,
    register: Register,
    served: Served,
    jose: Jose,
) -> None:
    old, new = register(client, "PS256"), register(client, "ES256")
    verify = caching_verifier(library, jose, served.jwks_url(client), cache_s=CACHE_S)
    assert verify(sign(old, "PS256"), "PS256") == CLAIMS
    revoke(old, person)
    served.wait_until(old.key, shown=False)
    time.sleep(CACHE_S * 1.1)
    with pytest.raises(REFUSED):
        verify(sign(old, "PS256"), "PS256")
    assert verify(sign(new, "ES256"), "ES256") == CLAIMS


@pytest.mark.parametrize("end", [revoke, retire, suspend])
@pytest.mark.parametrize("library", LIBRARIES)
def test_last_key_is_refused_after_the_cache_time(
    *,
    library: str,
    end: End,
    client: Client,
    person: User,
    register: Register,
    served: Served,
    jose: Jose,
) -> None:
    last = register(client, "EdDSA")
    verify = caching_verifier(library, jose, served.jwks_url(client), cache_s=CACHE_S)
    assert verify(sign(last, "EdDSA"), "EdDSA") == CLAIMS
    end(last, person)
    served.wait_until(last.key, shown=False)
    time.sleep(CACHE_S * 1.1)
    with pytest.raises(REFUSED):
        verify(sign(last, "EdDSA"), "EdDSA")


@pytest.mark.parametrize("library", LIBRARIES)
def test_new_kid_makes_a_verifier_with_its_own_cache_time_drop_the_revoked_key(
    *,
    library: str,
    client: Client,
    person: User,
    register: Register,
    served: Served,
    jose: Jose,
) -> None:
    old = register(client, "EdDSA")
    verify = caching_verifier(library, jose, served.jwks_url(client))
    assert verify(sign(old, "EdDSA"), "EdDSA") == CLAIMS
    revoke(old, person)
    served.wait_until(old.key, shown=False)
    assert verify(sign(old, "EdDSA"), "EdDSA") == CLAIMS  # it has not looked again yet
    new = register(client, "EdDSA")
    assert verify(sign(new, "EdDSA"), "EdDSA") == CLAIMS
    with pytest.raises(REFUSED):
        verify(sign(old, "EdDSA"), "EdDSA")


@pytest.mark.parametrize("end", [revoke, retire, suspend])
@pytest.mark.parametrize("library", LIBRARIES)
def test_unknown_kid_makes_a_verifier_with_its_own_cache_time_drop_the_last_key(
    *,
    library: str,
    end: End,
    client: Client,
    person: User,
    register: Register,
    served: Served,
    jose: Jose,
) -> None:
    """With an empty `keys` array in its place PyJWT keeps the key: see test_tried.py."""
    last = register(client, "EdDSA")
    verify = caching_verifier(library, jose, served.jwks_url(client))
    assert verify(sign(last, "EdDSA"), "EdDSA") == CLAIMS
    end(last, person)
    served.wait_until(last.key, shown=False)
    with pytest.raises(REFUSED):
        verify(peers.sign_with_pyjwt(last.private, "EdDSA", "unknown"), "EdDSA")
    with pytest.raises(REFUSED):
        verify(sign(last, "EdDSA"), "EdDSA")


@pytest.mark.parametrize("verify", [peers.verify_with_joserfc, peers.verify_with_jwcrypto])
# joserfc warns of the name that RFC 9864 deprecates, and that most signers still send.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
def test_library_that_reads_the_set_each_time_refuses_the_last_key_at_once(
    *,
    verify: peers.Verify,
    client: Client,
    person: User,
    register: Register,
    served: Served,
) -> None:
    last = register(client, "EdDSA")
    token = sign(last, "EdDSA")
    assert verify(served.jwks_url(client), token, "EdDSA") == CLAIMS
    revoke(last, person)
    served.wait_until(last.key, shown=False)
    with pytest.raises(Exception, match=r"(?i)key"):
        verify(served.jwks_url(client), token, "EdDSA")
