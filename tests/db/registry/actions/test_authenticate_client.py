"""Authenticating a client by its assertion: what is accepted, burned, refused and recorded."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone
from pytest_django import Settings

from portal.core.reasons import Reason
from portal.registry import jti_store as redemption
from portal.registry.actions import (
    Authenticated,
    AuthenticationRefused,
    authenticate_client,
    confirm_key,
    record_refused_grant,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import Client, ClientKey, RedeemedAssertion, RefusedRequest
from tests.assertions import ASSERTION_TYPE, claims_of, form_of, sign
from tests.db.registry.racing import race_behind
from tests.db.registry.recorded import events
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.registering import register_pem

ISSUER = "http://testserver"
TOKEN_ENDPOINT = f"{ISSUER}/api/oauth2/token"

Send = Callable[..., Authenticated]


def parameters_of(form: dict[str, str]) -> dict[str, list[str]]:
    return {name: [value] for name, value in form.items()}


@pytest.fixture(scope="module")
def private() -> PrivateKey:
    return new_private_key("ES256")


@pytest.fixture
def key(payments: Client, cast: SimpleNamespace, private: PrivateKey) -> ClientKey:
    """A live ES256 key of `payments`."""
    material = public_pem(private)
    return register_pem(payments, material=material, alg="ES256", label="First", by=cast.dev)


@pytest.fixture
def send(payments: Client, key: ClientKey, private: PrivateKey) -> Send:
    """Sends an assertion of `payments`, good but for the changes."""

    def send(
        *,
        header: dict[str, Any] | None = None,
        form: dict[str, str] | None = None,
        by: PrivateKey = private,
        alg: str = "ES256",
        **claims: Any,
    ) -> Authenticated:
        good = claims_of(payments.client_id, ISSUER, **claims)
        assertion = sign(by, alg, good, **{"kid": key.kid} | (header or {}))
        return authenticate_client(parameters_of(form_of(assertion, **form or {})))

    return send


def refusal_of(send: Send, **changes: Any) -> tuple[Reason, RefusedRequest]:
    """Return why the assertion was refused, and what was recorded of it."""
    with pytest.raises(AuthenticationRefused) as caught:
        send(**changes)
    return caught.value.refused.reason, RefusedRequest.objects.get(reference=caught.value.reference)


def test_a_good_assertion_names_its_client_and_its_key(
    send: Send, payments: Client, key: ClientKey
) -> None:
    authenticated = send()
    assert (authenticated.client, authenticated.key) == (payments, key)
    row = RedeemedAssertion.objects.get()
    assert (row.client, row.key, row.reference) == (payments, key, authenticated.reference)


def test_without_a_kid_the_only_live_key_is_meant(send: Send, key: ClientKey) -> None:
    assert send(header={"kid": None}).key == key


def test_without_a_kid_each_of_two_live_keys_signs_in(
    send: Send, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    newer = new_private_key("ES256")
    second = register_pem(
        payments, material=public_pem(newer), alg="ES256", label="Second", by=cast.dev
    )
    assert send(header={"kid": None}).key == key
    assert send(header={"kid": None}, by=newer).key == second


def test_without_a_kid_a_revoked_key_does_not_sign_in_beside_a_live_one(
    send: Send, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    second = public_pem(new_private_key("ES256"))
    register_pem(payments, material=second, alg="ES256", label="Second", by=cast.dev)
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    reason, _ = refusal_of(send, header={"kid": None})
    assert reason == Reason.SIGNATURE_INVALID


def test_without_a_kid_nobody_else_signs_in(
    send: Send, payments: Client, cast: SimpleNamespace
) -> None:
    second = public_pem(new_private_key("ES256"))
    register_pem(payments, material=second, alg="ES256", label="Second", by=cast.dev)
    reason, recorded = refusal_of(send, header={"kid": None}, by=new_private_key("ES256"))
    assert reason == Reason.SIGNATURE_INVALID
    assert recorded.key is None


@pytest.mark.parametrize("header", [{}, {"kid": None}])
def test_whether_the_header_named_the_key_is_recorded(send: Send, header: dict[str, None]) -> None:
    send(header=header)
    assert RedeemedAssertion.objects.get().kid_sent is not bool(header)


def test_without_a_kid_the_algorithm_may_tell_which_key_is_meant(
    send: Send, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    second = public_pem(new_private_key())
    register_pem(payments, material=second, alg="EdDSA", label="Second", by=cast.dev)
    assert send(header={"kid": None}).key == key


def test_the_token_endpoint_is_an_audience_for_older_clients(send: Send) -> None:
    assert send(aud=TOKEN_ENDPOINT, header={"typ": "JWT"})


def test_the_token_endpoint_is_no_audience_when_it_is_switched_off(
    send: Send, settings: Any
) -> None:
    settings.ACCEPT_TOKEN_ENDPOINT_AUDIENCE = False
    reason, _ = refusal_of(send, aud=TOKEN_ENDPOINT, header={"typ": "JWT"})
    assert reason == Reason.AUD_TOKEN_ENDPOINT


def test_a_replay_is_refused_with_the_time_of_the_first(send: Send) -> None:
    send(jti="once")
    reason, recorded = refusal_of(send, jti="once")
    assert reason == Reason.JTI_REUSED
    assert RedeemedAssertion.objects.count() == 1
    assert recorded.key


def test_another_client_may_use_the_same_jti(
    send: Send, other: Client, cast: SimpleNamespace
) -> None:
    send(jti="once")
    theirs = new_private_key()
    register_pem(other, material=public_pem(theirs), alg="EdDSA", label="Theirs", by=cast.bob)
    good = claims_of(other.client_id, ISSUER, jti="once")
    assert authenticate_client(parameters_of(form_of(sign(theirs, "EdDSA", good)))).client == other


@pytest.mark.parametrize(
    "changes",
    [
        {"by": new_private_key("ES256")},
        {"aud": "https://elsewhere.example.com"},
        {"exp": 1},
        {"header": {"typ": "at+jwt"}},
    ],
)
def test_what_is_refused_burns_nothing(send: Send, changes: dict[str, Any]) -> None:
    refusal_of(send, jti="mine", **changes)
    assert not RedeemedAssertion.objects.exists()
    assert send(jti="mine")


def test_a_revoked_key_is_refused_by_the_next_request(
    send: Send, key: ClientKey, cast: SimpleNamespace
) -> None:
    send()
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    reason, recorded = refusal_of(send)
    assert reason == Reason.KEY_REVOKED
    assert recorded.key == key


def test_a_retired_key_is_refused(send: Send, key: ClientKey, cast: SimpleNamespace) -> None:
    retire_key(key, grace=timedelta(0), by=cast.dev)
    assert refusal_of(send)[0] == Reason.KEY_RETIRED


def test_a_suspended_client_is_refused(send: Send, payments: Client, cast: SimpleNamespace) -> None:
    suspend_client(payments, note="", by=cast.admin)
    assert refusal_of(send)[0] == Reason.CLIENT_SUSPENDED


def test_an_archived_client_is_refused_whatever_keys_it_has(
    send: Send, payments: Client, cast: SimpleNamespace
) -> None:
    # An older version beside this one registers keys for archived clients too.
    Client.objects.filter(pk=payments.pk).update(archived_at=timezone.now(), archived_by=cast.alice)
    assert refusal_of(send)[0] == Reason.KEY_RETIRED


def test_a_key_of_another_client_is_unknown_here(
    send: Send, other: Client, cast: SimpleNamespace
) -> None:
    theirs = new_private_key("ES256")
    foreign = register_pem(
        other, material=public_pem(theirs), alg="ES256", label="Theirs", by=cast.bob
    )
    reason, recorded = refusal_of(send, by=theirs, header={"kid": foreign.kid})
    assert reason == Reason.KID_UNKNOWN
    assert (recorded.kid, recorded.key) == (foreign.kid, None)


def test_an_unknown_client_is_recorded_without_one(send: Send) -> None:
    reason, recorded = refusal_of(send, iss="nobody", sub="nobody", header={"kid": None})
    assert reason == Reason.CLIENT_UNKNOWN
    assert (recorded.client, recorded.key) == (None, None)


def test_an_unknown_client_is_recorded_under_the_one_that_has_the_kid(
    send: Send, payments: Client, key: ClientKey
) -> None:
    reason, recorded = refusal_of(send, iss="nobody", sub="nobody")
    assert reason == Reason.CLIENT_UNKNOWN
    assert (recorded.client, recorded.key) == (payments, key)


@pytest.mark.parametrize("changes", [{"iss": "nobody"}, {"sub": "nobody"}])
def test_iss_or_sub_points_to_the_client(
    send: Send, payments: Client, changes: dict[str, str]
) -> None:
    _, recorded = refusal_of(send, header={"kid": None}, **changes)
    assert recorded.client == payments


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda jwt: {"client_assertion": f"{jwt[:64]}\n{jwt[64:]}"}, "assertion_white_space"),
        (lambda jwt: {"client_assertion": f"Bearer {jwt}"}, "assertion_bearer_prefix"),
        (lambda jwt: {"client_assertion": f"{jwt}="}, "assertion_padded"),
        (lambda _: {"client_assertion_type": quote(ASSERTION_TYPE)}, "assertion_type_wrong"),
        (lambda _: {"client_assertion_type": ""}, "assertion_type_wrong"),
        (lambda _: {"client_secret": "hunter2"}, "several_auth_methods"),
    ],
)
def test_what_cannot_be_taken_still_points_to_the_client(
    payments: Client,
    key: ClientKey,
    private: PrivateKey,
    change: Callable[[str], dict[str, str]],
    reason: str,
) -> None:
    assertion = sign(private, "ES256", claims_of(payments.client_id, ISSUER), kid=key.kid)
    form = form_of(assertion) | change(assertion)
    with pytest.raises(AuthenticationRefused) as caught:
        authenticate_client(parameters_of(form))
    recorded = RefusedRequest.objects.get()
    assert (recorded.reason, recorded.client, recorded.key) == (reason, payments, key)
    assert caught.value.client == payments


@pytest.mark.parametrize("has_assertion", [True, False])
def test_the_user_name_of_basic_points_to_the_client(
    payments: Client, private: PrivateKey, has_assertion: bool
) -> None:
    form = form_of(sign(private, "ES256", claims_of("nobody", ISSUER))) if has_assertion else {}
    basic = b64encode(f"{payments.client_id}:hunter2".encode()).decode()
    with pytest.raises(AuthenticationRefused):
        authenticate_client(parameters_of(form), authorization=f"Basic {basic}")
    assert RefusedRequest.objects.get().client == payments


@pytest.mark.parametrize("client_id", ["x" * 1_000, "'; --", "a b"])
def test_odd_client_ids_are_unknown(send: Send, client_id: str) -> None:
    reason, recorded = refusal_of(send, iss=client_id, sub=client_id, header={"kid": None})
    assert (reason, recorded.client) == (Reason.CLIENT_UNKNOWN, None)


def test_the_parameter_client_id_must_be_the_one_who_signed(send: Send, other: Client) -> None:
    reason, recorded = refusal_of(send, form={"client_id": other.client_id})
    assert reason == Reason.CLIENT_ID_MISMATCH
    assert recorded.client == other


@pytest.mark.parametrize("client_id", ["paymnets", "\0", "x" * 10_000, "\ud800", "'; --", "a b"])
def test_a_parameter_client_id_that_nobody_has_is_told_to_the_client_that_signed(
    send: Send, payments: Client, client_id: str
) -> None:
    reason, recorded = refusal_of(send, form={"client_id": client_id})
    assert reason == Reason.CLIENT_ID_MISMATCH
    assert recorded.client == payments


def test_what_cannot_be_read_is_told_from_what_is_not_believed(
    send: Send, payments: Client
) -> None:
    form = {"client_assertion": "not.a.jwt", "client_id": payments.client_id}
    with pytest.raises(AuthenticationRefused) as caught:
        send(form=form)
    assert caught.value.unreadable
    with pytest.raises(AuthenticationRefused) as caught:
        send(exp=1)
    assert not caught.value.unreadable
    assert RefusedRequest.objects.filter(client=payments).count() == 2


def test_nothing_of_an_assertion_is_recorded(
    send: Send, payments: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assertion = sign(new_private_key("ES256"), "ES256", claims_of(payments.client_id, ISSUER))
    with pytest.raises(AuthenticationRefused):
        send(form={"client_assertion": assertion})
    recorded = " ".join(map(str, RefusedRequest.objects.values_list().get()))
    for part in assertion.split("."):
        assert part not in recorded
        assert part not in caplog.text


def test_a_refused_grant_has_the_reference_of_its_assertion(send: Send, key: ClientKey) -> None:
    authenticated = send()
    record_refused_grant(authenticated, "invalid_grant")
    row = RefusedRequest.objects.get(reference=authenticated.reference)
    assert (row.reason, row.key) == ("invalid_grant", key)


def test_a_redeemed_assertion_is_kept_past_its_end(send: Send) -> None:
    send()
    row = RedeemedAssertion.objects.get()
    assert row.expires_at - timezone.now() <= timedelta(seconds=120)
    assert timedelta(seconds=30) < redemption.KEPT_AFTER_EXPIRY


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_fifty_replays_at_once_exactly_one_wins(
    payments: Client, key: ClientKey, private: PrivateKey
) -> None:
    form = form_of(sign(private, "ES256", claims_of(payments.client_id, ISSUER)))
    barrier = threading.Barrier(50)
    outcomes: list[str] = []

    def replay() -> None:
        barrier.wait(timeout=20)
        try:
            authenticate_client(parameters_of(form))
            outcomes.append("accepted")
        except AuthenticationRefused as refused:
            outcomes.append(refused.refused.reason)
        finally:
            connection.close()

    threads = [threading.Thread(target=replay) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(outcomes) == ["accepted"] + [Reason.JTI_REUSED] * 49
    assert RedeemedAssertion.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_store_nobody_is_authenticated(send: Send) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registry_redeemedassertion RENAME TO gone")
    try:
        with pytest.raises(DatabaseError):
            send()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO registry_redeemedassertion")


def test_a_used_key_is_confirmed_by_its_client(send: Send, payments: Client) -> None:
    key = send().key
    key.refresh_from_db()
    assert key.confirmed_at is not None
    assert key.confirmed_by == key
    detail = {"alg": "ES256", "kid": key.kid}
    assert events(Verb.CONFIRM_KEY) == [(key, payments, key, detail)]


def test_a_key_that_is_confirmed_stays_so_and_its_use_writes_nothing_more(
    send: Send,
    key: ClientKey,
    cast: SimpleNamespace,
    django_assert_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    confirm_key(key, by=cast.dev)
    with django_assert_num_queries(2):
        send()
    assert ClientKey.objects.get(pk=key.pk).confirmed_by == cast.dev


def test_a_key_that_waits_for_confirmation_is_not_confirmed_by_being_tried(
    send: Send, payments: Client, cast: SimpleNamespace, settings: Settings
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    private = new_private_key("ES256")
    material = public_pem(private)
    waits = register_pem(payments, material=material, alg="ES256", label="New", by=cast.dev)
    reason, _ = refusal_of(send, by=private, header={"kid": waits.kid})
    assert reason == Reason.KEY_UNCONFIRMED
    assert ClientKey.objects.get(pk=waits.pk).confirmed_at is None


def test_what_is_refused_confirms_nothing(send: Send, key: ClientKey) -> None:
    refusal_of(send, by=new_private_key("ES256"))
    assert ClientKey.objects.get(pk=key.pk).confirmed_at is None


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_twenty_first_uses_at_once_confirm_a_key_once(send: Send, key: ClientKey) -> None:
    outcomes = race_behind(key, *[send] * 20)
    assert [outcome.key for outcome in outcomes] == [key] * 20
    assert len(events(Verb.CONFIRM_KEY)) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_first_use_of_a_key_that_is_being_revoked_is_refused_and_confirms_nothing(
    send: Send, key: ClientKey, cast: SimpleNamespace
) -> None:
    revoking = partial(revoke_key, key, reason=RevocationReason.UNSPECIFIED, by=cast.dev)
    _, reason = race_behind(key, revoking, lambda: refusal_of(send)[0])
    assert reason == Reason.KEY_REVOKED
    assert ClientKey.objects.get(pk=key.pk).confirmed_at is None
