"""What the database itself refuses to the portal, to a shell, and to plain SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from portal.accounts.models import User
from portal.registry.actions import block_key, confirm_key, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import PORTAL, BlockedKey, Client, ClientKey, Event, Membership

pytestmark = pytest.mark.sqlite

PUBLIC = "-----BEGIN PUBLIC KEY-----\n"
SHA256 = "0123456789abcdef" * 4


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def another(key: ClientKey, **changes: Any) -> ClientKey:
    """Return a key like this one, with these changes, that is not in the database yet."""
    values = {field.attname: getattr(key, field.attname) for field in ClientKey._meta.fields}
    return ClientKey(**values | {"id": None, "kid": "k" * 43, "spki_sha256": SHA256} | changes)


def is_refused(act: Callable[[], Any], why: str) -> None:
    """Assert that the database refuses the act, naming the promise that it would break."""
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        act()
    assert why in str(refusal.value)


# --- Checks and unique columns --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"label": ""}, "key_has_a_label"),
        ({"pem": "-----BEGIN PRIVATE KEY-----\nMC4=\n"}, "key_is_public"),
        ({"pem": PUBLIC + "-----BEGIN RSA PRIVATE KEY-----\n"}, "key_is_public"),
        ({"pem": ""}, "key_is_public"),
        ({"pem": "\n" + PUBLIC}, "key_is_public"),
        ({"jwk": {"kty": "OKP", "d": "AA"}}, "key_jwk_is_public"),
        ({"jwk": {"kty": "RSA", "qi": "AA"}}, "key_jwk_is_public"),
        ({"jwk": {"kty": "oct", "k": "AA"}}, "key_jwk_is_public"),
        ({"jwk": {"kty": "AKP", "priv": "AA"}}, "key_jwk_is_public"),
        ({"spki_sha256": "A" * 64}, "key_fingerprint_is_a_sha256"),
        ({"spki_sha256": "a" * 63}, "key_fingerprint_is_a_sha256"),
        ({"alg": "HS256"}, "key_alg_known"),
        ({"alg": "none"}, "key_alg_known"),
        ({"confirmed_at": timezone.now()}, "key_confirmed_by_somebody"),
        ({"retires_at": timezone.now()}, "key_retired_by_somebody"),
        ({"revoked_at": timezone.now()}, "key_revoked_by_somebody_for_a_reason"),
        ({"revocation_note": "why"}, "key_revoked_by_somebody_for_a_reason"),
        ({"revocation_reason": "compromised"}, "key_revoked_by_somebody_for_a_reason"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    key: ClientKey, changes: dict[str, Any], promise: str
) -> None:
    is_refused(another(key, **changes).save, promise)


def test_a_key_is_confirmed_by_somebody_at_some_time(key: ClientKey, cast: SimpleNamespace) -> None:
    row = ClientKey.objects.filter(pk=key.pk)
    is_refused(lambda: row.update(confirmed_by_user=cast.dev), "key_confirmed_by_somebody")


def test_a_key_is_retired_by_somebody_at_some_time(key: ClientKey, cast: SimpleNamespace) -> None:
    row = ClientKey.objects.filter(pk=key.pk)
    is_refused(lambda: row.update(retired_by_user=cast.dev), "key_retired_by_somebody")


@pytest.mark.parametrize("reason", ["", "because"])
def test_a_key_is_revoked_for_a_known_reason(
    key: ClientKey, cast: SimpleNamespace, reason: str
) -> None:
    row = ClientKey.objects.filter(pk=key.pk)
    facts = {"revoked_at": timezone.now(), "revoked_by_user": cast.dev, "revocation_reason": reason}
    is_refused(lambda: row.update(**facts), "key_revoked_by_somebody_for_a_reason")


def test_a_key_expires_after_it_starts(key: ClientKey) -> None:
    now = timezone.now()
    is_refused(another(key, not_before=now, expires_at=now).save, "key_expires_after_it_starts")


def test_a_key_that_makes_sense_is_not_refused(key: ClientKey, other: Client) -> None:
    another(key, client_id=other.pk).save()
    assert other.keys.get().kid == "k" * 43


@pytest.mark.parametrize(
    ("changes", "promise"),
    [
        ({"name": ""}, "client_has_a_name"),
        ({"client_id": ""}, "client_has_a_client_id"),
        ({"suspended_at": timezone.now()}, "client_suspended_by_somebody"),
        ({"suspension_note": "why"}, "client_suspended_by_somebody"),
    ],
)
def test_a_client_that_makes_no_sense_is_refused(
    payments: Client, changes: dict[str, Any], promise: str
) -> None:
    is_refused(lambda: Client.objects.filter(pk=payments.pk).update(**changes), promise)


def test_a_client_id_is_unique(payments: Client, other: Client) -> None:
    row = Client.objects.filter(pk=other.pk)
    is_refused(lambda: row.update(client_id=payments.client_id), "client_id")


def test_a_person_is_a_member_once(payments: Client, cast: SimpleNamespace) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(client=payments, user=cast.dev, role="viewer")


def test_a_role_is_a_known_one(payments: Client) -> None:
    is_refused(lambda: payments.memberships.update(role="king"), "membership_role_known")


def test_an_event_has_a_known_verb(cast: SimpleNamespace) -> None:
    is_refused(
        lambda: Event.objects.create(actor_user=cast.dev, verb="delete_key"), "event_verb_known"
    )


MODELS: dict[str, Any] = {
    "actor": Event,
    "confirmed_by": ClientKey,
    "retired_by": ClientKey,
    "revoked_by": ClientKey,
    "blocked_by": BlockedKey,
}
FACTS: dict[str, dict[str, Any]] = {
    "confirmed_by": {"confirmed_at": timezone.now()},
    "retired_by": {"retires_at": timezone.now()},
    "revoked_by": {"revoked_at": timezone.now(), "revocation_reason": "unspecified"},
}


def done(name: str, row: ClientKey, /, **columns: Any) -> Callable[[], Any]:
    """Return how to store a row that was done by what is in these of the three columns."""
    actor = {f"{name}_{column}": value for column, value in columns.items()}
    if name == "actor":
        return lambda: Event.objects.create(verb="keep_key", **actor)
    if name == "blocked_by":
        return lambda: BlockedKey.objects.create(spki_sha256=SHA256, why="admin", **actor)
    return lambda: ClientKey.objects.filter(pk=row.pk).update(**FACTS[name], **actor)


@pytest.mark.parametrize("name", MODELS)
def test_one_actor_has_done_it_and_not_two_or_none(
    name: str, key: ClientKey, cast: SimpleNamespace
) -> None:
    columns = {"user": cast.dev, "key": key, "portal": True}
    for some in ((), ("user", "key"), ("user", "portal"), ("key", "portal"), tuple(columns)):
        chosen = {column: columns[column] for column in some}
        is_refused(done(name, key, **chosen), "_by_somebody" if name != "actor" else "_one_actor")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("who", ["person", "client", "portal"])
def test_a_person_a_client_or_the_portal_has_done_it(
    name: str, who: str, key: ClientKey, cast: SimpleNamespace
) -> None:
    actor = {"person": cast.dev, "client": key, "portal": PORTAL}[who]
    columns = {"person": {"user": actor}, "client": {"key": actor}, "portal": {"portal": True}}
    done(name, key, **columns[who])()
    assert getattr(MODELS[name].objects.latest("pk"), name) == actor


@pytest.mark.parametrize("sha256", ["A" * 64, "a" * 63, ""])
def test_a_blocked_key_is_a_sha256(cast: SimpleNamespace, sha256: str) -> None:
    row = BlockedKey(spki_sha256=sha256, why="admin", blocked_by_user=cast.admin)
    is_refused(lambda: row.save(force_insert=True), "blocked_key_is_a_sha256")


def test_a_blocked_key_says_how_it_got_there(cast: SimpleNamespace) -> None:
    row = BlockedKey(spki_sha256=SHA256, why="", blocked_by_user=cast.admin)
    is_refused(lambda: row.save(force_insert=True), "blocked_key_why_known")


def test_an_email_address_is_in_lower_case(cast: SimpleNamespace) -> None:
    row = User.objects.filter(pk=cast.dev.pk)
    is_refused(lambda: row.update(email="Dev@example.com"), "user_email_is_lower_case")


# --- Triggers: what has happened stays ------------------------------------------------------------

EVENT = "events are append-only"
BLOCKED = "a blocked key stays blocked"
KEY = "keys are never deleted"


@pytest.mark.parametrize(
    ("statement", "promise"),
    [
        ("UPDATE registry_event SET verb = 'keep_key'", EVENT),
        ("UPDATE registry_event SET id = id", EVENT),
        ("DELETE FROM registry_event", EVENT),
        ("DELETE FROM registry_clientkey", KEY),
        ("UPDATE registry_blockedkey SET note = 'x'", BLOCKED),
        ("DELETE FROM registry_blockedkey", BLOCKED),
    ],
)
def test_what_has_happened_stays(
    key: ClientKey, cast: SimpleNamespace, statement: str, promise: str
) -> None:
    block_key(SHA256, by=cast.admin)
    is_refused(lambda: sql(statement), promise)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("table", "promise"),
    [("registry_event", EVENT), ("registry_clientkey", KEY), ("registry_blockedkey", BLOCKED)],
)
def test_no_table_of_what_has_happened_is_emptied(key: ClientKey, table: str, promise: str) -> None:
    # What waits to be checked would be refused first.
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    is_refused(lambda: sql(f"TRUNCATE {table} CASCADE"), promise)


REGISTERED: dict[str, Any] = {
    "pem": PUBLIC,
    "alg": "ES256",
    "kty": "EC",
    "curve": "P-256",
    "bits": 255,
    "kid": "k" * 43,
    "spki_sha256": SHA256,
    "jwk": {"kty": "EC"},
    "registered_at": timezone.now(),
    "not_before": timezone.now() - timedelta(days=1),
}


@pytest.mark.parametrize("column", REGISTERED)
def test_a_key_stays_as_it_was_registered(key: ClientKey, column: str) -> None:
    row = ClientKey.objects.filter(pk=key.pk)
    is_refused(
        lambda: row.update(**{column: REGISTERED[column]}), "a key stays as it was registered"
    )


def test_a_key_stays_with_its_client_and_who_registered_it(
    key: ClientKey, other: Client, cast: SimpleNamespace
) -> None:
    row = ClientKey.objects.filter(pk=key.pk)
    promise = "a key stays as it was registered"
    is_refused(lambda: row.update(client=other), promise)
    is_refused(lambda: row.update(registered_by=cast.bob), promise)
    is_refused(lambda: row.update(id=key.pk + 1), promise)


@pytest.mark.parametrize(
    "changes",
    [
        {"label": "Another"},
        {
            "revoked_at": None,
            "revoked_by_user": None,
            "revocation_reason": "",
            "revocation_note": "",
        },
        {"revocation_reason": "superseded"},
        {"expires_at": timezone.now()},
    ],
)
def test_a_revoked_key_never_changes(
    key: ClientKey, cast: SimpleNamespace, changes: dict[str, Any]
) -> None:
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    row = ClientKey.objects.filter(pk=key.pk)
    is_refused(lambda: row.update(**changes), "a revoked key never changes")


CONFIRMED = "a confirmation is never taken back"


def test_whether_a_key_needs_confirmation_never_changes(key: ClientKey) -> None:
    row = ClientKey.objects.filter(pk=key.pk)
    is_refused(lambda: row.update(confirmation_required=True), CONFIRMED)


def test_a_confirmation_is_never_taken_back(key: ClientKey, cast: SimpleNamespace) -> None:
    confirm_key(key, by=cast.dev)
    row = ClientKey.objects.filter(pk=key.pk)
    is_refused(lambda: row.update(confirmed_at=None, confirmed_by_user=None), CONFIRMED)
    is_refused(lambda: row.update(confirmed_at=timezone.now()), CONFIRMED)
    is_refused(lambda: row.update(confirmed_by_user=cast.alice), CONFIRMED)
    is_refused(lambda: row.update(**ClientKey.confirmed_by.values(key)), CONFIRMED)
    is_refused(lambda: row.update(**ClientKey.confirmed_by.values(PORTAL)), CONFIRMED)


def test_a_confirmed_key_can_still_end(key: ClientKey, cast: SimpleNamespace) -> None:
    confirm_key(key, by=cast.dev)
    assert revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev).revoked_at


def test_a_live_key_can_be_labelled_anew(key: ClientKey) -> None:
    assert ClientKey.objects.filter(pk=key.pk).update(label="Another") == 1


def test_who_has_acted_is_never_deleted(key: ClientKey, cast: SimpleNamespace) -> None:
    with pytest.raises(ProtectedError):
        cast.dev.delete()
