"""The migrations leave what they promise, and go back."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
from allauth.account.models import EmailAddress
from django.apps import apps
from django.core.management import call_command
from django.db import connection

from portal.accounts.models import User
from portal.registry.actions import (
    block_key,
    change_client,
    change_key,
    confirm_key,
    retire_key,
    revoke_key,
)
from portal.registry.choices import RevocationReason, Verb
from portal.registry.ledger import verify_events
from portal.registry.models import PORTAL, BlockedKey, Client, ClientKey, Event
from tests.db.oauth.token_requests import new_signer

pytestmark = pytest.mark.usefixtures("nobody_is_admin")

TRIGGERS = import_module("portal.registry.migrations.0002_triggers")
CHANGES = import_module("portal.registry.migrations.0006_changes")
ADDRESSES = import_module("portal.accounts.migrations.0002_confirmed_addresses")
INDEXES = import_module("portal.registry.migrations.0010_indexes")
CONFIRMATION = import_module("portal.registry.migrations.0005_assertions")
LEDGER = import_module("portal.registry.migrations.0021_events_numbered")


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.sqlite
def test_every_trigger_is_there_after_the_last_migration(db: None) -> None:
    expected = set(TRIGGERS.SQLITE)
    if connection.vendor == "postgresql":
        expected = {
            line.split()[2]
            for line in (TRIGGERS.POSTGRESQL + CHANGES.POSTGRESQL).splitlines()
            if line.startswith("CREATE TRIGGER")
        }
    assert triggers() == expected | {CONFIRMATION.NAME, "event_is_never_deleted"}
    assert len(expected) >= 7


@pytest.mark.sqlite
@pytest.mark.django_db(transaction=True)
def test_the_way_to_the_first_migration_and_back_keeps_what_the_tables_hold(
    payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One way back serves several facts, as Django renders all models for each step of it."""
    signer = new_signer(payments, cast.alice)
    assert signer.exchange_code(signer.code_from(cast.alice)).status_code == 200
    confirm_key(signer.key, by=cast.alice)
    revoke_key(signer.key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    kept = Event.objects.exclude(verb=Verb.CONFIRM_KEY).order_by("pk")
    events = list(kept.values_list("pk", "detail"))
    before = triggers()
    monkeypatch.setattr(LEDGER, "BATCH", 2)
    call_command("migrate", "registry", "0001", verbosity=0)
    assert not triggers()
    call_command("migrate", verbosity=0)
    assert triggers() == before
    assert ClientKey.objects.get().revoked_at
    # The events that are there are numbered in batches.
    assert list(Event.objects.order_by("number").values_list("pk", "detail")) == events
    assert verify_events().size == len(events)


@pytest.mark.django_db(transaction=True)
def test_the_way_to_actors_who_are_persons_and_back_keeps_what_it_can(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    signer = new_signer(payments, cast.alice)
    signer.allow(cast.admin, "read", "write")
    assert signer.ask(scope="write").status_code == 200
    change_key(key, label="Second", expires_at=None, by=cast.dev)
    confirm_key(key, by=key)
    retire_key(key, grace=timedelta(hours=1), by=key)
    block_key(key.spki_sha256, by=PORTAL)
    block_key("ab" * 32, by=cast.admin)
    change_client(payments, name="Payments 2", contacts=[], redirect_uris=[], by=PORTAL)
    call_command("migrate", "registry", "0006", verbosity=0)
    # Events with later verbs are forgotten, such as those of the rights.
    assert not Event.objects.filter(verb__in=[Verb.CHANGE_KEY, Verb.CHANGE_RIGHTS]).exists()
    leave_an_invalid_index()
    call_command("migrate", verbosity=0)
    check_that_the_index_is_valid()
    # The token with that scope is there, so the client keeps it.
    assert Client.objects.get().scopes == ["write"]
    # A person is named for what a key or the portal did.
    key.refresh_from_db()
    assert key.confirmed_by == key.retired_by == key.revoked_by == cast.dev
    blocked = {str(each.blocked_by) for each in BlockedKey.objects.all()}
    assert blocked == {"dev@example.com", "admin@example.com"}
    # Nobody can be named for the change of the client.
    changes = Event.objects.filter(verb=Verb.CHANGE_CLIENT)
    assert not changes.filter(detail__has_key="name").exists()
    assert {str(event.actor) for event in key.events.all()} == {"dev@example.com"}


INDEX = "redeemed_by_reference"


def leave_an_invalid_index() -> None:
    """Leave what a migration leaves that PostgreSQL stops while it builds an index."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE INDEX {INDEX} ON registry_redeemedassertion (at)")
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [INDEX]
            )


def check_that_the_index_is_valid() -> None:
    """Check that the migration has built the index again."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid, pg_get_indexdef(indexrelid) FROM pg_index "
                "WHERE indexrelid = %s::regclass",
                [INDEX],
            )
            [(is_valid, definition)] = cursor.fetchall()
        assert is_valid
        assert definition.endswith("(reference)")


@pytest.mark.postgresql
def test_statistics_of_tables_that_grow_are_made_often(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE reloptions @> "
            "ARRAY['autovacuum_analyze_scale_factor=0.01'] ORDER BY relname"
        )
        tables = [name for (name,) in cursor.fetchall()]
    assert tables == [f"registry_{name}" for name in sorted(INDEXES.GROWING)]


@pytest.mark.sqlite
def test_no_unconfirmed_second_address_is_left_and_people_made_by_a_command_have_theirs(
    cast: SimpleNamespace,
) -> None:
    addresses = EmailAddress.objects
    addresses.create(user=cast.stranger, email="victim@example.com", verified=False)
    addresses.filter(user=cast.admin).delete()
    addresses.filter(user=cast.bob).update(verified=False)
    # Somebody else has confirmed the address that this one was given.
    addresses.filter(user=cast.viewer).update(user=cast.dev, primary=False)
    ADDRESSES.confirm(apps, None)
    assert not addresses.filter(email="victim@example.com").exists()
    confirmed = {user.email for user in User.objects.all() if user.has_confirmed_email}
    assert confirmed == {f"{name}@example.com" for name in ("admin", "alice", "dev", "stranger")}
