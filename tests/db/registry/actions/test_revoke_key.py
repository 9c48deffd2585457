"""`revoke_key`."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.registry.actions import retire_key, revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import UnfitInput
from portal.registry.models import Client, ClientKey
from tests.db.registry.recorded import events


@pytest.mark.parametrize("reason", list(RevocationReason))
def test_a_revoked_key_says_who_when_and_why(
    key: ClientKey, cast: SimpleNamespace, reason: RevocationReason
) -> None:
    before = timezone.now()
    revoke_key(key, reason=reason, by=cast.admin, note=" Laptop\r\nlost ")
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert before <= key.revoked_at <= timezone.now()
    assert key.revoked_by == cast.admin
    assert (key.revocation_reason, key.revocation_note) == (reason, "Laptop\nlost")


def test_it_is_recorded(payments: Client, key: ClientKey, cast: SimpleNamespace) -> None:
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin, note="Laptop lost")
    detail = {"reason": "compromised", "note": "Laptop lost", "kid": key.kid}
    assert events(Verb.REVOKE_KEY) == [(cast.admin, payments, key, detail)]


def test_revoking_again_changes_and_records_nothing(key: ClientKey, cast: SimpleNamespace) -> None:
    first = revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    again = revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin, note="Really")
    assert again.revoked_at == first.revoked_at
    assert (again.revoked_by, again.revocation_reason) == (cast.dev, "superseded")
    assert len(events(Verb.REVOKE_KEY)) == 1


def test_a_retired_key_can_still_be_revoked(key: ClientKey, cast: SimpleNamespace) -> None:
    retire_key(key, grace=timedelta(0), by=cast.dev)
    assert revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev).revoked_at


@pytest.mark.parametrize("note", ["x" * 501, "a\0b", "\ud800", "a\u202eb"])
def test_a_note_that_cannot_be_kept_is_refused(
    key: ClientKey, cast: SimpleNamespace, note: str
) -> None:
    with pytest.raises(UnfitInput) as refusal:
        revoke_key(key, reason=RevocationReason.UNSPECIFIED, by=cast.dev, note=note)
    assert refusal.value.field == "note"
    key.refresh_from_db()
    assert key.revoked_at is None
