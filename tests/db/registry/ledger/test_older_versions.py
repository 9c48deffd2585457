"""Events of a portal of the version before, which have no number."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, connection, transaction

from portal.registry.actions import (
    retire_key,
)
from portal.registry.choices import Verb
from portal.registry.models import Client, ClientKey, Ledger
from tests.db.registry.ledger.support import numbers, older_event, verified

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("nobody_is_admin")]


def test_the_next_verb_numbers_events_that_have_none(key: ClientKey, cast: SimpleNamespace) -> None:
    size = Ledger.head().size
    older_event(cast, Verb.CHANGE_CLIENT, client=key.client, detail={"note": "Ann"})
    older_event(cast, Verb.CHANGE_CLIENT, client=key.client)
    assert numbers()[-2:] == [None, None]
    retire_key(key, grace=timedelta(0), by=cast.dev)
    assert numbers()[-3:] == [size + 1, size + 2, size + 3]
    verified()


def test_checking_numbers_events_that_have_none(cast: SimpleNamespace, payments: Client) -> None:
    size = Ledger.head().size
    older_event(cast, Verb.CHANGE_CLIENT, client=payments)
    assert verified().startswith(f"{size + 1} events")


@pytest.mark.parametrize(
    "change",
    [
        "verb = 'keep_key', number = 99, leaf = '{leaf}', version = 1, salts = '{{}}'",
        "detail = '{{\"a\": 1}}', number = 99, leaf = '{leaf}', version = 1, salts = '{{}}'",
        "verb = 'keep_key'",
    ],
)
def test_an_event_without_a_number_changes_in_no_other_way(
    cast: SimpleNamespace, payments: Client, change: str
) -> None:
    older_event(cast, Verb.CHANGE_CLIENT, client=payments)
    statement = f"UPDATE registry_event SET {change.format(leaf='ab' * 32)}"  # noqa: S608 - ours
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"{statement} WHERE number IS NULL")


@pytest.mark.parametrize(
    "change", ["number = number", "number = NULL", "leaf = 'x'", "salts = '{}'"]
)
def test_an_event_with_a_number_never_changes(payments: Client, change: str) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"UPDATE registry_event SET {change}")  # noqa: S608 - ours
