"""The migrations leave what they promise, and go back."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import connection

from portal.registry.actions import confirm_key, revoke_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import Client, ClientKey, Event
from tests.db.oauth.token_requests import new_signer

TRIGGERS = import_module("portal.registry.migrations.0002_triggers")
CHANGES = import_module("portal.registry.migrations.0006_changes")
CONFIRMATION = import_module("portal.registry.migrations.0005_assertions")


def triggers() -> set[str]:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        return {name for (name,) in cursor.fetchall()}


def test_every_trigger_is_there_after_the_last_migration(db: None) -> None:
    expected = set(TRIGGERS.SQLITE)
    if connection.vendor == "postgresql":
        expected = {
            line.split()[2]
            for line in (TRIGGERS.POSTGRESQL + CHANGES.POSTGRESQL).splitlines()
            if line.startswith("CREATE TRIGGER")
        }
    assert triggers() == expected | {CONFIRMATION.NAME}
    assert len(expected) >= 7


@pytest.mark.django_db(transaction=True)
def test_the_triggers_can_be_taken_back_and_made_again() -> None:
    before = triggers()
    call_command("migrate", "registry", "0001", verbosity=0)
    assert not triggers()
    call_command("migrate", "registry", verbosity=0)
    assert triggers() == before


@pytest.mark.django_db(transaction=True)
def test_what_the_tables_hold_does_not_keep_the_assertions_from_going_back(
    payments: Client, cast: SimpleNamespace
) -> None:
    signer = new_signer(payments, cast.alice)
    assert signer.redeem(signer.code_from(cast.alice)).status_code == 200
    confirm_key(signer.key, by=cast.alice)
    revoke_key(signer.key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    kept = Event.objects.exclude(verb=Verb.CONFIRM_KEY).count()
    call_command("migrate", "registry", "0004", verbosity=0)
    call_command("migrate", "registry", verbosity=0)
    assert ClientKey.objects.get().revoked_at
    assert Event.objects.count() == kept


def test_the_models_and_the_migrations_agree(db: None) -> None:
    call_command("makemigrations", "accounts", "registry", check=True, dry_run=True, verbosity=0)
