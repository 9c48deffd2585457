"""Detects untrustworthy RSA moduli, by the CA/B Baseline Requirements §6.1.1.3 and §6.1.6."""

from __future__ import annotations

from typing import Final

import gmpy2  # type: ignore[import-untyped]  # it has no stubs
from badkeys.checks import checkrsa

from portal.core.reasons import Reason

FERMAT_ROUNDS: Final = 110
"""As many rounds as Boulder; badkeys stops at 100, so this check is our own."""

# Always our own list of checks: the default of badkeys includes a block list that it would
# download.
_CHECKS: Final = {
    "roca": Reason.RSA_ROCA,
    "sharedprimes": Reason.RSA_SHARED_PRIME,
    "rsapoly": Reason.RSA_BIASED,
    "rsabias": Reason.RSA_BIASED,
}


def find_weakness(n: int, e: int) -> Reason | None:
    """Return why the modulus must not be trusted, or None. The caller must check its size."""
    if n % 2 == 0:
        return Reason.RSA_MODULUS_INVALID
    if gmpy2.is_power(n):
        return Reason.RSA_MODULUS_POWER
    if gmpy2.is_prime(n):
        return Reason.RSA_MODULUS_PRIME
    if checkrsa(n, e, checks=["smallfactors"]):
        return Reason.RSA_SMALL_FACTOR
    if _has_close_primes(n):
        return Reason.RSA_CLOSE_PRIMES
    for check in checkrsa(n, e, checks=list(_CHECKS)):
        return _CHECKS[check]
    return None


def _has_close_primes(n: int) -> bool:
    """Fermat's factorization: with n = a² - b², close primes have an a just above the root of n."""
    a = gmpy2.isqrt(n) + 1
    return any(gmpy2.is_square((a + step) ** 2 - n) for step in range(FERMAT_ROUNDS))
