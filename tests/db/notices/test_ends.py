"""Notices of keys that end, with a clock that the test sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Final

import pytest
from django.core.mail import EmailMultiAlternatives

from portal.notices.models import Notice
from portal.registry import actions
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import PORTAL, Client, ClientKey, Event
from tests.db.notices.conftest import said
from tests.db.recorded_requests import accept
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

pytestmark = pytest.mark.django_db

Sent = Callable[..., list[EmailMultiAlternatives]]
START = datetime(2027, 1, 1, 9, tzinfo=UTC)


class Days:
    """The clock of the portal, in days from the start."""

    now = START

    def __call__(self) -> datetime:
        return self.now

    def at(self, day: float) -> datetime:
        return START + timedelta(days=day)


@pytest.fixture
def days(cast: SimpleNamespace, payments: Client, monkeypatch: pytest.MonkeyPatch) -> Days:
    clock = Days()
    monkeypatch.setattr("django.utils.timezone.now", clock)
    return clock


@pytest.fixture
def add(
    payments: Client, cast: SimpleNamespace, days: Days
) -> Callable[[str, float | None], ClientKey]:
    """A function that registers a key that ends on a day."""

    def register(label: str, ends: float | None) -> ClientKey:
        return register_pem(
            payments,
            material=public_pem(new_private_key()),
            alg="EdDSA",
            label=label,
            by=cast.dev,
            expires_at=None if ends is None else days.at(ends),
        )

    return register


Add = Callable[[str, float | None], ClientKey]


def on(
    days: Days, sent: Sent, *range_of: int, among: Container[int] = range(1000)
) -> list[tuple[int, str]]:
    """Return what alice is sent on which day, when a worker runs on these days."""
    found = []
    for day in filter(among.__contains__, range(*range_of)):
        days.now = days.at(day)
        for who, subject in said(sent(days.now)):
            if who == "alice":
                found.append(
                    (day, re.sub(r",? on \d.*", "", subject.removeprefix("Payments: key ")))
                )
    return found


YEAR: Final = [
    (0, "“First” was registered"),
    (70, "“First” ends in 30 days"),
    (86, "“First” ends in 14 days"),
    (93, "“First” ends in 7 days"),
    # From here on a confirmed successor is in use.
    (95, "“Second” was registered"),
    (160, "“Second” ends in 30 days"),
    (176, "“Second” ends in 14 days"),
    (177, "“Third” was registered"),
    # At once, as the successor of the second key is lost.
    (185, "“Second” has no successor, and ends"),
    (185, "“Third” was revoked"),
    (187, "“Second” ends in 3 days"),
    (189, "“Second” ends in 1 day"),
    (190, "“Second” has ended"),
]
WORKED: Final = {*range(0, 366, 4), *(day - 1 for day, _ in YEAR), *(day for day, _ in YEAR)}
"""When a worker runs in that year. A notice is still given three days late, so none is missed."""


def test_year_has_exactly_these_notices(
    days: Days, sent: Sent, add: Add, cast: SimpleNamespace
) -> None:
    first = add("First", 100)
    actions.confirm_key(first, by=cast.dev)
    year = on(days, sent, 0, 95, among=WORKED)
    second = add("Second", 190)
    year += on(days, sent, 95, 96)
    actions.confirm_key(second, by=cast.dev)
    year += on(days, sent, 96, 177, among=WORKED)
    third = add("Third", None)
    actions.confirm_key(third, by=cast.dev)
    year += on(days, sent, 177, 185, among=WORKED)
    actions.revoke_key(third, reason=RevocationReason.COMPROMISED, by=cast.alice)
    year += on(days, sent, 185, 366, among=WORKED)
    assert year == YEAR


@pytest.mark.sqlite
def test_forgotten_notice_is_not_given_again(days: Days, sent: Sent, add: Add) -> None:
    add("First", 5)
    assert on(days, sent, 0, 6) == [
        (0, "“First” was registered"),
        (2, "“First” ends in 3 days"),
        (4, "“First” ends in 1 day"),
        (5, "“First” has ended"),
    ]
    assert Notice.objects.exists()
    assert on(days, sent, 500, 502) == []
    assert not Notice.objects.exists()
    assert on(days, sent, 502, 504) == []


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        (96, ["“First” ends in 7 days"]),
        (99.5, ["“First” ends in 1 day"]),
        (101, ["“First” has ended"]),
        (104, []),
    ],
)
def test_after_a_pause_only_the_nearest_notice_is_given(
    days: Days, sent: Sent, add: Add, back: float, expected: list[str]
) -> None:
    add("First", 100)
    on(days, sent, 0, 60, 59)
    days.now = days.at(back)
    subjects = [what for who, what in said(sent(days.now)) if who == "alice"]
    assert [re.sub(r",? on \d.*", "", each[14:]) for each in subjects] == expected
    assert sent(days.now) == []


@pytest.mark.sqlite
def test_retirement_is_no_news_when_it_begins(
    days: Days, sent: Sent, add: Add, cast: SimpleNamespace
) -> None:
    first, second = add("First", None), add("Second", None)
    on(days, sent, 0, 1)
    actions.retire_key(first, grace=timedelta(days=7), by=cast.alice)
    actions.retire_key(second, grace=timedelta(0), by=cast.alice)
    assert on(days, sent, 0, 20) == [
        (4, "“First” ends in 3 days"),
        (6, "“First” ends in 1 day"),
        (7, "“First” has ended"),
    ]


def test_many_keys_that_end_together_are_handled_in_batches(
    days: Days, sent: Sent, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("portal.notices.clock.BATCH", 2)
    for number in range(5):
        add(f"Key {number}", 50)
    on(days, sent, 0, 20, 19)
    assert on(days, sent, 20, 22) == [
        (20, f"“Key {number}” ends in 30 days") for number in range(5)
    ]


def test_key_that_was_never_live_has_no_notice_of_its_end(
    days: Days, sent: Sent, add: Add, settings: SimpleNamespace
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    add("First", 40)
    assert on(days, sent, 1, 60) == [(1, "“First” was registered")]


@pytest.mark.sqlite
def test_message_names_the_next_step(days: Days, sent: Sent, add: Add, payments: Client) -> None:
    first = add("First", 40)
    on(days, sent, 0, 10, 9)
    days.now = days.at(10)
    [message] = [each for each in sent(days.now) if each.to == ["alice@example.com"]]
    text = str(message.body)
    assert message.subject == "Payments: key “First” ends in 30 days, on 10 Feb 2027"
    assert "ends on 10 Feb 2027, 09:00 UTC, and no successor is in use" in text
    assert "Ends: 10 Feb 2027, 09:00 UTC (in 30 days)" in text
    assert "The client has no other live key" in text
    assert f"/clients/{payments.client_id}/keys/{first.kid}/replacement/" in text
    nearly = add("Next", None)
    days.now = days.at(26)
    found = [each for each in sent(days.now) if "in 14 days" in each.subject]
    text = str(found[0].body)
    assert "“Next” ends later, and can follow it once it is confirmed" in text
    assert f"/clients/{payments.client_id}/keys/{nearly.kid}/confirmation/" in text


def test_successor_has_to_sign_where_the_key_signs(
    days: Days, sent: Sent, add: Add, cast: SimpleNamespace
) -> None:
    first, second = add("First", 40), add("Second", 80)
    actions.confirm_key(second, by=cast.dev)
    on(days, sent, 0, 9)
    accept(first, 1)
    assert on(days, sent, 9, 12) == [(10, "“First” ends in 30 days")]
    days.now = days.at(25)
    accept(first, 2)
    accept(second, 3)
    assert on(days, sent, 25, 28) == []


def test_team_that_always_wants_a_successor_hears_when_there_is_none(
    days: Days, sent: Sent, add: Add, cast: SimpleNamespace, payments: Client
) -> None:
    settings = {"name": "Payments", "contacts": [], "redirect_uris": []}
    actions.change_client(payments, **settings, wants_successor=True, by=cast.alice)  # type: ignore[arg-type]
    first, second = add("First", None), add("Second", None)
    actions.confirm_key(second, by=cast.dev)
    on(days, sent, 0, 1)
    accept(first, 1)
    actions.revoke_key(second, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    [revoked, (_, subject)] = on(days, sent, 1, 2)
    assert revoked == (1, "“Second” was revoked")
    assert subject == "Payments: no successor stands by since 1 Jan 2027, 09:00 UTC"


def test_team_hears_when_its_only_successor_takes_over(
    days: Days, sent: Sent, add: Add, cast: SimpleNamespace, payments: Client
) -> None:
    Client.objects.filter(pk=payments.pk).update(wants_successor=True)
    payments.refresh_from_db()
    first, second, third = add("First", None), add("Second", None), add("Third", None)
    for each in (second, third):
        actions.confirm_key(each, by=cast.dev)
    on(days, sent, 0, 1)
    accept(first, 1)
    # Two stand by, and one of them still does after this.
    actions.revoke_key(first, reason=RevocationReason.COMPROMISED, by=cast.dev)
    assert on(days, sent, 1, 2) == [(1, "“First” was revoked")]
    accept(second, 2)
    actions.revoke_key(second, reason=RevocationReason.COMPROMISED, by=cast.dev)
    # It has signed before a worker looks.
    days.now = days.at(1.5)
    accept(third, 3)
    revoked, (_, subject) = on(days, sent, 2, 3)
    assert revoked == (2, "“Second” was revoked")
    assert subject.startswith("Payments: no successor stands by since ")
    assert "“Third” takes over, and no other" in Notice.objects.latest("pk").sentence


@pytest.mark.sqlite
@pytest.mark.parametrize("wants", [True, False])
def test_team_hears_once_that_a_planned_switch_leaves_no_successor(
    days: Days, sent: Sent, add: Add, cast: SimpleNamespace, payments: Client, *, wants: bool
) -> None:
    Client.objects.filter(pk=payments.pk).update(wants_successor=wants)
    payments.refresh_from_db()
    first, second = add("First", 10), add("Second", None)
    actions.confirm_key(second, by=cast.dev)
    accept(first, 1)
    days.now = days.at(2)
    accept(second, 2)
    on(days, sent, 0, 9)
    subjects = [subject for _, subject in on(days, sent, 9, 13)]
    end = "Payments: no successor stands by since 11 Jan 2027, 09:00 UTC"
    assert subjects == ([end] if wants else [])


def test_team_hears_when_a_successor_signs(
    days: Days, sent: Sent, add: Add, payments: Client
) -> None:
    first, second = add("First", None), add("Second", None)
    on(days, sent, 0, 1)
    Event.objects.record(
        Verb.USE_SUCCESSOR,
        by=PORTAL,
        client=payments,
        key=second,
        detail={"kid": second.kid, "current": first.kid},
    )
    [(_, subject)] = on(days, sent, 1, 2)
    assert subject == "“Second” signed"
    assert "while “First” is in use" in Notice.objects.latest("pk").sentence
