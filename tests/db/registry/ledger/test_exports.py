"""An export is checked without the database."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from portal.registry.models import ClientKey, Ledger
from tests.db.registry.ledger.support import problems

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("nobody_is_admin")]


@pytest.fixture
def export(history: ClientKey, tmp_path: Path) -> Path:
    """A file with all events."""
    file = tmp_path / "events.jsonl"
    output = io.StringIO()
    call_command("export_events", stdout=output)
    file.write_text(output.getvalue(), "utf-8")
    return file


def test_an_export_is_checked_without_the_database(
    export: Path, django_assert_num_queries: Callable[[int], Any]
) -> None:
    head, output = Ledger.head(), io.StringIO()
    with django_assert_num_queries(0):
        call_command("verify_ledger", "--export", str(export), stdout=output)
    assert f"{head.size} events in the file" in output.getvalue()
    assert f"Root: {head.root}" in output.getvalue()


@pytest.mark.parametrize("block", [1, 7, 300])
def test_an_export_is_read_in_blocks(
    export: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.console.export_check._BLOCK", block)
    call_command("verify_ledger", "--export", str(export), stdout=io.StringIO())


def change(file: Path, number: int, values: dict[str, Any]) -> None:
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    for row in rows:
        if row["number"] == number:
            row.update(values)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"verb": "keep_key"}, "Event 2 is not what"),
        ({"at": "2020-01-01T00:00:00Z"}, "Event 2 is not what"),
        ({"person_id": 4711}, "Event 2 is not what"),
        ({"detail": {"member": "x"}}, "Event 2 is not what"),
        ({"leaf_hash": "00"}, "Event 2 is not what"),
        ({"ledger_version": 2}, "Event 2 has version 2"),
        ({"number": 1}, "Event 2 is missing: event 1 is next"),
        ({"number": None}, "A line is not an event with a number"),
        ({"detail": None, "salts": 5}, "Event 2 is not what"),
        ({"at": "never"}, "A line is not an event with a number"),
    ],
)
def test_a_file_that_was_changed_is_found(export: Path, values: dict[str, Any], found: str) -> None:
    change(export, 2, values)
    assert found in problems("--export", str(export))[0]


def test_a_file_with_a_line_too_few_is_found(export: Path) -> None:
    lines = export.read_text("utf-8").splitlines(keepends=True)
    export.write_text("".join(lines[:3] + lines[4:]), "utf-8")
    number = len(lines) - 3
    assert f"Event {number} is missing: event {number + 1} is next." in problems(
        "--export", str(export)
    )


def test_a_file_that_is_no_export_or_is_not_there(tmp_path: Path, db: None) -> None:
    file = tmp_path / "file"
    file.write_text("id,at\n", "utf-8")
    assert "Please export all events as JSON Lines." in problems("--export", str(file))[0]
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_ledger", "--export", str(tmp_path / "none"))
