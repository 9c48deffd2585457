"""Uses of keys: each is counted once, by day, before its row is deleted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings

from portal.registry import uses
from portal.registry.actions import (
    begin_replacement,
    choose_successor,
    retire_key,
    revoke_key,
)
from portal.registry.choices import RevocationReason, Verb
from portal.registry.cleanup import prune
from portal.registry.models import Client, ClientKey, Event, KeyUse, RedeemedAssertion
from portal.registry.uses import count_uses, uses_by_day, uses_of
from tests.db.oauth.token_requests import TOKEN, Signer, post
from tests.db.used import used

DAY = timedelta(days=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def use(key: ClientKey, at: datetime, network: str = "") -> RedeemedAssertion:
    row = used(key, DAY)
    row.at, row.network = at, network
    row.save()
    return row


def count_all() -> None:
    while count_uses():
        pass


def counted() -> int:
    total: int | None = KeyUse.objects.aggregate(sum=Sum("uses"))["sum"]
    return total or 0


@pytest.mark.parametrize("is_counted", [True, False])
def test_today_is_what_is_counted_and_what_is_not(
    key: ClientKey, second: ClientKey, *, is_counted: bool
) -> None:
    use(key, NOON - DAY, "198.51.100.0/24")
    use(key, NOON - timedelta(hours=11), "192.0.2.0/24")
    use(second, NOON)
    count_all()
    use(key, NOON - timedelta(seconds=40), "203.0.113.0/24")
    if is_counted:
        count_all()
    found = uses_of(key, NOON)
    assert (found.today, found.is_more) == (2, False)
    assert (found.last_at, found.last_network) == (
        NOON - timedelta(seconds=40),
        "203.0.113.0/24",
    )
    assert uses_by_day([key, second], date(2026, 3, 1))[key.pk] == {
        date(2026, 3, 1): 1,
        date(2026, 3, 2): 2,
    }


def test_looks_at_a_bounded_number_of_rows(key: ClientKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "MAX_UNCOUNTED", 2)
    for _ in range(3):
        use(key, NOON)
    found = uses_of(key, NOON)
    assert (found.today, found.is_more) == (2, True)


def test_a_day_names_the_most_used_networks_only(
    key: ClientKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uses, "MAX_NETWORKS", 1)
    monkeypatch.setattr(uses, "BATCH", 2)
    for network in ("b", "b", "a", "", "c"):
        use(key, NOON, network)
    count_all()
    day = KeyUse.objects.get()
    assert day.uses == 5
    assert sum(day.networks.values()) == 5
    assert day.networks["b"] == 2
    assert len(day.networks) == 2


def test_uses_are_counted_before_their_rows_are_deleted(key: ClientKey) -> None:
    for days in (40, 40, 39):
        used(key, days * DAY)
    assert prune(timezone.now())["redeemed assertions"] == 2
    assert [day.uses for day in KeyUse.objects.order_by("day")] == [2, 1]
    used(key, 500 * DAY)
    count_all()
    assert prune(timezone.now())["uses of keys"] == 1


@pytest.mark.parametrize(("kept", "network"), [(True, "192.0.2.0/24"), (False, "")])
def test_the_token_endpoint_stores_the_network(
    signer: Signer, settings: Settings, *, kept: bool, network: str
) -> None:
    settings.KEEP_NETWORKS = kept
    assert post(TOKEN, signer.form(), REMOTE_ADDR="192.0.2.7").status_code == 200
    assert RedeemedAssertion.objects.latest("pk").network == network


@pytest.mark.parametrize(
    ("wants", "current_is_used", "events"), [(True, True, 1), (True, False, 0), (False, True, 0)]
)
def test_the_first_use_of_a_successor_is_recorded_once(
    key: ClientKey, second: ClientKey, *, wants: bool, current_is_used: bool, events: int
) -> None:
    Client.objects.filter(pk=key.client_id).update(wants_successor=wants)
    if current_is_used:
        used(key, timedelta(minutes=5))
    count_all()
    for _ in range(2):
        used(second, timedelta(minutes=1))
        count_all()
    found = Event.objects.filter(verb=Verb.USE_SUCCESSOR)
    assert [event.key for event in found] == [second] * events


@pytest.mark.parametrize("revoked_before", [True, False])
def test_a_successor_of_a_revoked_key_is_expected_to_sign(
    key: ClientKey, second: ClientKey, cast: SimpleNamespace, *, revoked_before: bool
) -> None:
    Client.objects.filter(pk=key.client_id).update(wants_successor=True)
    used(key, timedelta(minutes=5))
    count_all()
    # The count comes later than both.
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    used(second, timedelta(seconds=-1 if revoked_before else 1))
    count_all()
    events = Event.objects.filter(verb=Verb.USE_SUCCESSOR).count()
    assert events == (0 if revoked_before else 1)


def test_a_key_that_replaces_another_is_expected_to_sign(
    key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    Client.objects.filter(pk=key.client_id).update(wants_successor=True)
    used(key, timedelta(minutes=5))
    count_all()
    choose_successor(begin_replacement(key, by=cast.dev), second, by=cast.dev)
    used(second, timedelta(minutes=1))
    count_all()
    assert not Event.objects.filter(verb=Verb.USE_SUCCESSOR).exists()


def test_a_replacement_that_is_complete_silences_no_alarm(
    key: ClientKey, second: ClientKey, signer: Signer, cast: SimpleNamespace
) -> None:
    Client.objects.filter(pk=key.client_id).update(wants_successor=True)
    choose_successor(begin_replacement(key, by=cast.dev), second, by=cast.dev)
    retire_key(key, grace=timedelta(0), by=cast.dev)
    used(signer.key, timedelta(minutes=5))
    count_all()
    used(second, timedelta(minutes=1))
    count_all()
    assert Event.objects.get(verb=Verb.USE_SUCCESSOR).key == second
