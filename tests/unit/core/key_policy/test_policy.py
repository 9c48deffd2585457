"""Which algorithms a key may be used with, and which keys are blocked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from portal.core.algorithms import ALGORITHMS
from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from tests.unit.core.support import KINDS, key_of, rsa_public, verdict

FITTING = {
    "RSA": ["PS256", "PS384", "PS512"],
    "RSA-PSS": ["PS256", "PS384", "PS512"],
    "P-256": ["ES256"],
    "P-384": ["ES384"],
    "P-521": ["ES512"],
    "Ed25519": ["EdDSA"],
    "Ed448": ["Ed448"],
    "ML-DSA-44": ["ML-DSA-44"],
    "ML-DSA-65": ["ML-DSA-65"],
    "ML-DSA-87": ["ML-DSA-87"],
}


def refused_alg(kind: str, alg: str, policy: KeyPolicy | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        (policy or KeyPolicy()).accept(key_of(kind)).algorithm(alg)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_algorithms_are_offered_recommended_first(kind: str) -> None:
    names = [each.name for each in KeyPolicy().accept(key_of(kind)).algorithms]
    assert names == FITTING[kind]


def test_older_algorithms_are_offered_by_a_setting_and_last() -> None:
    policy = KeyPolicy(allow_legacy=True)
    names = [each.name for each in policy.accept(key_of("RSA")).algorithms]
    assert names == ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]
    assert policy.accept(key_of("RSA")).algorithm("RS256") is ALGORITHMS["RS256"]
    # RSA-PSS by its OID stays bound to PSS whatever the setting is.
    assert [each.name for each in policy.accept(key_of("RSA-PSS")).algorithms] == FITTING["RSA-PSS"]


@pytest.mark.parametrize(
    ("kind", "alg", "name"),
    [
        ("RSA", "PS256", "PS256"),
        ("P-521", "ES512", "ES512"),
        ("Ed25519", "EdDSA", "EdDSA"),
        ("Ed25519", "Ed25519", "EdDSA"),
        ("Ed448", "Ed448", "Ed448"),
        ("Ed448", "EdDSA", "Ed448"),
        ("ML-DSA-65", "ML-DSA-65", "ML-DSA-65"),
    ],
)
def test_fitting_algorithm_is_given(kind: str, alg: str, name: str) -> None:
    assert KeyPolicy().accept(key_of(kind)).algorithm(alg) is ALGORITHMS[name]


def test_older_algorithm_is_refused_by_default() -> None:
    refused = refused_alg("RSA", "RS256")
    assert refused.reason is Reason.ALG_NOT_OFFERED
    assert refused.found == "RS256 is an older algorithm that this portal does not allow."
    assert refused.needed == "For this key, choose PS256 or PS384 or PS512."


@pytest.mark.parametrize("alg", ["none", "HS256", "ps256", "", "<b>", "ES256K"])
def test_unknown_algorithm_is_refused_and_not_repeated(alg: str) -> None:
    refused = refused_alg("P-256", alg)
    assert refused.reason is Reason.ALG_UNKNOWN
    assert refused.needed == "For this key, choose ES256."
    assert not alg or alg not in str(refused)


@pytest.mark.parametrize(
    ("kind", "alg"), [("P-256", "ES384"), ("RSA", "ES256"), ("P-256", "PS256")]
)
def test_algorithm_of_another_kind_is_refused(kind: str, alg: str) -> None:
    refused = refused_alg(kind, alg)
    assert refused.reason is Reason.ALG_DOES_NOT_FIT
    assert refused.found == f"This key ({key_of(kind).description}) cannot be used with {alg}."


def test_restriction_of_the_container_is_kept() -> None:
    key = parse_public_key(json.dumps(key_of("RSA").jwk_members | {"alg": "PS384"}))
    assert [each.name for each in KeyPolicy().accept(key).algorithms] == ["PS384"]
    with pytest.raises(Refused) as caught:
        KeyPolicy().accept(key).algorithm("PS256")
    assert caught.value.reason is Reason.ALG_DOES_NOT_FIT
    assert caught.value.needed == "For this key, choose PS384."


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512"])
def test_jwk_that_names_an_older_algorithm_is_taken_for_the_newer_ones(alg: str) -> None:
    """The commonest JWK there is. It says what the key is meant for, and nothing against PSS."""
    key = parse_public_key(json.dumps(key_of("RSA").jwk_members | {"alg": alg}))
    policy = KeyPolicy()
    assert [each.name for each in policy.accept(key).algorithms] == FITTING["RSA"]
    assert policy.accept(key).algorithm("PS256") is ALGORITHMS["PS256"]
    [note] = policy.accept(key).notes
    assert f"is {alg}, an older algorithm that this portal does not allow." in note
    assert "The portal accepts the key for PS256" in note
    with pytest.raises(Refused) as caught:
        policy.accept(key).algorithm(alg)
    assert caught.value.reason is Reason.ALG_NOT_OFFERED
    assert caught.value.needed == "For this key, choose PS256 or PS384 or PS512."


def test_jwk_that_names_an_older_algorithm_stays_bound_to_it_where_that_is_offered() -> None:
    key = parse_public_key(json.dumps(key_of("RSA").jwk_members | {"alg": "RS256"}))
    policy = KeyPolicy(allow_legacy=True)
    assert [each.name for each in policy.accept(key).algorithms] == ["RS256"]
    assert policy.accept(key).notes == ()


def test_key_that_no_algorithm_is_left_for_is_refused() -> None:
    key = replace(key_of("P-256"), only=("ES384",))
    with pytest.raises(Refused) as caught:
        KeyPolicy().accept(key)
    assert caught.value.reason is Reason.ALG_NOT_OFFERED
    assert caught.value.needed


def test_accept_judges_the_key_as_well() -> None:
    with pytest.raises(Refused) as caught:
        KeyPolicy().accept(rsa_public((1 << 1024) - 1))
    assert caught.value.reason is Reason.RSA_TOO_SHORT


@pytest.mark.parametrize("kind", KINDS)
def test_blocked_key_is_refused(kind: str) -> None:
    key = key_of(kind)
    refused = verdict(key, KeyPolicy(is_blocked=lambda digest: digest == key.spki_sha256))
    assert refused is not None
    assert refused.reason is Reason.BLOCKED
    assert "blocked" in refused.found
    generate = ALGORITHMS[FITTING[kind][0]].generate
    assert refused.command.startswith(generate)
    assert verdict(key, KeyPolicy(is_blocked=lambda _: False)) is None
