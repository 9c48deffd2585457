"""The calendar address of a client: made and shown once, read by programs, revoked."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from portal.registry.actions import (
    archive_client,
    change_key,
    make_calendar_feed,
    retire_key,
    revoke_calendar_feed,
    revoke_key,
)
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import CalendarExists, ClientArchived
from portal.registry.models import CalendarFeed, Client, ClientKey, Event
from tests.db.pages import text_of
from tests.db.test_logs import lines
from tests.paths import client_path


def path(name: str, client: Client) -> str:
    return reverse(name, args=[client.client_id])


def feed(secret: str, **headers: str) -> Any:
    return Browser().get(f"/calendars/{secret}.ics", headers=headers)


def events(secret: str) -> list[Any]:
    """The events of the calendar at this address."""
    return list(Calendar.from_ical(feed(secret).content).walk("VEVENT"))


def test_a_developer_makes_an_address_that_is_shown_once(
    ask: Any, payments: Client, key: ClientKey
) -> None:
    page = ask("dev", "get", client_path(payments))
    assert path("client_calendar", payments) in page.content.decode()
    shown = ask("dev", "post", path("client_calendar", payments))
    [address] = re.findall(
        r'data-copy="http://testserver(/calendars/[\w-]{43}\.ics)"', shown.content.decode()
    )
    assert Browser().get(address)["Content-Type"] == "text/calendar; charset=utf-8"
    page = ask("dev", "get", client_path(payments))
    assert address not in page.content.decode()
    assert "dev@example.com made it" in text_of(page)
    assert address.split("/")[-1][:-4] not in str(CalendarFeed.objects.values().get())
    # A reload of the page that shows it sends the form again: the address stays.
    assert ask("dev", "post", path("client_calendar", payments)).status_code == 302
    assert Browser().get(address).status_code == 200
    ask("alice", "post", path("client_calendar_revocation", payments))
    assert Browser().get(address).status_code == 404
    verbs = Event.objects.filter(verb__in=[Verb.MAKE_CALENDAR, Verb.REVOKE_CALENDAR])
    assert [(each.verb, str(each.actor)) for each in verbs] == [
        (Verb.REVOKE_CALENDAR, "alice@example.com"),
        (Verb.MAKE_CALENDAR, "dev@example.com"),
    ]


def test_it_has_the_ends_that_dates_set(
    payments: Client, key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    secret = make_calendar_feed(payments, by=cast.dev)
    assert not events(secret)
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=40)
    change_key(key, label="Semi; colon, \\n", expires_at=end, by=cast.dev)
    [event] = events(secret)
    assert event["summary"] == "Key “Semi; colon, \\n” of Payments ends"
    assert event["dtstart"].dt == end
    assert event["uid"] == f"{key.kid}@{payments.client_id}"
    assert event["url"] == f"http://testserver{client_path(payments)}keys/{key.kid}/"
    # The date that comes first counts, and the event stays the same one.
    before = event["last-modified"].dt
    retire_key(key, grace=timedelta(days=2), by=cast.dev)
    [event] = events(secret)
    assert event["dtstart"].dt < end
    assert event["uid"] == f"{key.kid}@{payments.client_id}"
    assert event["last-modified"].dt >= before
    # An end of the last month is there to be found; a revoked key has no date to come.
    retire_key(second, grace=timedelta(0), by=cast.dev)
    revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    [event] = events(secret)
    assert event["uid"] == f"{second.kid}@{payments.client_id}"


def test_programs_ask_whether_it_has_changed(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    secret = make_calendar_feed(payments, by=cast.dev)
    first = feed(secret)
    again = feed(secret, if_none_match=first["ETag"])
    assert (again.status_code, again.content) == (304, b"")
    assert first["Referrer-Policy"] == "no-referrer"
    assert first["Cache-Control"] == "private, max-age=300"
    change_key(key, label="x", expires_at=timezone.now() + timedelta(days=1), by=cast.dev)
    assert feed(secret, if_none_match=first["ETag"]).status_code == 200


@pytest.mark.parametrize("secret", ["x", "A" * 43, "%C3%A9", "A" * 5000])
def test_an_unknown_address_is_not_found_and_not_logged(
    secret: str, db: None, caplog: pytest.LogCaptureFixture
) -> None:
    assert feed(secret).status_code == 404
    assert [line for line in lines(caplog) if "calendars" in line] == [
        "WARNING django.request Not Found: /calendars/…"
    ]


def test_there_is_one_address_and_none_for_an_archived_client(
    payments: Client, cast: SimpleNamespace
) -> None:
    make_calendar_feed(payments, by=cast.dev)
    with pytest.raises(CalendarExists):
        make_calendar_feed(payments, by=cast.alice)
    archive_client(payments, by=cast.alice)
    assert revoke_calendar_feed(payments, by=cast.dev)
    assert not revoke_calendar_feed(payments, by=cast.dev)
    with pytest.raises(ClientArchived):
        make_calendar_feed(payments, by=cast.dev)
