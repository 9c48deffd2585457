"""Every reason is tested: none is left over, and none has come without a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from portal.core.reasons import Reason


@pytest.mark.parametrize("reason", Reason)
def test_reason_has_a_test_that_names_it(reason: Reason) -> None:
    here = Path(__file__)
    tests = (path for path in here.parent.rglob("test_*.py") if path != here)
    assert any(f"Reason.{reason.name}" in path.read_text("utf-8") for path in tests)


def test_codes_are_stable() -> None:
    """Events store them. A code may be added here; a change of one breaks old records."""
    assert all(reason.value == reason.name.lower() for reason in Reason)
