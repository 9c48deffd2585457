"""`change_key`."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.core.lifecycle import OVER, KeyStatus
from portal.publishing.key_set import publish
from portal.registry.actions import change_key
from portal.registry.choices import Verb
from portal.registry.errors import KeyNotLive, UnfitInput
from portal.registry.models import Client, ClientKey, Event
from tests.db.registry.actions.test_retire_key import end
from tests.db.registry.ledger.support import problems, sql, verified
from tests.db.registry.recorded import events
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

DAY = timedelta(days=1)


@pytest.mark.sqlite
@pytest.mark.usefixtures("nobody_is_admin")
def test_label_and_expiry_change_with_one_event_that_the_ledger_checks(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    tomorrow = timezone.now() + DAY
    change_key(key, label=" Second ", expires_at=tomorrow, by=cast.alice)
    key.refresh_from_db()
    assert (key.label, key.expires_at) == ("Second", tomorrow)
    detail = {
        "label": {"before": "First", "after": "Second"},
        "expires_at": {"before": None, "after": tomorrow.isoformat()},
    }
    assert events(Verb.CHANGE_KEY) == [(cast.alice, payments, key, detail)]
    change_key(key, label="Third", expires_at=None, by=cast.dev)
    verified()
    sql("UPDATE registry_clientkey SET label = 'Second', expires_at = %s", tomorrow)
    assert problems() == [
        f"Key {key.kid} of client {payments.client_id}: an event labels it “Third”.",
        f"Key {key.kid} of client {payments.client_id}: its expires_at is not what its events say.",
    ]


def test_the_leaf_holds_the_labels_only_as_salted_hashes(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    change_key(key, label="Ann's laptop", expires_at=timezone.now() + DAY, by=cast.alice)
    assert set(Event.objects.latest("number").salts or ()) == {"/label/before", "/label/after"}


def test_the_set_follows_an_earlier_and_a_later_expiry(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    now = timezone.now()
    for expires_at in (now + DAY, now + 9 * DAY, None):
        change_key(key, label="First", expires_at=expires_at, by=cast.dev)
        publication = publish(payments.client_id, timezone.now(), extended=False)
        assert publication is not None
        assert publication.next_end == expires_at
        later = publish(payments.client_id, now + 2 * DAY, extended=False)
        assert later is not None
        assert (key.kid.encode() in later.jwks) == (expires_at != now + DAY)


@pytest.mark.parametrize("status", sorted(OVER))
def test_a_key_that_has_ended_stays_as_it_is(
    key: ClientKey, cast: SimpleNamespace, status: KeyStatus
) -> None:
    end(key, status, cast)
    with pytest.raises(KeyNotLive, match=f"already {status}"):
        change_key(key, label="Second", expires_at=timezone.now() + DAY, by=cast.dev)
    assert events(Verb.CHANGE_KEY) == []


@pytest.mark.parametrize(
    ("distance", "said"),
    [
        (-timedelta(seconds=1), "in the past"),
        (timedelta(hours=1), "before it starts"),
        (timedelta(days=365 * 20 + 1), "Choose an expiry date before"),
    ],
)
def test_a_date_with_which_the_key_is_never_live_or_live_too_long_is_refused(
    payments: Client, cast: SimpleNamespace, distance: timedelta, said: str
) -> None:
    material, start = public_pem(new_private_key()), timezone.now() + timedelta(hours=2)
    key = register_pem(
        payments, material=material, alg="EdDSA", label="First", by=cast.dev, not_before=start
    )
    with pytest.raises(UnfitInput, match=said):
        change_key(key, label="First", expires_at=timezone.now() + distance, by=cast.dev)
    assert events(Verb.CHANGE_KEY) == []


def test_without_a_change_nothing_is_recorded(key: ClientKey, cast: SimpleNamespace) -> None:
    change_key(key, label="First", expires_at=None, by=cast.dev)
    assert events(Verb.CHANGE_KEY) == []
