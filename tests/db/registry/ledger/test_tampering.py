"""How changes of events and keys past the portal are found."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.registry.actions import (
    revoke_key,
    suspend_client,
)
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import Client, ClientKey, Event
from portal.registry.models.appending import entry_of
from tests.db.registry.ledger.support import problems, sql, verified
from tests.keys import new_private_key, public_pem
from tests.triggers import triggers_off

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("nobody_is_admin")]


TAMPERED = [
    ("UPDATE registry_event SET verb = 'keep_key' WHERE number = 3", "Event 3 is not what"),
    ("UPDATE registry_event SET actor_portal = NOT actor_portal, actor_id = NULL WHERE number = 2",
     "Event 2 is not what"),
    ("UPDATE registry_event SET detail = '{\"name\": \"x\"}' WHERE number = 1",
     "Event 1 is not what"),
    ("UPDATE registry_event SET salts = '{}' WHERE number = 1", "Event 1 is not what"),
    ("UPDATE registry_event SET client_id = NULL WHERE number = 4", "Event 4 is not what"),
    ("DELETE FROM registry_event WHERE number = 2", "Event 2 is missing: event 3 is next"),
    ("DELETE FROM registry_event WHERE number = (SELECT size FROM registry_ledger)",
     "is missing: the head counts"),
    ("UPDATE registry_event SET number = number + 100 WHERE number >= 5", "Event 5 is missing"),
    (("INSERT INTO registry_event (number, leaf, version, salts, at, actor_portal, verb, detail) "
     "SELECT size + 1, root, 1, '{}', CURRENT_TIMESTAMP, true, 'keep_key', '{}' "
     "FROM registry_ledger"), "is beyond the head"),
    ("UPDATE registry_ledger SET size = 5, frontier = '[]'", "are not those that the head was"),
    ("UPDATE registry_ledger SET root = frontier ->> 0", "The root of the head is not"),
    ("DELETE FROM registry_ledger", "Event 1 is beyond the head"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "found"), TAMPERED)
def test_the_first_event_that_differs_is_named(
    history: ClientKey, statement: str, found: str
) -> None:
    verified()
    sql(statement)
    assert found in problems()[0]


def test_events_that_change_places_are_found(history: ClientKey) -> None:
    """Everything but the number goes from one row to the other, leaf hashes too."""
    verified()
    sql("UPDATE registry_event SET number = 1000 WHERE number = 3")
    sql("UPDATE registry_event SET number = 3 WHERE number = 6")
    sql("UPDATE registry_event SET number = 6 WHERE number = 1000")
    assert "Event 3 is not what" in problems()[0]


def test_an_event_that_changes_together_with_its_leaf_hash_is_found(history: ClientKey) -> None:
    changed = Event.objects.get(number=6)
    changed.verb = Verb.REFUSE_KEY
    with triggers_off():
        changed.leaf = entry_of(changed).leaf.hex()
        changed.save(update_fields=["verb", "leaf"])
    assert "Events 1 to 8 are not those that the head was made of" in problems()[0]


STATES = [
    (("UPDATE registry_clientkey SET revoked_at = NULL, revoked_by_id = NULL, "
     "revocation_reason = '', revocation_note = ''"), "an event says it is revoked"),
    ("UPDATE registry_clientkey SET revocation_reason = 'superseded'", "for another reason"),
    (("UPDATE registry_clientkey SET client_id = "
      "(SELECT id FROM registry_client WHERE name = 'Other')"),
     "registered for another client"),
    ("UPDATE registry_clientkey SET retires_at = NULL, retired_by_id = NULL", "retires at another"),
    ("UPDATE registry_clientkey SET confirmed_at = NULL, confirmed_by_key_id = NULL",
     "an event says it is confirmed"),
    ("UPDATE registry_clientkey SET expires_at = '2099-01-01 00:00:00'", "its expires_at is not"),
    ("UPDATE registry_clientkey SET confirmation_required = NOT confirmation_required",
     "its confirmation_required is not"),
    ("UPDATE registry_clientkey SET alg = 'ES256'", "another kid or algorithm"),
    ("UPDATE registry_clientkey SET jwk = '{\"kty\": \"OKP\"}'", "its JWK is not that of its PEM"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "found"), STATES)
def test_a_key_that_is_not_as_its_events_say_is_named(
    history: ClientKey, other: Client, cast: SimpleNamespace, statement: str, found: str
) -> None:
    revoke_key(history, reason=RevocationReason.COMPROMISED, by=cast.dev)
    verified()
    sql(statement)
    named = [line for line in problems() if line.startswith(f"Key {history.kid} of client ")]
    assert any(found in line for line in named)


def test_a_key_that_was_replaced_is_named(history: ClientKey) -> None:
    sql("UPDATE registry_clientkey SET pem = %s", public_pem(new_private_key()))
    assert "its PEM is another key" in problems()[0]


def test_a_key_that_was_inserted_by_hand_is_named(history: ClientKey) -> None:
    names = [
        f.column for f in ClientKey._meta.concrete_fields if f.name not in ("id", "kid", "number")
    ]
    columns = ", ".join(each for each in names if each and each != "spki_sha256")
    sql(
        f"INSERT INTO registry_clientkey (kid, spki_sha256, {columns}) "  # noqa: S608 - ours
        f"SELECT %s, %s, {columns} FROM registry_clientkey",
        "k" * 43,
        "cd" * 32,
    )
    assert problems()[0].startswith(f"Key {'k' * 43} of client ")
    assert "no event registers it" in problems()[0]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (("UPDATE registry_client SET suspended_at = NULL, suspended_by_id = NULL, "
         "suspension_note = ''"), "an event says it is suspended"),
        (("INSERT INTO registry_client (client_id, name, contacts, redirect_uris, created_at, "
         "created_by_id, suspension_note) SELECT 'forged', 'Forged', '[]', '[]', created_at, "
         "created_by_id, '' FROM registry_client"), "Client forged: no event creates it"),
    ],
)  # fmt: skip
def test_a_client_that_is_not_as_its_events_say_is_named(
    payments: Client, cast: SimpleNamespace, statement: str, found: str
) -> None:
    suspend_client(payments, note="", by=cast.admin)
    verified()
    sql(statement)
    assert found in problems()[0]
