"""The steps of a replacement, from its facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal.core.lifecycle import Lifecycle
from portal.core.replacement import Cache, Facts, Step, known_at

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

CONFIRMED = Lifecycle(confirmed_at=NOW)
PUBLISHED = Facts(Lifecycle(), CONFIRMED, published_at=NOW - MINUTE, known_at=NOW)
USED = replace(PUBLISHED, new_used_at=NOW)


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (Facts(Lifecycle()), Step.REGISTER),
        (Facts(Lifecycle(), Lifecycle(revoked_at=NOW)), Step.REGISTER),
        (Facts(Lifecycle(), Lifecycle()), Step.CONFIRM),
        (Facts(Lifecycle(), CONFIRMED), Step.PUBLISH),
        (replace(PUBLISHED, known_at=NOW + MINUTE), Step.PUBLISH),
        (replace(PUBLISHED, new=replace(CONFIRMED, not_before=NOW + MINUTE)), Step.PUBLISH),
        (PUBLISHED, Step.USE),
        (USED, Step.RETIRE),
        (replace(USED, old=Lifecycle(retires_at=NOW + MINUTE)), Step.RETIRE),
        (replace(USED, old=Lifecycle(retires_at=NOW)), Step.DONE),
        (Facts(Lifecycle(revoked_at=NOW)), Step.DONE),
    ],
)
def test_the_first_step_that_is_not_complete_is_next(facts: Facts, step: Step) -> None:
    assert facts.next_step(NOW) == step


@pytest.mark.parametrize(
    ("facts", "end", "too_early"),
    [
        (PUBLISHED, NOW, False),
        (replace(PUBLISHED, known_at=NOW + MINUTE), NOW, True),
        (replace(PUBLISHED, known_at=NOW + MINUTE), NOW + MINUTE, False),
        (Facts(Lifecycle()), NOW + 999 * MINUTE, True),
        (Facts(Lifecycle(), CONFIRMED), NOW + 999 * MINUTE, True),
        # The new key ends before the old one would.
        (replace(PUBLISHED, new=replace(CONFIRMED, expires_at=NOW + MINUTE)), NOW + MINUTE, True),
        (replace(PUBLISHED, new=Lifecycle(confirmation_required=True)), NOW, True),
    ],
)
def test_the_old_key_ends_when_every_verifier_can_know_the_new_one(
    facts: Facts, end: datetime, *, too_early: bool
) -> None:
    assert facts.is_too_early(end, NOW) == too_early


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (1, "1 second"), (90, "90 seconds"), (300, "5 minutes"), (43_200, "12 hours")],
)
def test_how_long_a_verifier_keeps_a_set(seconds: int | None, text: str) -> None:
    assert Cache("any", seconds, None).keeps == text


def test_the_slowest_verifier_decides() -> None:
    caches = [
        Cache("looks at once", 43_200, 0),
        Cache("never looks", 600, None),
        Cache("nobody knows", None, None),
    ]
    assert known_at(NOW, caches, shared_s=60) == NOW + timedelta(seconds=660)
    assert known_at(NOW, [], shared_s=60) == NOW + MINUTE
