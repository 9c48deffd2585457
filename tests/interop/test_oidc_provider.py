"""An authorization server of somebody else's takes the portal's word for who a client is.

panva's oidc-provider, with `jwks_uri` at the portal, as it is on the wire. It looks at a set again
only when a signature did not verify and the set is older than its cache time, so the tests put its
clock ahead and, where it matters, let something fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
import requests
from pytest_django import DjangoDbBlocker

from portal.accounts.models import User
from portal.registry.actions import create_client, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import Client
from tests.assertions import form_of
from tests.interop import peers
from tests.interop.conftest import Pair, Register
from tests.interop.oidc_provider import OidcProvider
from tests.interop.served import Served
from tests.keys import new_private_key
from tests.waiting import PATIENCE_S

CACHE_S = 60
"""How long oidc-provider does not look again: what we send as max-age, and its own minimum."""

TOKEN = 200
REFUSED = 401


@pytest.fixture(scope="module")
def clients(served: Served, django_db_blocker: DjangoDbBlocker) -> list[Client]:
    """More clients than there are tests here."""
    with django_db_blocker.unblock():
        person = User.objects.create_user("oidc-provider@example.com", is_staff=True)
        return [create_client(name="Interop", by=person) for _ in range(30)]


@pytest.fixture(scope="module")
def provider(_node_modules: None, served: Served, clients: list[Client]) -> Iterator[OidcProvider]:
    """An oidc-provider that knows the clients by their `jwks_uri`."""
    process = OidcProvider(
        *(
            {"client_id": client.client_id, "jwks_uri": served.jwks_url(client)}
            for client in clients
        )
    )
    yield process
    process.close()


@pytest.fixture
def client(clients: list[Client], provider: OidcProvider) -> Client:
    """A client without keys, whose set oidc-provider has never fetched."""
    return clients.pop()


def ask(provider: OidcProvider, pair: Pair, alg: str, *, kid: str = "") -> int:
    """Ask for a token and return the status of the answer, which is as RFC 6749 §5 says."""
    client_id = pair.key.client.client_id
    now = int(provider.now())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": provider.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": uuid4().hex,
    }
    # PyJWT does not know the name Ed25519.
    sign = peers.sign_with_joserfc if alg == "Ed25519" else peers.sign_with_pyjwt
    assertion = sign(pair.private, alg, kid or pair.kid, claims)
    response = requests.post(provider.token_endpoint, data=form_of(assertion), timeout=PATIENCE_S)
    answer = response.json()
    if response.status_code == TOKEN:
        assert answer["access_token"]
        assert answer["token_type"] == "Bearer"  # noqa: S105 - a type, no secret
    else:
        assert answer["error"] == "invalid_client"
    return response.status_code


def revoke(pair: Pair, by: User) -> None:
    revoke_key(pair.key, reason=RevocationReason.COMPROMISED, by=by)


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_client_obtains_a_token(
    alg: str, client: Client, register: Register, provider: OidcProvider
) -> None:
    assert ask(provider, register(client, alg), alg) == TOKEN


@pytest.mark.parametrize("registered", ["EdDSA", "Ed25519"])
@pytest.mark.parametrize("header", ["EdDSA", "Ed25519"])
def test_ed25519_key_is_accepted_by_both_names_of_its_algorithm(
    *, registered: str, header: str, client: Client, register: Register, provider: OidcProvider
) -> None:
    assert ask(provider, register(client, registered), header) == TOKEN


def test_key_that_nobody_registered_is_refused(
    client: Client, register: Register, provider: OidcProvider
) -> None:
    own, other = register(client, "ES256"), new_private_key("ES256")
    assert ask(provider, Pair(other, own.key), "ES256") == REFUSED


def test_key_that_is_registered_later_is_accepted_after_the_cache_time(
    client: Client, register: Register, provider: OidcProvider
) -> None:
    first = register(client, "PS256")
    assert ask(provider, first, "PS256") == TOKEN
    second = register(client, "EdDSA")
    assert ask(provider, second, "EdDSA") == REFUSED  # it does not look again yet
    provider.advance(CACHE_S)
    assert ask(provider, second, "EdDSA") == TOKEN
    assert ask(provider, first, "PS256") == TOKEN


def test_revoked_key_is_refused_after_the_cache_time_when_the_new_key_was_used(
    client: Client, person: User, register: Register, provider: OidcProvider, served: Served
) -> None:
    """The ordinary rotation: the new key's kid makes it look again, and the old key is gone."""
    old = register(client, "ES256")
    assert ask(provider, old, "ES256") == TOKEN
    new = register(client, "ES256")
    revoke(old, person)
    served.wait_until(old.key, shown=False)
    provider.advance(CACHE_S)
    assert ask(provider, new, "ES256") == TOKEN
    assert ask(provider, old, "ES256") == REFUSED


def test_revoked_key_is_accepted_until_something_fails(
    client: Client, person: User, register: Register, provider: OidcProvider, served: Served
) -> None:
    """No time of its own ends a key there, so the documents tell operators to restart it."""
    last = register(client, "PS256")
    assert ask(provider, last, "PS256") == TOKEN
    revoke(last, person)
    served.wait_until(last.key, shown=False)
    provider.advance(24 * 60 * 60)
    assert ask(provider, last, "PS256") == TOKEN


def test_unknown_kid_within_the_cache_time_ends_nothing(
    client: Client, person: User, register: Register, provider: OidcProvider, served: Served
) -> None:
    last = register(client, "EdDSA")
    assert ask(provider, last, "EdDSA") == TOKEN
    revoke(last, person)
    served.wait_until(last.key, shown=False)
    assert ask(provider, last, "EdDSA", kid="unknown") == REFUSED
    assert ask(provider, last, "EdDSA") == TOKEN


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_client_whose_last_key_was_revoked_is_refused_after_an_unknown_kid(
    alg: str,
    client: Client,
    person: User,
    register: Register,
    provider: OidcProvider,
    served: Served,
) -> None:
    """Our set without a live key holds an encryption key, and replaces what it had kept."""
    last = register(client, alg)
    assert ask(provider, last, alg) == TOKEN
    revoke(last, person)
    served.wait_until(last.key, shown=False)
    provider.advance(CACHE_S)
    assert ask(provider, last, alg, kid="unknown") == REFUSED
    assert ask(provider, last, alg) == REFUSED


def test_client_whose_last_key_was_revoked_is_refused_by_a_server_that_starts_later(
    client: Client, person: User, register: Register, provider: OidcProvider, served: Served
) -> None:
    last = register(client, "ES256")
    revoke(last, person)
    served.wait_until(last.key, shown=False)
    assert ask(provider, last, "ES256") == REFUSED
