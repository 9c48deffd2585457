"""`confirm_key`."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.core.lifecycle import KeyStatus
from portal.registry.actions import confirm_key, retire_key, revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import KeyNotLive
from portal.registry.models import Client, ClientKey, Event
from tests.db.registry.racing import race_behind
from tests.db.registry.recorded import events
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem


def test_a_confirmed_key_says_who_and_when(key: ClientKey, cast: SimpleNamespace) -> None:
    before = timezone.now()
    confirm_key(key, by=cast.alice)
    key.refresh_from_db()
    assert key.confirmed_at is not None
    assert before <= key.confirmed_at <= timezone.now()
    assert key.confirmed_by == cast.alice


def test_it_is_recorded(payments: Client, key: ClientKey, cast: SimpleNamespace) -> None:
    confirm_key(key, by=cast.alice)
    detail = {"alg": "EdDSA", "kid": key.kid}
    assert events(Verb.CONFIRM_KEY) == [(cast.alice, payments, key, detail)]


def test_confirming_again_changes_and_records_nothing(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    first = confirm_key(key, by=cast.dev)
    again = confirm_key(key, by=cast.alice)
    assert (again.confirmed_at, again.confirmed_by) == (first.confirmed_at, cast.dev)
    assert len(events(Verb.CONFIRM_KEY)) == 1


def test_a_revoked_key_is_not_confirmed(key: ClientKey, cast: SimpleNamespace) -> None:
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    with pytest.raises(KeyNotLive, match="“First” is revoked"):
        confirm_key(key, by=cast.dev)
    assert events(Verb.CONFIRM_KEY) == []


def test_a_retired_key_is_not_confirmed(key: ClientKey, cast: SimpleNamespace) -> None:
    retire_key(key, grace=timedelta(0), by=cast.dev)
    with pytest.raises(KeyNotLive, match="“First” is retired"):
        confirm_key(key, by=cast.dev)


def test_a_key_that_waits_becomes_live(
    payments: Client, cast: SimpleNamespace, settings: Settings
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    pem = public_pem(new_private_key())
    key = register_pem(payments, material=pem, alg="EdDSA", label="New", by=cast.dev)
    now = timezone.now()
    assert key.lifecycle.status(now) == KeyStatus.UNCONFIRMED
    assert not payments.keys.live(now).exists()
    confirm_key(key, by=cast.dev)
    assert payments.keys.live(now).get().lifecycle.status(now) == KeyStatus.ACTIVE


def test_the_setting_does_not_touch_keys_that_are_there(
    payments: Client, key: ClientKey, settings: Settings
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    assert payments.keys.live(timezone.now()).get() == key


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_confirm_at_once_the_first_is_on_record(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    outcomes = race_behind(
        key,
        lambda: confirm_key(key, by=cast.dev),
        lambda: confirm_key(key, by=cast.alice),
    )
    assert [outcome.confirmed_by for outcome in outcomes] == [cast.dev, cast.dev]
    assert [event.actor for event in Event.objects.filter(verb=Verb.CONFIRM_KEY)] == [cast.dev]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_key_that_is_being_revoked_is_not_confirmed(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    outcomes = race_behind(
        key,
        lambda: revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin),
        lambda: confirm_key(key, by=cast.dev),
    )
    assert [type(outcome) for outcome in outcomes] == [ClientKey, KeyNotLive]
    key.refresh_from_db()
    assert key.confirmed_at is None
