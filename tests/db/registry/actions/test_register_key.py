"""`register_key`: what it writes, and every way in which it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.core.dates import date_text
from portal.core.jwk import published_jwk
from portal.core.key_policy.published_keys import record_hash
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.registry.actions import block_key, confirm_key, retire_key, revoke_key, suspend_client
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import (
    ClientSuspended,
    KeyAlreadyHere,
    KeyLimitReached,
    KeyTaken,
    UnfitInput,
)
from portal.registry.models import Client, ClientKey
from tests.db.registry.recorded import events
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem


def new_pem(alg: str = "EdDSA") -> str:
    return public_pem(new_private_key(alg))


def register(client: Client, by: Any, pem: str = "", alg: str = "EdDSA", **given: Any) -> ClientKey:
    given = {"label": "Laptop", "material": pem or new_pem(), "alg": alg, **given}
    return register_pem(client, by=by, **given)


def refused(client: Client) -> list[str]:
    """The reasons on record of the client's refused keys."""
    return [detail["reason"] for _, of, _, detail in events(Verb.REFUSE_KEY) if of == client]


@pytest.mark.parametrize("alg", ["PS256", "ES256", "EdDSA"])
def test_it_keeps_the_key_as_the_core_read_it(
    payments: Client, cast: SimpleNamespace, alg: str
) -> None:
    pem = new_pem(alg)
    start, end = datetime(2040, 1, 1, tzinfo=UTC), datetime(2041, 1, 1, tzinfo=UTC)
    made = register(payments, cast.dev, pem, alg, not_before=start, expires_at=end)
    key = ClientKey.objects.get(pk=made.pk)
    parsed = parse_public_key(pem)
    assert key.client == payments
    assert key.label == "Laptop"
    assert key.pem == parsed.pem
    assert (key.alg, key.kty, key.curve, key.bits) == (alg, parsed.kty, parsed.curve, parsed.bits)
    assert (key.kid, key.spki_sha256) == (parsed.thumbprint, parsed.spki_sha256)
    assert key.jwk == published_jwk(parsed, alg)
    assert key.registered_by == cast.dev
    assert (key.not_before, key.expires_at) == (start, end)
    assert (key.retires_at, key.revoked_at, key.revocation_reason) == (None, None, "")


def test_it_is_recorded(payments: Client, cast: SimpleNamespace) -> None:
    key = register(payments, cast.dev)
    detail = {
        "label": "Laptop",
        "alg": "EdDSA",
        "kid": key.kid,
        "not_before": None,
        "expires_at": None,
        "confirmation_required": False,
    }
    assert events(Verb.REGISTER_KEY) == [(cast.dev, payments, key, detail)]


def test_the_space_around_a_label_is_not_kept(payments: Client, cast: SimpleNamespace) -> None:
    assert register(payments, cast.dev, label="  Laptop \n").label == "Laptop"


def test_a_key_of_the_client_is_refused_with_its_label_and_state(
    payments: Client, cast: SimpleNamespace
) -> None:
    pem = new_pem()
    key = register(payments, cast.dev, pem)
    with pytest.raises(KeyAlreadyHere) as refusal:
        register(payments, cast.alice, pem, label="Again")
    assert str(refusal.value) == (
        "This client already has this key: “Laptop”, active, "
        f"registered {date_text(key.registered_at)}."
    )


def test_a_revoked_key_of_the_client_can_never_come_back(
    payments: Client, cast: SimpleNamespace
) -> None:
    pem = new_pem()
    revoke_key(register(payments, cast.dev, pem), reason=RevocationReason.UNSPECIFIED, by=cast.dev)
    with pytest.raises(KeyAlreadyHere, match="A revocation is permanent: create"):
        register(payments, cast.dev, pem)


def test_a_key_of_another_client_is_refused_without_a_word_about_it(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    pem = new_pem()
    key = confirm_key(register(payments, cast.dev, pem), by=cast.dev)
    with pytest.raises(KeyTaken) as active:
        register(other, cast.bob, pem)
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    with pytest.raises(KeyTaken) as revoked:
        register(other, cast.bob, pem)
    assert str(active.value) == str(revoked.value)
    assert str(active.value) == (
        "This key cannot be registered, because the portal already knows it. A key pair "
        "belongs to only one client: create a new one for this client."
    )


@pytest.mark.parametrize("container", ["jwk", "crlf", "text_before"])
def test_a_key_is_known_in_every_container(
    payments: Client, other: Client, cast: SimpleNamespace, container: str
) -> None:
    pem = new_pem("PS256")
    key = confirm_key(register(payments, cast.dev, pem, "PS256"), by=cast.dev)
    again = {
        "jwk": str({name: key.jwk[name] for name in ("kty", "n", "e")}).replace("'", '"'),
        "crlf": pem.replace("\n", "\r\n"),
        "text_before": "RSA Public-Key: (2048 bit)\n" + pem,
    }[container]
    with pytest.raises(KeyTaken):
        register(other, cast.bob, again, "PS384")


def test_a_suspended_client_takes_no_key(payments: Client, cast: SimpleNamespace) -> None:
    suspend_client(payments, note="", by=cast.admin)
    with pytest.raises(ClientSuspended) as refusal:
        register(payments, cast.dev)
    sentence = "Payments is suspended. It cannot register keys until an admin resumes it."
    assert str(refusal.value) == sentence


def test_a_full_client_takes_no_key(
    payments: Client, key: ClientKey, cast: SimpleNamespace, settings: Settings
) -> None:
    settings.KEY_LIMIT = 1
    with pytest.raises(KeyLimitReached) as refusal:
        register(payments, cast.dev)
    assert str(refusal.value) == (
        "Payments has the maximum number of keys (1). Retire or revoke an unused key first."
    )


def test_only_keys_that_may_still_be_live_count(
    payments: Client, key: ClientKey, cast: SimpleNamespace, settings: Settings
) -> None:
    settings.KEY_LIMIT = 2
    retire_key(key, grace=timedelta(0), by=cast.dev)
    revoke_key(register(payments, cast.dev), reason=RevocationReason.SUPERSEDED, by=cast.dev)
    expired = register(payments, cast.dev)
    ClientKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    register(payments, cast.dev, not_before=timezone.now() + timedelta(days=1))
    retire_key(register(payments, cast.dev), grace=timedelta(days=1), by=cast.dev)
    with pytest.raises(KeyLimitReached):
        register(payments, cast.dev)


def test_a_blocked_key_is_refused(payments: Client, cast: SimpleNamespace) -> None:
    pem = new_pem()
    block_key(parse_public_key(pem).spki_sha256, by=cast.admin)
    with pytest.raises(Refused) as refusal:
        register(payments, cast.dev, pem)
    assert refusal.value.reason == Reason.BLOCKED


@pytest.mark.parametrize(
    ("not_before", "expires_at", "sentence"),
    [
        (None, -1, "This expiry date is in the past. Choose a later date, or none."),
        (9, 9, "The key would expire before it starts. Choose a later expiry date."),
        (9, 8, "The key would expire before it starts. Choose a later expiry date."),
    ],
)
def test_dates_between_which_a_key_is_never_live_are_refused(
    payments: Client,
    cast: SimpleNamespace,
    not_before: int | None,
    expires_at: int,
    sentence: str,
) -> None:
    now = timezone.now()
    start = None if not_before is None else now + timedelta(days=not_before)
    with pytest.raises(UnfitInput) as refusal:
        register(payments, cast.dev, not_before=start, expires_at=now + timedelta(days=expires_at))
    assert (str(refusal.value), refusal.value.field) == (sentence, "expires_at")


@pytest.mark.parametrize("label", ["", "  ", "\u200b", "a\0b", "x" * 101, "\ud800"])
def test_a_label_that_nobody_can_read_is_refused(
    payments: Client, cast: SimpleNamespace, label: str
) -> None:
    with pytest.raises(UnfitInput) as refusal:
        register(payments, cast.dev, label=label)
    assert refusal.value.field == "label"
    assert not payments.keys.exists()


@pytest.mark.parametrize(
    ("material", "alg", "reason"),
    [
        ("nothing of a key", "EdDSA", "no_key_found"),
        ("  ", "EdDSA", "empty"),
        (new_pem(), "PS256", "alg_does_not_fit"),
        (new_pem(), "a" * 1000 + "\0", "alg_unknown"),
        (new_pem("PS256"), "RS256", "alg_not_offered"),
    ],
)
def test_what_the_core_refuses_is_recorded_with_its_reason(
    payments: Client, cast: SimpleNamespace, material: str, alg: str, reason: str
) -> None:
    with pytest.raises(Refused) as refusal:
        register(payments, cast.dev, material, alg)
    assert refusal.value.reason == reason
    assert refused(payments) == [reason]
    assert not payments.keys.exists()


def test_a_refusal_before_the_key_was_read_records_the_reason_alone(
    payments: Client, cast: SimpleNamespace
) -> None:
    with pytest.raises(Refused):
        register(payments, cast.dev, "nothing of a key")
    assert events(Verb.REFUSE_KEY) == [
        (cast.dev, payments, None, {"reason": "no_key_found"}),
    ]


def test_a_refusal_of_the_registry_records_who_tried_which_key(
    payments: Client, other: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    confirm_key(key, by=cast.dev)
    with pytest.raises(KeyTaken):
        register(other, cast.bob, key.pem)
    assert events(Verb.REFUSE_KEY) == [
        (cast.bob, other, None, {"reason": "key_taken", "spki_sha256": key.spki_sha256}),
    ]


def test_each_refusal_of_the_registry_has_a_reason_on_record(
    payments: Client, key: ClientKey, cast: SimpleNamespace, settings: Settings
) -> None:
    with pytest.raises(KeyAlreadyHere):
        register(payments, cast.dev, key.pem)
    with pytest.raises(UnfitInput):
        register(payments, cast.dev, label="")
    settings.KEY_LIMIT = 1
    with pytest.raises(KeyLimitReached):
        register(payments, cast.dev)
    suspend_client(payments, note="", by=cast.admin)
    with pytest.raises(ClientSuspended):
        register(payments, cast.dev)
    assert refused(payments) == [
        "key_already_here",
        "unfit_input",
        "key_limit_reached",
        "client_suspended",
    ]


def test_a_key_in_the_list_of_published_keys_is_refused(
    payments: Client, cast: SimpleNamespace, settings: Settings, tmp_path: Path
) -> None:
    pem = public_pem(new_private_key())
    path = tmp_path / "blocklist.dat"
    path.write_bytes(record_hash(parse_public_key(pem)) + b"\1")
    settings.PUBLISHED_KEYS_FILE = str(path)
    with pytest.raises(Refused) as caught:
        register(payments, cast.dev, pem)
    assert caught.value.reason is Reason.BLOCKED
    assert register(payments, cast.dev, public_pem(new_private_key())).pk
