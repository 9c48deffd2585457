"""The private key of Q also gives that of -Q, so both signs are blocked."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import call_command

from portal.core.public_key import PublicKey
from portal.core.public_key.negation import negative
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.registry.actions import block_key, read_key, revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import BlockedKey, Client, ClientKey
from portal.registry.models.tokens import invalidates_tokens
from tests.db.registry.recorded import events
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.registering import register_pem

SIGNED = ["ES256", "ES384", "ES512", "EdDSA", "Ed448"]
OTHER_SIGN = "It differs from a blocked key only in its sign: the same private key signs for both."


def both(alg: str) -> tuple[PrivateKey, PublicKey, PublicKey]:
    """Return a private key, its public key, and that with the other sign."""
    private = new_private_key(alg)
    key = parse_public_key(public_pem(private))
    other = negative(key)
    assert other is not None
    return private, key, other


def send(private: PrivateKey, client: Client, by: Any) -> None:
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(Refused):
        read_key(pem, by=by, client=client)


def register(client: Client, key: PublicKey, alg: str, by: Any) -> ClientKey:
    return register_pem(client, material=key.pem, alg=alg, label=f"The key {alg}", by=by)


@pytest.mark.parametrize("alg", SIGNED)
def test_after_a_private_key_was_seen_neither_sign_can_be_registered(
    payments: Client, other: Client, cast: SimpleNamespace, alg: str
) -> None:
    private, key, negated = both(alg)
    send(private, payments, cast.dev)
    for each in (key, negated):
        with pytest.raises(Refused) as refusal:
            register(other, each, alg, cast.bob)
        assert refusal.value.reason == Reason.BLOCKED
    # What nobody has registered needs no row of its own.
    assert list(BlockedKey.objects.values_list("pk", flat=True)) == [key.spki_sha256]


@pytest.mark.parametrize("alg", SIGNED)
def test_private_key_that_is_seen_revokes_the_other_sign_where_it_is_registered(
    payments: Client, other: Client, cast: SimpleNamespace, alg: str
) -> None:
    private, key, negated = both(alg)
    registered = register(other, negated, alg, cast.bob)
    send(private, payments, cast.dev)
    registered.refresh_from_db()
    assert registered.revocation_reason == RevocationReason.COMPROMISED
    assert {row.pk: row.note for row in BlockedKey.objects.all()} == {
        key.spki_sha256: "",
        negated.spki_sha256: OTHER_SIGN,
    }
    assert len(events(Verb.BLOCK_KEY)) == 2


@pytest.mark.parametrize("sign", ["as registered", "the other"])
@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_admin_s_block_by_fingerprint_holds_for_both_signs(
    payments: Client, other: Client, cast: SimpleNamespace, alg: str, sign: str
) -> None:
    _, key, negated = both(alg)
    mine = register(payments, key, alg, cast.dev)
    theirs = register(other, negated, alg, cast.bob)
    block_key((key if sign == "as registered" else negated).spki_sha256, by=cast.admin)
    for row in (mine, theirs):
        row.refresh_from_db()
        assert row.revocation_reason == RevocationReason.COMPROMISED
        assert BlockedKey.objects.filter(pk=row.spki_sha256).exists()


def test_admin_s_block_of_an_unknown_key_holds_for_the_sign_that_comes_later(
    other: Client, cast: SimpleNamespace
) -> None:
    _, key, negated = both("ES256")
    block_key(key.spki_sha256, by=cast.admin)
    with pytest.raises(Refused) as refusal:
        register(other, negated, "ES256", cast.bob)
    assert refusal.value.reason == Reason.BLOCKED


def test_command_blocks_the_key_of_a_file_with_the_sign_that_is_registered(
    other: Client, cast: SimpleNamespace, tmp_path: Any
) -> None:
    _, key, negated = both("EdDSA")
    registered = register(other, negated, "EdDSA", cast.bob)
    (tmp_path / "key.pem").write_text(key.pem)
    call_command("block_key", file=str(tmp_path / "key.pem"), by=cast.admin.email)
    registered.refresh_from_db()
    assert registered.revocation_reason == RevocationReason.COMPROMISED


def test_superseded_key_with_the_other_sign_invalidates_its_tokens(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    private, _, negated = both("ES256")
    registered = register(other, negated, "ES256", cast.bob)
    registered = revoke_key(registered, reason=RevocationReason.SUPERSEDED, by=cast.bob)
    assert not invalidates_tokens(registered)
    send(private, payments, cast.dev)
    assert invalidates_tokens(registered)
