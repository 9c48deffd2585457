"""RSA keys that nobody should accept, each broken in one way. The numbers are always the same."""

from __future__ import annotations

import random
from functools import cache

import gmpy2  # type: ignore[import-untyped]  # it has no stubs

# The modulus of the ROCA fingerprint, as in the public detectors: the primes 3 to 167 that count.
ROCA_MODULUS = 0x924CBA6AE99DFA084537FACC54948DF0C23DA044D8CABE0EDD75BC6


@cache
def prime(bits: int, seed: int) -> int:
    """Return a prime whose eight top bits are ones, so that products have their full length."""
    start = random.Random(seed).getrandbits(bits) | (0xFF << (bits - 8))  # noqa: S311
    return int(gmpy2.next_prime(start))


def good() -> int:
    """Return a modulus with nothing wrong."""
    return prime(1024, 1) * prime(1024, 2)


def of_bits(bits: int) -> int:
    """Return a modulus of exactly this length."""
    n = prime(bits - 3 * (bits // 4), 0)
    for seed in (1, 2, 3):  # four primes are found much faster than two of double length
        n *= prime(bits // 4, seed)
    assert n.bit_length() == bits
    return n


def even() -> int:
    """Return an even modulus."""
    return good() - 1


def close_primes(rounds: int) -> int:
    """Return a modulus that Fermat's method factors in its step of about this number."""
    p = prime(1024, 5)
    # a - sqrt(n) is about (q - p)^2 / 8p, and a grows by one in each step.
    q = int(gmpy2.next_prime(p + int(gmpy2.isqrt(8 * rounds * p))))
    return p * q


def fermat_steps(n: int, limit: int) -> int | None:
    """Return in which step Fermat's method factors n, counted from 1, or None."""
    a = gmpy2.isqrt(n)
    for step in range(1, limit + 1):
        if gmpy2.is_square((a + step) ** 2 - n):
            return step
    return None


@cache
def _roca_prime(seed: int) -> int:
    generator = random.Random(seed)  # noqa: S311
    rest = pow(65537, generator.getrandbits(60), ROCA_MODULUS)
    least, most = (3 << 1022) // ROCA_MODULUS + 1, (1 << 1024) // ROCA_MODULUS - 1
    while True:
        candidate = generator.randint(least, most) * ROCA_MODULUS + rest
        if gmpy2.is_prime(candidate):
            return candidate


def roca() -> int:
    """Return a modulus of two primes as Infineon's chips made them (CVE-2017-15361)."""
    return _roca_prime(6) * _roca_prime(7)


def sparse() -> int:
    """Return a modulus of nearly nothing but zero bits."""
    return int(gmpy2.next_prime(3 << 1022) * gmpy2.next_prime((3 << 1022) + (1 << 1000)))


def vanity() -> int:
    """Return a modulus whose upper half is all ones."""
    generator = random.Random(8)  # noqa: S311
    while True:
        n = (((1 << 1024) - 1) << 1024) | generator.getrandbits(1024) | 1
        if all(n % small for small in range(3, 65538, 2)):
            return n
