"""GET /clients/<client_id>/jwks-extended.json: all that is live, of every kind."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest

from portal.core.algorithms import ALGORITHMS
from portal.registry.actions import retire_key, revoke_key, suspend_client
from portal.registry.choices import RevocationReason
from portal.registry.models import Client
from tests.db.publishing.conftest import Fetch, Register, in_seconds, kids, members


@pytest.mark.parametrize("alg", [each.name for each in ALGORITHMS.values() if not each.legacy])
def test_live_key_of_every_algorithm_is_published(
    alg: str, register: Register, fetch: Fetch
) -> None:
    key = register(alg)
    assert kids(fetch(extended=True)) == [key.kid]


@pytest.mark.parametrize("alg", ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_ml_dsa_key_has_the_members_of_rfc_9964(alg: str, register: Register, fetch: Fetch) -> None:
    register(alg)
    [published] = members(fetch(extended=True))
    assert published.keys() == {"kty", "alg", "pub", "kid", "use"}
    assert (published["kty"], published["alg"]) == ("AKP", alg)


def test_it_holds_the_default_set_and_the_rest(register: Register, fetch: Fetch) -> None:
    default = {register("PS256").kid, register("EdDSA").kid}
    more = {register("Ed448").kid, register("ML-DSA-44").kid}
    assert set(kids(fetch())) == default
    assert set(kids(fetch(extended=True))) == default | more


def test_key_that_is_not_live_is_absent(
    register: Register, cast: SimpleNamespace, fetch: Fetch
) -> None:
    register("Ed448", not_before=in_seconds(60))
    retire_key(register("ML-DSA-44"), grace=timedelta(0), by=cast.dev)
    revoke_key(register("ML-DSA-65"), reason=RevocationReason.UNSPECIFIED, by=cast.dev)
    assert kids(fetch(extended=True)) == []


def test_suspended_client_publishes_no_key(
    register: Register, payments: Client, cast: SimpleNamespace, fetch: Fetch
) -> None:
    register("ML-DSA-65")
    suspend_client(payments, note="Contract ended", by=cast.admin)
    assert kids(fetch(extended=True)) == []
