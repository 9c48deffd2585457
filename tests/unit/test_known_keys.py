"""Sample keys: whoever copies a key pair from an RFC shares it with everybody."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from portal.core.jwk import thumbprint, to_jwk
from portal.core.known_keys import KNOWN_KEYS
from portal.core.negation import negative
from portal.core.pem import parse_public_key
from portal.core.policy import KeyPolicy
from portal.core.proof import seed_half
from portal.core.reasons import Reason
from tests.unit.support import refusal, verdict
from tests.vectors.make_known_keys import KNOWN_KEYS as FILE
from tests.vectors.make_known_keys import SAMPLE_KEYS, VECTORS, leaked

SAMPLES: list[dict[str, Any]] = json.loads(SAMPLE_KEYS.read_text("utf-8"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["origin"])
def test_sample_key_is_a_pair_and_its_public_half_is_refused(sample: dict[str, Any]) -> None:
    private = sample["jwk"]
    public = {name: value for name, value in private.items() if name not in {"d", "priv"}}
    key = parse_public_key(json.dumps(public))
    # The vector is not taken on trust: its public half is derived from its private one.
    assert [each.spki for each in refusal(json.dumps(private)).leaked] == [key.spki]
    assert to_jwk(key) == public
    assert thumbprint(key) == sample.get("thumbprint", thumbprint(key))
    refused = verdict(key, KeyPolicy(rsa_max_bits=8192))
    assert refused is not None
    assert refused.reason is Reason.BLOCKED
    assert refused.found == "The private half of this key is published: it is a sample key."
    other = negative(key)
    refused = verdict(other, KeyPolicy(rsa_max_bits=8192)) if other else refused
    assert refused is not None
    assert refused.reason is Reason.BLOCKED


def test_thumbprints_of_the_rfcs_are_among_the_samples() -> None:
    """RFC 7638 §3.1, RFC 8037 §A.3, RFC 9964 appendix A.1."""
    assert [sample["origin"] for sample in SAMPLES if "thumbprint" in sample] == [
        "RFC 7517 A.2 (RSA), RFC 7638 3.1",
        "RFC 8037 A.1",
        "RFC 9964 A.1 ML-DSA-44",
        "RFC 9964 A.1 ML-DSA-65",
        "RFC 9964 A.1 ML-DSA-87",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "asymmetric/Ed448/ed448-pkcs8.pem",
        "asymmetric/EC/high-bit-set.pem",
        "asymmetric/OpenSSH/ecdsa-nopsw.key",
        "asymmetric/MLDSA/mldsa44_priv.der",
        "x509/custom/ca/rsa_key.pem",
    ],
)
def test_keys_of_test_suites_are_known(path: str) -> None:
    keys = leaked((VECTORS / path).read_bytes())
    assert len(keys) == 1
    assert {key.spki_sha256 for key in keys} <= KNOWN_KEYS


def test_first_seed_of_rfc_8032_is_known() -> None:
    line = (VECTORS / "asymmetric/Ed25519/sign.input").read_text("ascii").partition("\n")[0]
    key = seed_half("Ed25519", bytes.fromhex(line[:64]))
    assert key is not None
    assert hashlib.sha256(key.spki).hexdigest() in KNOWN_KEYS


def test_file_is_sorted_and_says_where_each_key_is_from() -> None:
    lines = Path(FILE).read_text("ascii").splitlines()
    entries = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[0-9a-f]{64} \S.*", entry) for entry in entries)
    assert entries == sorted(entries)
    assert len(entries) == len(KNOWN_KEYS) > 2000
