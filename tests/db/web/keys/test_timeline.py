"""The timeline of a client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.registry.actions import retire_key
from portal.registry.models import Client, ClientKey, KeyUse
from portal.web.keys import timeline
from portal.web.keys.timeline import timeline_of
from tests.db.pages import text_of

DAY = timedelta(days=1)


def use(key: ClientKey, days_ago: int, uses: int) -> None:
    at = timezone.now() - days_ago * DAY
    KeyUse.objects.create(key=key, day=at.date(), uses=uses, last_at=at, up_to=1)


@pytest.mark.sqlite
def test_shows_keys_uses_and_gaps(
    ask: Any, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    use(key, 0, 1204)
    retire_key(key, grace=timedelta(0), by=cast.dev)
    response = ask("viewer", "get", reverse("client_timeline", args=[payments.client_id]))
    text = text_of(response)
    assert "There was a gap without a live key." in text
    assert "1,204" in text
    assert b"<polyline" in response.content
    assert b"style=" not in response.content


def test_without_keys_it_says_so(ask: Any, payments: Client) -> None:
    text = text_of(ask("dev", "get", reverse("client_timeline", args=[payments.client_id])))
    assert "No keys yet" in text


def test_keys_that_are_left_out_leave_no_gap(
    key: ClientKey, second: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins when the last one that is left out ended."""
    monkeypatch.setattr(timeline, "MAX_KEYS", 1)
    now = timezone.now() + 10 * DAY
    ClientKey.objects.filter(pk=key.pk).update(expires_at=now - 2 * DAY)
    found = timeline_of(key.client, now)
    assert [line.key for line in found.lines] == [second]
    assert found.is_cut
    assert found.window.start == now - 2 * DAY
    assert not found.gaps


def test_is_at_most_a_year(key: ClientKey) -> None:
    for days in (0, 1, 300, 399):
        use(key, days, 10)
    now = datetime.now(UTC) + 200 * DAY
    found = timeline_of(key.client, now)
    assert now - found.window.start <= 365 * DAY
