"""`block_key`: an admin blocks a public key by its fingerprint."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.registry.actions import block_key
from portal.registry.choices import BlockedWhy, RevocationReason, Verb
from portal.registry.errors import UnfitInput
from portal.registry.models import BlockedKey, Client, ClientKey
from tests.db.registry.recorded import events

SHA256 = "0123456789abcdef" * 4


def test_a_blocked_key_says_who_and_why(cast: SimpleNamespace) -> None:
    block_key(SHA256, by=cast.admin, note="Seen on a pastebin")
    blocked = BlockedKey.objects.get(pk=SHA256)
    assert (blocked.why, blocked.blocked_by) == (BlockedWhy.ADMIN, cast.admin)
    assert blocked.note == "Seen on a pastebin"


def test_it_is_recorded(cast: SimpleNamespace) -> None:
    block_key(SHA256, by=cast.admin, note="Seen on a pastebin")
    detail = {"spki_sha256": SHA256, "why": "admin", "note": "Seen on a pastebin"}
    assert events(Verb.BLOCK_KEY) == [(cast.admin, None, None, detail)]


def test_blocking_again_changes_and_records_nothing(cast: SimpleNamespace) -> None:
    block_key(SHA256, by=cast.admin, note="First")
    again = block_key(SHA256, by=cast.alice, note="Second")
    assert (again.blocked_by, again.note) == (cast.admin, "First")
    assert len(events(Verb.BLOCK_KEY)) == 1


def test_a_fingerprint_may_have_colons_and_capitals(cast: SimpleNamespace) -> None:
    colons = ":".join(SHA256[at : at + 2] for at in range(0, 64, 2)).upper()
    assert block_key(f" {colons}\n", by=cast.admin).pk == SHA256


@pytest.mark.parametrize("text", ["", "abc", SHA256[:-1], SHA256 + "0", "g" * 64, "\u0660" * 64])
def test_what_is_no_fingerprint_is_refused(cast: SimpleNamespace, text: str) -> None:
    with pytest.raises(UnfitInput) as refusal:
        block_key(text, by=cast.admin)
    sentence = "This is not a SHA-256 fingerprint: it needs 64 hexadecimal digits."
    assert str(refusal.value) == sentence


def test_a_registered_key_that_is_blocked_is_revoked_as_compromised(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    block_key(key.spki_sha256, by=cast.admin)
    key.refresh_from_db()
    assert (key.revoked_by, key.revocation_reason) == (cast.admin, RevocationReason.COMPROMISED)
    detail = {"reason": "compromised", "note": "Blocked by an admin", "kid": key.kid}
    assert events(Verb.REVOKE_KEY) == [(cast.admin, payments, key, detail)]
