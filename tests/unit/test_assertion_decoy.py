"""What is spent on an assertion of nobody: one verification with a key of the same kind."""

from __future__ import annotations

import time
from statistics import median

import pytest

from portal.core.algorithms import ALGORITHMS
from portal.core.assertion import peek, spend, verify
from portal.core.assertion.decoy import _decoy
from portal.core.pem import parse_public_key
from tests.unit.assertions import assemble, candidate, expected, kind_of, sign


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_decoy_is_a_key_of_the_same_kind(alg: str) -> None:
    key = parse_public_key(_decoy(alg))
    assert (key.curve or key.kty) == kind_of(alg)


@pytest.mark.parametrize("alg", ["HS256", "none", "", 1, None])
def test_any_algorithm_is_spent_on(alg: object) -> None:
    spend(peek(assemble({"alg": alg}, {})))


def microseconds(alg: str) -> tuple[float, float]:
    """Return what verifying a good assertion takes, and what is spent on one of nobody."""
    unverified = peek(sign(alg))
    expectation = expected(candidate(alg))
    took: list[tuple[int, int, int]] = []
    for _ in range(200):
        start = time.perf_counter_ns()
        verify(unverified, expectation)
        middle = time.perf_counter_ns()
        spend(unverified)
        took.append((start, middle, time.perf_counter_ns()))
    return (
        median(middle - start for start, middle, _ in took) / 1000,
        median(end - middle for _, middle, end in took) / 1000,
    )


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_about_as_much_is_spent_as_on_a_real_key(alg: str) -> None:
    verified, spent = microseconds(alg)
    assert 0.4 < spent / verified < 2.5
