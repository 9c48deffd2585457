"""Inputs that people or attackers gave, one a line of uploads.jsonl: none is an error of ours.

Each has the input and the algorithm that was chosen, whether the key is accepted or refused, and,
where there is something to be said, a part of it. Their keys were made for them.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from portal.registry.models import Client
from tests.db.pages import text_of
from tests.db.web.keys.key_forms import good

LINES = (Path(__file__).parents[3] / "vectors" / "uploads.jsonl").read_text("ascii").splitlines()
CASES: list[dict[str, Any]] = [json.loads(line) for line in LINES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_upload(ask: Any, paths: SimpleNamespace, payments: Client, case: dict[str, Any]) -> None:
    before = payments.keys.count()
    seen = ask("dev", "post", paths.key_inspect, {"material": case["input"]}, htmx=True)
    assert seen.status_code == 200
    entered = good(material=case["input"], alg=case["alg"])
    added = ask("dev", "post", paths.key_register, entered)
    assert added.status_code == (302 if case["outcome"] == "accept" else 422)
    assert payments.keys.count() - before == (case["outcome"] == "accept")
    said = text_of(seen) + (text_of(added) if added.status_code == 422 else "")
    assert case.get("says", "") in said
