"""RSA keys: one test for each kind of bad key, with its exact reason and words."""

from __future__ import annotations

import sys

import gmpy2  # type: ignore[import-untyped]  # it has no stubs
import pytest

from portal.core.algorithms import PUBLIC_HALF
from portal.core.key_policy.policy import KeyPolicy
from portal.core.key_policy.rsa import FERMAT_ROUNDS
from portal.core.public_key.unsupported import NEW_RSA_KEY
from portal.core.reasons import Reason
from tests.unit.core.key_policy import weak_keys
from tests.unit.core.support import key_of, rsa_public, verdict

GENERATE = (
    "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{} -out private_key.pem"
    " && openssl pkey -in private_key.pem -pubout -out public_key.pem"
)


def test_good_key_is_accepted() -> None:
    assert verdict(key_of("RSA")) is None
    assert verdict(rsa_public(weak_keys.good())) is None


@pytest.mark.parametrize("bits", [2048, 2056, 3072, 4096])
def test_sizes_in_steps_of_8_are_accepted(bits: int) -> None:
    assert verdict(rsa_public(weak_keys.of_bits(bits))) is None


@pytest.mark.parametrize(
    ("bits", "reason", "needed"),
    [
        (1024, Reason.RSA_TOO_SHORT, "It needs at least 2048 bits; 3072 is a good choice."),
        (2047, Reason.RSA_TOO_SHORT, "It needs at least 2048 bits; 3072 is a good choice."),
        (2049, Reason.RSA_ODD_LENGTH, "The number of bits must be divisible by 8; 3072 is a good"),
        (4104, Reason.RSA_TOO_LONG, "At most 4096 bits are accepted; 3072 is a good choice."),
        (16384, Reason.RSA_TOO_LONG, "At most 4096 bits are accepted; 3072 is a good choice."),
    ],
)
def test_size_is_refused(bits: int, reason: Reason, needed: str) -> None:
    refused = verdict(rsa_public((1 << bits) - 1))
    assert refused is not None
    assert refused.reason is reason
    assert refused.found == f"This is an RSA key of {bits} bits."
    assert refused.needed.startswith(needed)
    assert refused.command == GENERATE.format(3072)


def test_advice_stays_within_the_limits_of_the_portal() -> None:
    short, long = KeyPolicy(rsa_max_bits=2048), KeyPolicy(rsa_min_bits=4096, rsa_max_bits=8192)
    refused = [verdict(rsa_public((1 << bits) - 1), policy)
               for bits, policy in ((3072, short), (3072, long))]  # fmt: skip
    assert [each.command for each in refused if each] == [
        GENERATE.format(2048),
        GENERATE.format(4096),
    ]


def test_larger_keys_are_accepted_by_a_setting() -> None:
    assert verdict(rsa_public(weak_keys.of_bits(8192)), KeyPolicy(rsa_max_bits=8192)) is None


@pytest.mark.parametrize(("least", "most"), [(1024, 4096), (2048, 8200), (4096, 3072)])
def test_no_setting_opens_the_limits_further(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="2048 <= min <= max <= 8192"):
        KeyPolicy(rsa_min_bits=least, rsa_max_bits=most)


@pytest.mark.parametrize("e", [1, 2, 3, 17, 65535, 65538, 2**31 + 1, 2**2000 + 1])
def test_exponent_must_be_65537(e: int) -> None:
    refused = verdict(rsa_public(weak_keys.good(), e))
    assert refused is not None
    assert refused.reason is Reason.RSA_EXPONENT
    assert refused.needed == "It must be 65537, the default of openssl."
    assert refused.command == NEW_RSA_KEY


def test_sizes_come_before_any_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("Arithmetic with a number of any size.")

    monkeypatch.setattr("portal.core.key_policy.policy.find_weakness", forbidden)
    for bits in (8, 512, 2047, 4097, 130_000):
        refused = verdict(rsa_public((1 << bits) - 1))
        assert refused is not None


@pytest.mark.parametrize(
    ("n", "reason", "found"),
    [
        (weak_keys.even(), Reason.RSA_MODULUS_INVALID, "an even number"),
        (weak_keys.prime(2048, 9), Reason.RSA_MODULUS_PRIME, "a prime"),
        (weak_keys.prime(1024, 9) ** 2, Reason.RSA_MODULUS_POWER, "a power"),
        (weak_keys.prime(512, 9) ** 4, Reason.RSA_MODULUS_POWER, "a power"),
        (3 * weak_keys.prime(2046, 3) + 0, Reason.RSA_SMALL_FACTOR, "a small factor"),
        (65537 * weak_keys.prime(2032, 3), Reason.RSA_SMALL_FACTOR, "a small factor"),
        (weak_keys.close_primes(1), Reason.RSA_CLOSE_PRIMES, "so close"),
        (weak_keys.close_primes(105), Reason.RSA_CLOSE_PRIMES, "so close"),
        (weak_keys.roca(), Reason.RSA_ROCA, "CVE-2017-15361"),
        (weak_keys.sparse(), Reason.RSA_BIASED, "not random"),
        (weak_keys.vanity(), Reason.RSA_BIASED, "not random"),
    ],
    ids=[
        "even", "prime", "square", "fourth power", "factor 3", "factor 65537", "twins",
        "105 steps", "ROCA", "sparse", "vanity",
    ],
)  # fmt: skip
def test_weak_modulus_is_refused(n: int, reason: Reason, found: str) -> None:
    refused = verdict(rsa_public(n))
    assert refused is not None
    assert refused.reason is reason
    assert found in refused.found
    # No program makes a number that small primes divide.
    is_damaged = n % 2 == 0 or reason is Reason.RSA_SMALL_FACTOR
    needed = "The file is probably damaged" if is_damaged else "Such a key is not secure."
    assert needed in refused.needed
    assert refused.command == (PUBLIC_HALF if is_damaged else NEW_RSA_KEY)


def test_fermat_goes_as_far_as_boulder_and_no_further() -> None:
    """badkeys stops at 100 rounds; the keys between are why the loop is our own."""
    inside, outside = weak_keys.close_primes(105), weak_keys.close_primes(115)
    assert 101 < (weak_keys.fermat_steps(inside, 200) or 0) <= FERMAT_ROUNDS
    assert (weak_keys.fermat_steps(outside, 200) or 0) > FERMAT_ROUNDS
    assert verdict(rsa_public(outside)) is None


def test_shared_prime_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The primes of badkeys' list are known by their product only, so one of our own is put in."""
    moduli = sys.modules["badkeys.rsakeys.sharedprimes"]._moduli
    monkeypatch.setitem(moduli, 2048, gmpy2.mpz(weak_keys.prime(1024, 1)))
    refused = verdict(rsa_public(weak_keys.good()))
    assert refused is not None
    assert refused.reason is Reason.RSA_SHARED_PRIME
    assert "known to be broken" in refused.found
