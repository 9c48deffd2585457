"""`archive_client`, `unarchive_client`, `delete_client`."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings

from portal.core.lifecycle import KeyStatus
from portal.publishing.key_set import publish
from portal.registry.actions import (
    archive_client,
    create_client,
    delete_client,
    suspend_client,
    unarchive_client,
)
from portal.registry.choices import Verb
from portal.registry.errors import (
    ClientArchived,
    ClientHasKeys,
    ClientLimitReached,
    ClientSuspended,
)
from portal.registry.models import Client, ClientKey
from tests.db.registry.ledger.support import problems, sql, verified
from tests.db.registry.recorded import events
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem


def register(client: Client, cast: SimpleNamespace, label: str, days: int = 0) -> ClientKey:
    return register_pem(
        client,
        material=public_pem(new_private_key()),
        alg="EdDSA",
        label=label,
        by=cast.dev,
        not_before=timezone.now() + timedelta(days=days) if days else None,
    )


@pytest.mark.sqlite
@pytest.mark.usefixtures("nobody_is_admin")
def test_archiving_retires_all_keys_and_an_owner_can_take_the_client_back(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    pending = register(payments, cast, "Pending", days=2)
    archived = archive_client(payments, by=cast.alice)
    assert (archived.is_archived, archived.archived_by) == (True, cast.alice)
    now = timezone.now()
    statuses = {each.lifecycle.status(now) for each in payments.keys.all()}
    assert statuses == {KeyStatus.RETIRED}
    publication = publish(payments.client_id, now + timedelta(days=3), extended=True)
    assert publication is not None
    assert key.kid.encode() not in publication.jwks
    assert pending.kid.encode() not in publication.jwks
    with pytest.raises(ClientArchived, match="until an owner takes it back"):
        register(payments, cast, "Third")
    verified()
    unarchive_client(archived, by=cast.alice)
    assert register(payments, cast, "Third").lifecycle.is_live(timezone.now())
    key.refresh_from_db()
    assert key.lifecycle.status(timezone.now()) == KeyStatus.RETIRED
    verified()


def test_archiving_twice_records_once(payments: Client, cast: SimpleNamespace) -> None:
    for _ in range(2):
        archive_client(payments, by=cast.alice)
    assert events(Verb.ARCHIVE_CLIENT) == [(cast.alice, payments, None, {})]
    for _ in range(2):
        unarchive_client(payments, by=cast.alice)
    assert events(Verb.UNARCHIVE_CLIENT) == [(cast.alice, payments, None, {})]


def test_a_suspended_client_stays_archived(payments: Client, cast: SimpleNamespace) -> None:
    archive_client(payments, by=cast.alice)
    suspend_client(payments, note="", by=cast.admin)
    with pytest.raises(ClientSuspended, match="until an admin resumes it"):
        unarchive_client(payments, by=cast.alice)


@pytest.mark.usefixtures("nobody_is_admin")
def test_a_client_that_never_had_a_key_is_deleted_and_its_events_stay(
    payments: Client, cast: SimpleNamespace
) -> None:
    delete_client(payments, by=cast.alice)
    assert publish(payments.client_id, timezone.now(), extended=False) is None
    assert not payments.memberships.exists()
    assert not Client.objects.visible_to(cast.admin).exists()
    assert events(Verb.DELETE_CLIENT) == [(cast.alice, payments, None, {})]
    verified()
    sql("UPDATE registry_client SET deleted = (1 = 0), archived_at = NULL, archived_by_id = NULL")
    assert problems() == [
        f"Client {payments.client_id}: an event says it is archived.",
        f"Client {payments.client_id}: an event says it is deleted.",
    ]


def test_a_client_that_had_a_key_is_not_deleted(key: ClientKey, cast: SimpleNamespace) -> None:
    with pytest.raises(ClientHasKeys, match="has had a key"):
        delete_client(key.client, by=cast.alice)
    assert not events(Verb.DELETE_CLIENT)


def test_a_deleted_client_does_not_count(cast: SimpleNamespace, settings: Settings) -> None:
    settings.CLIENT_LIMIT = 1
    first = create_client(name="First", by=cast.bob)
    archive_client(first, by=cast.bob)
    with pytest.raises(ClientLimitReached):
        create_client(name="Second", by=cast.bob)
    delete_client(first, by=cast.bob)
    create_client(name="Second", by=cast.bob)


def test_the_database_refuses_a_deleted_client_that_nobody_archived(payments: Client) -> None:
    with pytest.raises(IntegrityError, match="client_archived_by_somebody"), transaction.atomic():
        Client.objects.update(deleted=True)
