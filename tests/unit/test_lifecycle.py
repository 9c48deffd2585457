"""What a key is at a moment, and when that changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.lifecycle import LIVE, OVER, KeyStatus, Lifecycle

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
MOMENTS = [NOW + TICK * ticks for ticks in range(-4, 5)]

maybe = st.none() | st.sampled_from(MOMENTS)
lives = st.builds(Lifecycle, maybe, maybe, maybe, maybe, maybe, st.booleans())


@pytest.mark.parametrize(
    ("life", "status"),
    [
        (Lifecycle(), KeyStatus.ACTIVE),
        (Lifecycle(not_before=NOW), KeyStatus.ACTIVE),
        (Lifecycle(not_before=NOW + TICK), KeyStatus.PENDING),
        (Lifecycle(expires_at=NOW), KeyStatus.EXPIRED),
        (Lifecycle(expires_at=NOW + TICK), KeyStatus.ACTIVE),
        (Lifecycle(retires_at=NOW), KeyStatus.RETIRED),
        (Lifecycle(retires_at=NOW + TICK), KeyStatus.RETIRING),
        (Lifecycle(expires_at=NOW, retires_at=NOW + TICK), KeyStatus.EXPIRED),
        (Lifecycle(expires_at=NOW, retires_at=NOW), KeyStatus.RETIRED),
        (Lifecycle(revoked_at=NOW), KeyStatus.REVOKED),
        (Lifecycle(confirmation_required=True), KeyStatus.UNCONFIRMED),
        (Lifecycle(confirmation_required=True, not_before=NOW + TICK), KeyStatus.UNCONFIRMED),
        (Lifecycle(confirmation_required=True, expires_at=NOW), KeyStatus.EXPIRED),
        (Lifecycle(confirmation_required=True, confirmed_at=NOW), KeyStatus.ACTIVE),
        (
            Lifecycle(not_before=NOW, expires_at=NOW + TICK, retires_at=NOW - TICK),
            KeyStatus.RETIRED,
        ),
    ],
)
def test_a_start_is_inclusive_and_an_end_exclusive(life: Lifecycle, status: KeyStatus) -> None:
    assert life.status(NOW) == status


def test_a_revocation_counts_before_its_date() -> None:
    # The clock of the host that revoked may be ahead of the one that publishes.
    assert Lifecycle(revoked_at=NOW + TICK).status(NOW) == KeyStatus.REVOKED


@given(lives)
def test_the_seconds_left_lead_to_the_end(life: Lifecycle) -> None:
    shifted = NOW - timedelta(seconds=90)
    left = life.seconds_left(shifted)
    if left is None:
        assert life.is_over(shifted) or not (life.expires_at or life.retires_at)
    else:
        assert left in {89, 90}
        assert not life.is_over(shifted + timedelta(seconds=left) - TICK)
        assert life.is_over(shifted + timedelta(seconds=left + 1))


@given(lives)
def test_the_status_stays_until_the_next_change(life: Lifecycle) -> None:
    change = life.next_change(NOW)
    assert change is None or (change > NOW and life.status(change) != life.status(NOW))
    until = [moment for moment in MOMENTS if moment >= NOW and (not change or moment < change)]
    assert {life.status(moment) for moment in until} == {life.status(NOW)}


@given(lives)
def test_what_is_over_never_becomes_live(life: Lifecycle) -> None:
    assert not life.is_over(NOW) or not any(life.is_live(moment) for moment in MOMENTS[4:])
    assert not life.is_live(NOW) or not life.is_over(NOW)


@given(lives)
def test_only_a_key_that_starts_or_has_ended_has_a_date(life: Lifecycle) -> None:
    since, status = life.since(NOW), life.status(NOW)
    assert (since is not None) == (status in OVER | {KeyStatus.PENDING})
    if status in OVER - {KeyStatus.REVOKED}:
        assert since is not None
        assert since <= NOW
        assert life.status(since) == status


def test_live_and_over_leave_out_what_is_still_to_become_live() -> None:
    assert set(KeyStatus) - LIVE - OVER == {KeyStatus.PENDING, KeyStatus.UNCONFIRMED}
