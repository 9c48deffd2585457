"""Finds RSA moduli that share a prime: Bernstein's batch gcd, with product trees.

The gcd of two moduli that share one prime is that prime, which reveals both private keys. Weak
random numbers during key generation cause this (Heninger et al., "Mining Your Ps and Qs", 2012).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import gmpy2  # type: ignore[import-untyped]  # it has no stubs


def find_shared_primes(new: Sequence[int], known: Iterable[Sequence[int]]) -> list[int]:
    """Return the indexes in `new` of moduli that share a prime with each other or a known modulus.

    `known` yields pieces, and only one piece is in memory at a time. All moduli must be distinct;
    the known ones are not compared with each other.
    """
    if not new:
        return []
    levels = _product_tree(new)
    [product] = levels[-1]
    others = gmpy2.mpz(1)
    for piece in known:
        # Multiplication and division are fastest for numbers of equal size.
        for start in range(0, len(piece), len(new)):
            some = _product(piece[start : start + len(new)])
            others = others * (some % product) % product
    # (n · others) mod n² = n · (others mod n).
    rest = [product * others]
    for level in reversed(levels):
        rest = [rest[place // 2] % (number * number) for place, number in enumerate(level)]
    return [
        place
        for place, (n, left) in enumerate(zip(levels[0], rest, strict=True))
        if gmpy2.gcd(n, left // n) != 1
    ]


def find_sharers(shared: Iterable[int], moduli: Sequence[int]) -> list[int]:
    """Return the indexes in `moduli` of those that share a prime with one of `shared`.

    A modulus shares its primes with itself.
    """
    product = _product(list(shared))
    return [place for place, n in enumerate(moduli) if gmpy2.gcd(n, product % n) != 1]


def _product_tree(numbers: Sequence[int]) -> list[list[gmpy2.mpz]]:
    """Return the numbers, the products of pairs, and so on up to the product of all."""
    levels = [[gmpy2.mpz(number) for number in numbers]]
    while len(level := levels[-1]) > 1:
        products = [a * b for a, b in zip(level[::2], level[1::2], strict=False)]
        levels.append(products + level[len(level) // 2 * 2 :])
    return levels


def _product(numbers: Sequence[int]) -> gmpy2.mpz:
    level = [gmpy2.mpz(number) for number in numbers] or [gmpy2.mpz(1)]
    while len(level) > 1:
        products = [a * b for a, b in zip(level[::2], level[1::2], strict=False)]
        level = products + level[len(level) // 2 * 2 :]
    return level[0]
