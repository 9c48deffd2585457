"""What the key form says about an algorithm agrees with docs/verifiers.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from portal.core.algorithms import ALGORITHMS

DOCUMENT = (Path(__file__).parents[3] / "docs" / "verifiers.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in DOCUMENT.split("## Which verifiers support")[1].split("\n## ")[0].splitlines()
    if line.startswith("| ") and "---" not in line
]
NAMES, *VERIFIERS = ROWS
WITHOUT = [row[0] for row in VERIFIERS if "no" in row[NAMES.index("EdDSA")]]


@pytest.mark.parametrize("verifier", WITHOUT)
def test_note_names_each_verifier_without_eddsa(verifier: str) -> None:
    known = re.findall(
        r"mod_oauth2|Nimbus|jsonwebtoken|get-jwks|ruby-jwt|José|python-jose", verifier
    )
    assert known
    assert known[0] in ALGORITHMS["EdDSA"].note


def test_note_says_what_an_ed25519_key_does_to_other_keys_of_the_set() -> None:
    """docs/verifiers.md says it too, and advises ES256 if the verifier is not known."""
    for text in (ALGORITHMS["EdDSA"].note, DOCUMENT):
        assert "python-jose and some versions of Spring and FastMCP" in " ".join(text.split())
        assert "ES256" in text
    assert WITHOUT
