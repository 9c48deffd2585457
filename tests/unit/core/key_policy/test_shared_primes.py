"""RSA moduli that share a prime are found among any number of others."""

from __future__ import annotations

import random
from itertools import combinations
from math import gcd

import pytest

from portal.core.key_policy.shared_primes import find_shared_primes, find_sharers
from tests.unit.core.key_policy.weak_keys import prime


def product_of(*seeds: int) -> int:
    one, other = (prime(256, seed) for seed in seeds)
    return one * other


GOOD = [product_of(2 * i, 2 * i + 1) for i in range(100, 117)]
"""Seventeen, which is no power of two."""


def test_good_moduli_share_nothing() -> None:
    assert find_shared_primes(GOOD, []) == []
    assert find_shared_primes(GOOD[:5], [GOOD[5:9], GOOD[9:]]) == []


@pytest.mark.parametrize("new", [[], [product_of(1, 2)]])
def test_few_share_nothing(new: list[int]) -> None:
    assert find_shared_primes(new, []) == find_shared_primes(new, [GOOD]) == []


def test_two_new_ones_are_both_found() -> None:
    new = [*GOOD, product_of(1, 2), product_of(2, 3)]
    assert find_shared_primes(new, []) == [17, 18]


def test_a_new_one_is_found_that_shares_with_a_known_one() -> None:
    known = [GOOD[:3], [*GOOD[3:8], product_of(1, 2)], GOOD[8:16]]
    assert find_shared_primes([GOOD[16], product_of(2, 3)], known) == [1]


def test_one_is_found_that_shares_each_prime_with_another() -> None:
    """Its gcd with all others is the modulus itself."""
    new = [product_of(1, 2), *GOOD]
    assert find_shared_primes(new, [[product_of(1, 5)], [product_of(2, 6)]]) == [0]


def test_the_known_ones_are_not_compared_with_one_another() -> None:
    assert find_shared_primes(GOOD, [[product_of(1, 2), product_of(2, 3)]]) == []


def test_those_that_share_with_a_modulus_are_found_and_itself() -> None:
    moduli = [*GOOD, product_of(2, 3), product_of(1, 2), product_of(4, 5)]
    assert find_sharers([product_of(1, 2)], moduli) == [17, 18]
    assert find_sharers([product_of(1, 2), product_of(4, 6)], moduli) == [17, 18, 19]


def test_it_finds_what_comparing_all_pairs_finds() -> None:
    chance = random.Random(7)  # noqa: S311
    for _ in range(30):
        pairs = {tuple(sorted(chance.sample(range(40), 2))) for _ in range(chance.randint(1, 24))}
        moduli = [product_of(*pair) for pair in pairs]
        sharing = {n for a, b in combinations(moduli, 2) if gcd(a, b) > 1 for n in (a, b)}
        at = chance.randint(0, len(moduli))
        new, known = moduli[:at], moduli[at:]
        among = {n for n in new if any(gcd(n, m) > 1 for m in moduli if m != n)}
        assert {new[i] for i in find_shared_primes(new, [known[:3], known[3:]])} == among
        assert among <= sharing
