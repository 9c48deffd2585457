"""PostgreSQL tells which client has changed, with the commit and whoever changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal.registry.actions import (
    add_member,
    block_key,
    change_client,
    confirm_key,
    create_client,
    keep_key,
    resume_client,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.changes.notifications import CHANNEL
from portal.registry.choices import RevocationReason, Role
from portal.registry.models import Client, ClientKey, recording
from tests.interop.served import database_url
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

Told = Callable[[], list[str]]


@pytest.fixture
def told(key: ClientKey) -> Iterator[Told]:
    """What was told since the test began: the payloads in their order, each only once."""
    with psycopg.connect(database_url(), autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")

        def told() -> list[str]:
            # What was committed before this comes before it.
            listening.execute(f"NOTIFY {CHANNEL}, 'the end'")
            payloads: list[str] = []
            for notified in listening.notifies():
                if notified.payload == "the end":
                    break
                payloads.append(notified.payload)
            return list(dict.fromkeys(payloads))

        yield told


def _register(key: ClientKey, cast: SimpleNamespace) -> None:
    pem = public_pem(new_private_key())
    register_pem(key.client, material=pem, alg="EdDSA", label="New", by=cast.dev)


def _revoke(key: ClientKey, cast: SimpleNamespace) -> None:
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)


def _retire(key: ClientKey, cast: SimpleNamespace) -> None:
    retire_key(key, grace=timedelta(hours=1), by=cast.dev)


def _confirm(key: ClientKey, cast: SimpleNamespace) -> None:
    confirm_key(key, by=cast.dev)


def _block(key: ClientKey, cast: SimpleNamespace) -> None:
    block_key(key.spki_sha256, by=cast.admin)


def _expire(key: ClientKey, cast: SimpleNamespace) -> None:
    ClientKey.objects.filter(pk=key.pk).update(expires_at=timezone.now())


def _suspend(key: ClientKey, cast: SimpleNamespace) -> None:
    suspend_client(key.client, note="", by=cast.admin)


def _rename(key: ClientKey, cast: SimpleNamespace) -> None:
    Client.objects.filter(pk=key.client_id).update(client_id="another")


@pytest.mark.parametrize(
    "change", [_register, _revoke, _retire, _confirm, _block, _expire, _suspend, _rename]
)
def test_change_that_verifiers_may_see_tells_its_client(
    *,
    change: Callable[[ClientKey, SimpleNamespace], None],
    key: ClientKey,
    other: Client,
    cast: SimpleNamespace,
    told: Told,
) -> None:
    told()
    change(key, cast)
    assert told() == [key.client.client_id]


def test_what_brings_keys_back_tells_its_client(
    key: ClientKey, cast: SimpleNamespace, told: Told
) -> None:
    _retire(key, cast)
    told()
    keep_key(key, by=cast.dev)
    assert told() == [key.client.client_id]
    _suspend(key, cast)
    told()
    resume_client(key.client, by=cast.admin)
    assert told() == [key.client.client_id]


def test_client_that_is_deleted_is_told(cast: SimpleNamespace, told: Told) -> None:
    client = Client.objects.create(
        client_id="short-lived", name="Short-lived", created_by=cast.admin
    )
    told()
    client.delete()
    assert told() == ["short-lived"]


def test_tables_that_are_emptied_name_nobody(told: Told) -> None:
    guards = {
        "registry_clientkey": "key_is_never_truncated",
        "registry_event": "event_is_never_truncated",
        "registry_blockedkey": "blocked_key_is_never_truncated",
    }
    with transaction.atomic(), connection.cursor() as cursor:
        for table, guard in guards.items():
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {guard}")
        cursor.execute("TRUNCATE registry_client CASCADE")
        for table, guard in guards.items():
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {guard}")
    assert told() == [""]


def test_what_verifiers_do_not_see_is_not_told(
    key: ClientKey, cast: SimpleNamespace, told: Told
) -> None:
    create_client(name="Without keys", by=cast.dev)
    change_client(key.client, name="Another", contacts=[], redirect_uris=[], by=cast.alice)
    add_member(key.client, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    assert told() == []


def test_nothing_is_told_before_it_is_committed(
    key: ClientKey, cast: SimpleNamespace, told: Told
) -> None:
    with recording():
        _revoke(key, cast)
        assert told() == []
    assert told() == [key.client.client_id]
