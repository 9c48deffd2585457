"""A key belongs to the client that proves to hold it; a copy of a public key reserves nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason, Refused
from portal.registry.actions import (
    AuthenticationRefused,
    authenticate_client,
    block_key,
    confirm_key,
    retire_key,
    revoke_key,
)
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import KeyAlreadyHere, KeyNotLive, KeyTaken
from portal.registry.models import PORTAL, Client, ClientKey, RedeemedAssertion
from portal.registry.proof_of_possession import check_proof, new_challenge
from portal.web.addresses import confirmation_url
from tests.assertions import claims_of, form_of, sign
from tests.db.registry.racing import race_behind
from tests.db.registry.recorded import events
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.registering import register_pem


@dataclass
class Pair:
    """A key pair of `payments`, whose public key bob of `other` registered first."""

    private: PrivateKey
    squat: ClientKey
    owner: Client
    by: Any

    def register(self) -> ClientKey:
        """Register it for its owner."""
        return register(self.owner, self.private, self.by)

    def sign_in(self, key: ClientKey) -> Any:
        """Authenticate the client of the key, for real."""
        claims = claims_of(key.client.client_id, "http://testserver")
        form = form_of(sign(self.private, "ES256", claims, kid=key.kid))
        return authenticate_client({name: [value] for name, value in form.items()})


def register(client: Client, private: PrivateKey, by: Any) -> ClientKey:
    return register_pem(client, material=public_pem(private), alg="ES256", label="A key", by=by)


def state(key: ClientKey) -> KeyStatus:
    return ClientKey.objects.get(pk=key.pk).lifecycle.status(timezone.now())


@pytest.fixture
def pair(payments: Client, other: Client, cast: SimpleNamespace) -> Pair:
    private = new_private_key("ES256")
    return Pair(private, register(other, private, cast.bob), payments, cast.alice)


# --- What a copy of a public key reserves ---------------------------------------------------------


def test_nothing_while_it_is_live(pair: Pair) -> None:
    key = pair.register()
    assert (key.kid, key.spki_sha256) == (pair.squat.kid, pair.squat.spki_sha256)
    assert state(key) == state(pair.squat) == KeyStatus.ACTIVE


@pytest.mark.parametrize("reason", RevocationReason.values)
def test_nothing_once_it_is_revoked(pair: Pair, reason: str, cast: SimpleNamespace) -> None:
    revoke_key(pair.squat, reason=RevocationReason(reason), by=cast.bob)
    confirm_key(pair.register(), by=cast.alice)


def test_nothing_once_it_is_retired(pair: Pair, cast: SimpleNamespace) -> None:
    retire_key(pair.squat, grace=timedelta(0), by=cast.bob)
    confirm_key(pair.register(), by=cast.alice)


def test_who_revokes_a_copy_ends_nothing_of_its_owner(pair: Pair, cast: SimpleNamespace) -> None:
    key = pair.register()
    revoke_key(pair.squat, reason=RevocationReason.COMPROMISED, by=cast.bob)
    assert state(key) == KeyStatus.ACTIVE
    assert pair.sign_in(key).key == key


# --- Who has it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("proof", ["challenge", "use"])
def test_who_proves_to_hold_it_has_it_and_all_others_end(
    pair: Pair, cast: SimpleNamespace, proof: str
) -> None:
    key = pair.register()
    if proof == "use":
        pair.sign_in(key)
    else:
        confirm_key(key, by=cast.alice)
    key.refresh_from_db()
    pair.squat.refresh_from_db()
    assert key.confirmed_at
    assert state(key) == KeyStatus.ACTIVE
    assert pair.squat.revoked_by is PORTAL
    assert pair.squat.revocation_reason == RevocationReason.PROVED_ELSEWHERE
    detail = {"reason": "proved_elsewhere", "note": "", "kid": key.kid}
    assert events(Verb.REVOKE_KEY) == [(PORTAL, pair.squat.client, pair.squat, detail)]


def test_a_retired_copy_ends_too(pair: Pair, cast: SimpleNamespace) -> None:
    retire_key(pair.squat, grace=timedelta(days=1), by=cast.bob)
    confirm_key(pair.register(), by=cast.alice)
    assert state(pair.squat) == KeyStatus.REVOKED


def test_whose_key_has_ended_so_can_neither_prove_nor_register_it(
    pair: Pair, cast: SimpleNamespace
) -> None:
    confirm_key(pair.register(), by=cast.alice)
    with pytest.raises(KeyNotLive):
        confirm_key(pair.squat, by=cast.bob)
    with pytest.raises(AuthenticationRefused) as refused:
        pair.sign_in(pair.squat)
    assert refused.value.refused.reason == Reason.KEY_REVOKED
    with pytest.raises(KeyAlreadyHere, match="revoked"):
        register(pair.squat.client, pair.private, cast.bob)


@pytest.mark.parametrize("end", ["none", "retired", "revoked"])
def test_a_proved_key_is_taken_in_every_state(pair: Pair, cast: SimpleNamespace, end: str) -> None:
    confirm_key(pair.squat, by=cast.bob)
    if end == "retired":
        retire_key(pair.squat, grace=timedelta(0), by=cast.bob)
    if end == "revoked":
        revoke_key(pair.squat, reason=RevocationReason.COMPROMISED, by=cast.bob)
    with pytest.raises(KeyTaken):
        pair.register()


def test_a_key_that_was_used_before_use_confirmed_is_taken(pair: Pair) -> None:
    now = timezone.now()
    row = {"client": pair.squat.client, "key": pair.squat, "reference": "r", "at": now}
    RedeemedAssertion.objects.create(jti_sha256="ab" * 32, expires_at=now, **row)
    with pytest.raises(KeyTaken):
        pair.register()


def test_a_proof_beside_one_that_ended_nothing_is_refused(
    pair: Pair, cast: SimpleNamespace
) -> None:
    """A portal of the version before, which may run beside, confirms a key and ends no other."""
    key = pair.register()
    confirmed = {"confirmed_at": timezone.now(), "confirmed_by_user": cast.bob}
    ClientKey.objects.filter(pk=pair.squat.pk).update(**confirmed)
    with pytest.raises(KeyTaken):
        confirm_key(key, by=cast.alice)
    with pytest.raises(AuthenticationRefused) as refused:
        pair.sign_in(key)
    assert refused.value.refused.reason == Reason.KEY_REVOKED


def test_the_challenge_of_one_client_proves_nothing_for_another(
    pair: Pair, cast: SimpleNamespace
) -> None:
    key = pair.register()
    now = int(timezone.now().timestamp())
    claims = new_challenge(key, audience=confirmation_url(key)) | {"iat": now, "exp": now + 60}
    signed = sign(pair.private, "ES256", claims, kid=key.kid)
    assert check_proof(key, signed, timezone.now(), audience=confirmation_url(key)).is_proof
    squatted = confirmation_url(pair.squat)
    assert not check_proof(pair.squat, signed, timezone.now(), audience=squatted).is_proof


# --- What is for all clients ----------------------------------------------------------------------


def test_blocking_ends_a_key_in_every_client_and_for_all(pair: Pair, cast: SimpleNamespace) -> None:
    key = pair.register()
    block_key(key.spki_sha256, by=cast.admin)
    assert state(key) == state(pair.squat) == KeyStatus.REVOKED
    assert len(events(Verb.REVOKE_KEY)) == 2
    with pytest.raises(Refused) as refused:
        pair.register()
    assert refused.value.reason == Reason.BLOCKED


def test_a_blocked_copy_stays_blocked_for_its_owner(pair: Pair, cast: SimpleNamespace) -> None:
    block_key(pair.squat.spki_sha256, by=cast.admin)
    with pytest.raises(Refused) as refused:
        pair.register()
    assert refused.value.reason == Reason.BLOCKED


def test_the_database_keeps_a_second_proof_out(pair: Pair, cast: SimpleNamespace) -> None:
    key = pair.register()
    confirmed = {"confirmed_at": timezone.now(), "confirmed_by_user": cast.bob}
    ClientKey.objects.filter(pk=pair.squat.pk).update(**confirmed)
    with pytest.raises(IntegrityError), transaction.atomic():
        ClientKey.objects.filter(pk=key.pk).update(**confirmed)


@pytest.mark.parametrize("column", ["kid", "spki_sha256"])
def test_the_database_keeps_a_key_out_that_the_client_has(pair: Pair, column: str) -> None:
    values = {field.attname: getattr(pair.squat, field.attname) for field in ClientKey._meta.fields}
    unlike = {"id": None, "kid": "k" * 43, "spki_sha256": "ab" * 32}
    same = ClientKey(**values | unlike | {column: getattr(pair.squat, column)})
    with pytest.raises(DatabaseError), transaction.atomic():
        same.save()


# --- At the same moment ---------------------------------------------------------------------------


def _proofs(pair: Pair, key: ClientKey, cast: SimpleNamespace) -> list[list[Callable[[], Any]]]:
    challenges: list[Callable[[], Any]] = [
        partial(confirm_key, key, by=cast.alice),
        partial(confirm_key, pair.squat, by=cast.bob),
    ]
    return [challenges, [partial(_signing_in, pair, each) for each in (key, pair.squat)]]


def _signing_in(pair: Pair, key: ClientKey) -> Any:
    try:
        return pair.sign_in(key).key
    except AuthenticationRefused as refused:
        return refused


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("proof", ["challenge", "use", "both"])
@pytest.mark.parametrize("first", [0, 1])
def test_of_two_clients_that_prove_it_at_once_exactly_one_has_it(
    pair: Pair, cast: SimpleNamespace, proof: str, first: int
) -> None:
    key = pair.register()
    challenges, uses = _proofs(pair, key, cast)
    acts = {"challenge": challenges, "use": uses, "both": [challenges[0], uses[1]]}[proof]
    # Each has seen both keys live before the first proof is on record.
    outcomes = race_behind((key, pair.squat)[first], *acts)
    assert [isinstance(outcome, ClientKey) for outcome in outcomes] == [True, False]
    assert [each.revoked_at is None for each in ClientKey.objects.order_by("-pk")] == [True, False]
    assert ClientKey.objects.exclude(confirmed_at=None).get() == key
    assert len(events(Verb.CONFIRM_KEY)) == len(events(Verb.REVOKE_KEY)) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_many_first_uses_and_blocks_of_one_key_end_without_a_deadlock(
    pair: Pair, cast: SimpleNamespace
) -> None:
    key = pair.register()
    block = partial(block_key, key.spki_sha256, by=cast.admin)
    revoke = partial(revoke_key, key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    uses = [partial(_signing_in, pair, each) for each in (key, pair.squat)] * 6
    race_behind(pair.squat, *uses[:6], block, revoke, *uses[6:])
    assert not ClientKey.objects.filter(revoked_at=None).exists()
