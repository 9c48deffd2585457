"""`retire_key` and `keep_key`."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.core.lifecycle import KeyStatus
from portal.registry.actions import keep_key, retire_key, revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import KeyNotLive, UnfitInput
from portal.registry.models import Client, ClientKey
from tests.db.registry.recorded import events

DAY = timedelta(days=1)


def end(key: ClientKey, status: KeyStatus, by: SimpleNamespace) -> None:
    """Bring the key into a state from which nothing leads back."""
    match status:
        case KeyStatus.REVOKED:
            revoke_key(key, reason=RevocationReason.UNSPECIFIED, by=by.dev)
        case KeyStatus.RETIRED:
            retire_key(key, grace=timedelta(0), by=by.dev)
            # A retirement is undone for an hour.
            an_hour_ago = timezone.now() - timedelta(hours=1)
            ClientKey.objects.filter(pk=key.pk).update(retires_at=an_hour_ago)
        case KeyStatus.EXPIRED:
            ClientKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())


def test_a_key_retires_when_its_grace_is_over(key: ClientKey, cast: SimpleNamespace) -> None:
    before = timezone.now()
    retire_key(key, grace=DAY, by=cast.alice)
    key.refresh_from_db()
    assert key.retires_at is not None
    assert before + DAY <= key.retires_at <= timezone.now() + DAY
    assert key.retired_by == cast.alice


def test_retiring_is_recorded(payments: Client, key: ClientKey, cast: SimpleNamespace) -> None:
    retired = retire_key(key, grace=DAY, by=cast.alice)
    assert retired.retires_at is not None
    detail = {"retires_at": retired.retires_at.isoformat()}
    assert events(Verb.RETIRE_KEY) == [(cast.alice, payments, key, detail)]


def test_no_grace_retires_at_once(key: ClientKey, cast: SimpleNamespace) -> None:
    retired = retire_key(key, grace=timedelta(0), by=cast.dev)
    assert retired.lifecycle.status(timezone.now()) == KeyStatus.RETIRED


def test_retiring_again_moves_the_date(key: ClientKey, cast: SimpleNamespace) -> None:
    retire_key(key, grace=DAY, by=cast.alice)
    retired = retire_key(key, grace=timedelta(0), by=cast.dev)
    assert retired.retired_by == cast.dev
    assert retired.lifecycle.status(timezone.now()) == KeyStatus.RETIRED
    assert len(events(Verb.RETIRE_KEY)) == 2


@pytest.mark.parametrize("grace", [-timedelta(seconds=1), timedelta(days=367), timedelta.max])
def test_an_absurd_grace_is_refused(
    key: ClientKey, cast: SimpleNamespace, grace: timedelta
) -> None:
    with pytest.raises(UnfitInput, match="now or within a year"):
        retire_key(key, grace=grace, by=cast.dev)
    assert not events(Verb.RETIRE_KEY)


@pytest.mark.parametrize("status", [KeyStatus.REVOKED, KeyStatus.RETIRED, KeyStatus.EXPIRED])
def test_a_key_that_is_gone_cannot_retire_or_stay(
    key: ClientKey, cast: SimpleNamespace, status: KeyStatus
) -> None:
    end(key, status, cast)
    sentence = f"“First” is already {status}, so it cannot be changed."
    with pytest.raises(KeyNotLive) as retiring:
        retire_key(key, grace=DAY, by=cast.dev)
    with pytest.raises(KeyNotLive) as keeping:
        keep_key(key, by=cast.dev)
    assert str(retiring.value) == str(keeping.value) == sentence


def test_a_retirement_can_be_taken_back(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    retire_key(key, grace=DAY, by=cast.dev)
    keep_key(key, by=cast.alice)
    key.refresh_from_db()
    assert (key.retires_at, key.retired_by) == (None, None)
    assert events(Verb.KEEP_KEY) == [(cast.alice, payments, key, {})]


def test_keeping_a_key_that_does_not_retire_records_nothing(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    keep_key(key, by=cast.dev)
    assert not events(Verb.KEEP_KEY)
