"""What the documents say is so."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product
from pathlib import Path

import pytest

from portal.core.lifecycle import OVER, KeyStatus, Lifecycle
from portal.web.keys.key_stores import SERVICES
from tests.ops.production import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
DAYS = [datetime(2030, 1, day, tzinfo=UTC) for day in range(1, 8)]


def steps_of_the_diagram() -> set[tuple[str, str]]:
    """Return the arrows between two states in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    return set(re.findall(r"^    (\w+) --> (\w+):", text, re.MULTILINE))


def steps_of_the_code() -> set[tuple[str, str]]:
    """Return every change of status that a day's passing or a verb can bring about."""
    found = set()
    dates = [None, *DAYS[1:5]]
    for starts, ends, retires, waits in product(dates, dates, dates, [False, True]):
        if starts and ends and ends <= starts:
            continue
        key = Lifecycle(starts, ends, retires, confirmation_required=waits)
        for today, tomorrow in pairwise(DAYS):
            now = key.status(today)
            after = {key.status(tomorrow)}
            if now not in OVER:
                for moved in (None, today, today + timedelta(days=2)):  # keep, retire, with a grace
                    after.add(replace(key, retires_at=moved).status(today))
                after.add(replace(key, confirmed_at=today).status(today))
            if key.undo_until(today):  # keep
                after.add(replace(key, retires_at=None).status(today))
            after.add(replace(key, revoked_at=today).status(today))
            found |= {(now.value, each.value) for each in after if each != now}
    return found


def test_the_diagram_names_exactly_the_states_of_a_key() -> None:
    named = {state for step in steps_of_the_diagram() for state in step}
    assert named == set(KeyStatus)


def test_the_diagram_has_exactly_the_steps_that_the_code_can_take() -> None:
    assert steps_of_the_diagram() == steps_of_the_code()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_the_documents_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", document.read_text("utf-8"))
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_what_the_contributing_guide_names_is_there() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"`((?:bench|deploy|docs|portal|static|templates|tests)/[\w./-]*)`", guide)
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_document_about_key_services_has_the_commands_of_the_pages() -> None:
    document = (ROOT / "docs" / "key-services.md").read_text("utf-8").replace("\\|", "|")
    assert [each.fetch for each in SERVICES if f"| `{each.fetch}` |" not in document] == []
