"""The list that badkeys publishes: keys in it, with either sign and any exponent, are refused."""

from __future__ import annotations

import hashlib
import mmap
from pathlib import Path
from typing import Any

import pytest
from badkeys.allkeys import block

from portal.core.key_policy.policy import KeyPolicy
from portal.core.key_policy.published_keys import PublishedKeys, record_hash
from portal.core.public_key import PublicKey
from portal.core.public_key.negation import negative
from portal.core.reasons import Reason
from tests.unit.core.support import KINDS, key_of, rsa_public, verdict

LISTED = [key_of(kind) for kind in KINDS]


def listed(*keys: PublicKey, others: int = 1000) -> bytes:
    """Return a file with these keys among others."""
    rest = (hashlib.sha256(bytes(place)).digest()[:15] for place in range(others))
    hashes = [*map(record_hash, keys), *rest]
    return b"".join(sorted(each + b"\7" for each in hashes))


def number_of(key: PublicKey) -> Any:
    """Return what badkeys looks a key up by (`badkeys.checks`)."""
    raw = key.raw
    match key.kty:
        case "RSA":
            return key.n
        case "EC":
            return int.from_bytes(raw[1 : 1 + len(raw) // 2], "big")
        case "OKP":
            return int.from_bytes(raw, "big")
        case _:
            return raw


@pytest.mark.parametrize("kind", KINDS)
def test_listed_key_is_refused(kind: str) -> None:
    key = key_of(kind)
    for keys in ((key,), LISTED):
        for others in (0, 1, 1000):
            refused = verdict(key, KeyPolicy(published=PublishedKeys(listed(*keys, others=others))))
            assert refused is not None
            assert refused.reason is Reason.BLOCKED
            assert "published" in refused.found
            assert refused.leaked == ()


@pytest.mark.parametrize("kind", KINDS)
def test_key_that_is_not_listed_is_accepted(kind: str) -> None:
    rest = [each for each in LISTED if each.spki != key_of(kind).spki]
    for records in (b"", listed(), listed(*rest), listed(*rest, others=0)):
        assert verdict(key_of(kind), KeyPolicy(published=PublishedKeys(records))) is None


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "Ed25519", "Ed448"])
def test_key_with_the_other_sign_is_refused(kind: str) -> None:
    other = negative(key_of(kind))
    assert other is not None
    assert other in PublishedKeys(listed(key_of(kind)))


def test_exponent_of_a_listed_key_does_not_matter() -> None:
    n = key_of("RSA").n
    assert rsa_public(n, 3) in PublishedKeys(listed(key_of("RSA")))


@pytest.mark.parametrize("kind", KINDS)
def test_badkeys_finds_the_same_keys_in_such_a_file(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "blocklist.dat"
    path.write_bytes(listed(key_of(kind)))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as records:
        monkeypatch.setattr(block, "_bldata", records)
        monkeypatch.setattr(block, "_blmeta", {7: {"name": "made up"}})
        found = block.blocklist(number_of(key_of(kind)))
        assert found["subtest"] == "made up"
        assert key_of(kind) in PublishedKeys(records)
