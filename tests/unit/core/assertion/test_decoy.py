"""What is spent on an assertion of nobody: one verification with a key of the same kind."""

from __future__ import annotations

import pytest

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion import parse_unverified, spend
from portal.core.assertion.decoy import _decoy
from portal.core.public_key.parse import parse_public_key
from portal.core.signatures import verifier_of
from tests.unit.core.assertions import assemble, kind_of, sign


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_decoy_is_a_key_of_the_same_kind(alg: str) -> None:
    key = parse_public_key(_decoy(alg, 256))
    assert (key.curve or key.kty) == kind_of(alg)


@pytest.mark.parametrize("alg", ["HS256", "none", "", 1, None])
def test_any_algorithm_is_spent_on(alg: object) -> None:
    spend(parse_unverified(assemble({"alg": alg}, {})))


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_it_is_spent_on_a_verification_with_that_key(alg: str) -> None:
    verifier_of.cache_clear()
    spend(parse_unverified(sign(alg)))
    verifier_of(_decoy(alg, 256), alg)
    assert verifier_of.cache_info().hits == 1


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
def test_an_rsa_decoy_is_as_long_as_the_signature(bits: int) -> None:
    assert parse_public_key(_decoy("PS256", bits // 8)).bits == bits
