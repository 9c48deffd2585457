"""What is no usable public key is refused by name, with the way to the right thing."""

from __future__ import annotations

import pytest

from portal.core.formats import der
from portal.core.public_key import Container
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason
from tests.unit.core.public_key.cases import blocks, json_texts, openssh_lines, plain
from tests.unit.core.public_key.cases.case import (
    Case,
    certificate,
)
from tests.unit.core.support import (
    refusal,
)

CASES = (*plain.CASES, *blocks.CASES, *json_texts.CASES, *openssh_lines.CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_input_is_refused_by_name(case: Case) -> None:
    refused = refusal(case.make())
    assert refused.reason is case.reason
    assert case.found in refused.found
    assert refused.leaked == ()
    if case.command is not None:
        assert refused.command == case.command


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refusal_is_made_of_whole_sentences(case: Case) -> None:
    refused = refusal(case.make())
    for text in (refused.found, refused.needed):
        assert text[0].isupper()
        assert text[-1] in ".?!"
    assert str(refused) == f"{refused.found} {refused.needed}"
    assert "\n" not in refused.command


@pytest.mark.parametrize(
    ("place", "instead"),
    [
        (0, "a000"),
        (0, "a00102"),
        (0, "a003020100"),  # the default of version 1, written out (X.690 §11.5)
        (0, "a003020103"),
        (0, "a0030201ff"),
        (0, "a00402020002"),
        (0, "a006020102020102"),
        (0, "a003040102"),
        (0, "a08103020102"),
        (3, "30023180"),
        (3, "3004310230ff"),
        (3, "30" + "8000"),
        (5, "3082000431023000"),
    ],
)
def test_certificate_is_der_through_and_through(place: int, instead: str) -> None:
    refused = refusal(certificate(place, bytes.fromhex(instead)))
    assert refused.reason is Reason.BAD_CERTIFICATE


def test_certificate_may_be_of_version_2_or_3() -> None:
    for version in (1, 2):
        block = certificate(0, b"\xa0\3\2\1" + bytes((version,)))
        assert parse_public_key(block).container is Container.CERTIFICATE


@pytest.mark.parametrize("date", ["2601010000Z", "260101 00000Z", "26010100000aZ", " 60101000000Z"])
def test_date_of_a_certificate_has_one_form(date: str) -> None:
    """RFC 5280 §4.1.2.5.1. What reads dates takes a space for a zero."""
    both = der.encode(der.UTC_TIME, date.encode()) + der.encode(der.UTC_TIME, b"270101000000Z")
    refused = refusal(certificate(4, der.encode(der.SEQUENCE, both)))
    assert refused.reason is Reason.BAD_CERTIFICATE


MARKER = "Zq7Zq7Zq7"


@pytest.mark.parametrize(
    "data",
    [
        MARKER,
        f"-----BEGIN {MARKER}-----\nAAAA\n-----END {MARKER}-----",
        f"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END {MARKER}-----",
        f"-----BEGIN PUBLIC KEY-----\n{MARKER}!\n-----END PUBLIC KEY-----",
        f'{{"kty": "{MARKER}"}}',
        f'{{"kty": "EC", "crv": "{MARKER}"}}',
        f'{{"kty": "OKP", "crv": "{MARKER}"}}',
        f'{{"{MARKER}": 1, "{MARKER}": 2}}',
        f"https://{MARKER}/",
        f"ssh-{MARKER} AAAA",
    ],
)
def test_refusal_never_repeats_the_paste(data: str) -> None:
    refused = refusal(data)
    assert MARKER not in repr(refused) + str(refused) + repr(vars(refused))


def test_codes_that_earlier_releases_recorded_are_still_there() -> None:
    """What they refused is read today."""
    codes = {Reason.SSH2_KEY, Reason.TRAILING_DATA, Reason.EC_COMPRESSED_POINT}
    assert set(map(str, codes)) == {"ssh2_key", "trailing_data", "ec_compressed_point"}
