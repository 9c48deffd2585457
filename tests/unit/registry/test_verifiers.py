"""The verifiers that a migration fills in are those of docs/verifiers.md."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

DOCUMENT = (Path(__file__).parents[3] / "docs" / "verifiers.md").read_text("utf-8")
FILLED = import_module("portal.registry.migrations.0044_replacements").VERIFIERS


def test_the_table_and_the_document_have_the_same_verifiers() -> None:
    section = DOCUMENT.split("## How long a verifier keeps a set")[1].split("\n\n")[1]
    rows = [row.split("|")[1:4] for row in section.splitlines()[2:]]
    written = sorted(_first_word(name) for name, _, _ in rows)
    # One row of the document, or of the table, may have several verifiers.
    filled = sorted(_first_word(name) for name, _, _ in FILLED)
    assert written == filled
    never = {_first_word(name) for name, _, looks in rows if looks.strip().strip("*") == "no"}
    assert never == {_first_word(n) for n, keeps, looks in FILLED if looks is None and keeps}


def _first_word(name: str) -> str:
    return re.split(r"[\s,]", name.strip())[0]
