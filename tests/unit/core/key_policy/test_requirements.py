"""What admins require of keys: how new keys are judged, and what is said of older ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.key_policy.policy import KeyPolicy
from portal.core.key_policy.requirements import (
    NO_REQUIREMENTS,
    KeyFacts,
    Requirements,
    combined,
)
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from tests.keys import new_private_key, public_pem

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
YEAR = timedelta(days=365)

names = st.sampled_from(["PS256", "ES256", "EdDSA"])
required = st.builds(
    Requirements,
    algorithms=st.none() | st.frozensets(names),
    rsa_min_bits=st.sampled_from([0, 3072, 4096]),
    longest=st.none() | st.sampled_from([timedelta(days=90), YEAR]),
    confirmation=st.booleans(),
)
ends = st.sampled_from([1, 89, 91, 92, 366, 367, 400]).map(lambda days: NOW + timedelta(days=days))
facts = st.builds(
    KeyFacts,
    alg=names,
    kty=st.sampled_from(["RSA", "EC"]),
    bits=st.sampled_from([2048, 3072]),
    registered_at=st.just(NOW),
    ends_at=st.none() | ends,
    is_confirmed=st.booleans(),
)


def facts_of(**changes: object) -> KeyFacts:
    good = {
        "alg": "ES256",
        "kty": "EC",
        "bits": 256,
        "registered_at": NOW,
        "ends_at": NOW + YEAR,
        "is_confirmed": True,
    }
    return KeyFacts(**good | changes)  # type: ignore[arg-type]


ALL = Requirements(frozenset({"ES256", "PS256"}), 3072, YEAR, confirmation=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"alg": "EdDSA"}, "It is for EdDSA; allowed: ES256, PS256."),
        ({"kty": "RSA", "bits": 2048}, "It has 2048 bits; at least 3072 are required."),
        ({"ends_at": None}, "It has no end; at most 365 days are allowed."),
        (
            {"ends_at": NOW + timedelta(days=400)},
            "It lives 400 days, until 4 Jan 2028; at most 365 days are allowed.",
        ),
        ({"is_confirmed": False}, "It is not confirmed; a confirmation is required."),
    ],
)
def test_each_thing_that_differs_is_a_sentence(changes: dict[str, object], sentence: str) -> None:
    assert ALL.unmet(facts_of()) == ()
    assert ALL.unmet(facts_of(**changes)) == (sentence,)


def test_the_last_day_counts_whole() -> None:
    assert not ALL.unmet(facts_of(ends_at=NOW + YEAR + timedelta(days=1)))
    assert ALL.unmet(facts_of(ends_at=NOW + YEAR + timedelta(days=1, microseconds=1)))


@given(st.lists(required, max_size=3), facts)
def test_several_are_met_together_exactly_if_each_is_met(
    several: list[Requirements], key: KeyFacts
) -> None:
    assert bool(combined(several).unmet(key)) == any(each.unmet(key) for each in several)


def policy(**requirements: object) -> KeyPolicy:
    return KeyPolicy(required=Requirements(**requirements))  # type: ignore[arg-type]


def test_a_key_for_another_algorithm_is_refused_with_what_is_allowed() -> None:
    key = parse_public_key(public_pem(new_private_key("ES384")))
    with pytest.raises(Refused) as refused:
        policy(algorithms=frozenset({"ES256", "PS256"})).accept(key)
    assert refused.value.reason == Reason.ALG_NOT_OFFERED
    assert str(refused.value) == (
        "The key policy of this portal does not allow this kind of key (P-384 public key). "
        "Allowed algorithms: ES256, PS256. Create a key for PS256."
    )
    assert refused.value.command.startswith("openssl genpkey -algorithm RSA")


def test_only_allowed_algorithms_are_offered() -> None:
    key = parse_public_key(public_pem(new_private_key("PS256")))
    accepted = policy(algorithms=frozenset({"PS384"})).accept(key)
    assert accepted.names == "PS384"
    with pytest.raises(Refused, match="The key policy of this portal does not allow PS256"):
        accepted.algorithm("PS256")


def test_a_size_of_the_policy_counts_up_to_the_largest_of_the_settings() -> None:
    assert policy(rsa_min_bits=3072).smallest_rsa == 3072
    assert KeyPolicy(required=Requirements(rsa_min_bits=8192)).smallest_rsa == 4096
    assert (
        KeyPolicy(rsa_min_bits=4096, required=Requirements(rsa_min_bits=3072)).smallest_rsa == 4096
    )
    key = parse_public_key(public_pem(new_private_key("PS256")))
    with pytest.raises(Refused, match="It needs at least 4096 bits"):
        policy(rsa_min_bits=4096).accept(key)


def test_a_limited_life_is_said_when_a_key_is_inspected() -> None:
    key = parse_public_key(public_pem(new_private_key("ES256")))
    assert any("at most 365 days" in note for note in policy(longest=YEAR).accept(key).notes)
    assert KeyPolicy(required=NO_REQUIREMENTS).accept(key).notes == ()
