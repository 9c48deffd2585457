"""Which events are written, in which order, and what of them can be erased."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection, transaction

from portal.core.ledger import Tree, sealed
from portal.registry.actions import (
    block_key,
    change_client,
    create_client,
    retire_key,
)
from portal.registry.choices import Verb
from portal.registry.models import ClientKey, Event, Ledger, recording
from tests.db.registry.ledger.support import verified
from tests.triggers import triggers_off

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("nobody_is_admin")]


def test_each_event_has_the_next_number_and_the_head_has_the_root_of_all(
    history: ClientKey,
) -> None:
    events = list(Event.objects.order_by("number"))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    tree = Tree.empty()
    for event in events:
        tree.append(bytes.fromhex(event.leaf or ""))
    head = Ledger.head()
    assert (head.size, head.root) == (len(events), tree.root.hex())
    assert [event.pk for event in events] == sorted(event.pk for event in events)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert verified() == f"{len(events)} events are as they were recorded. Root: {head.root}\n"


def test_a_verb_in_a_verb_hands_its_events_up(
    key: ClientKey, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    save = Ledger.save

    def spy(self: Ledger, *args: Any, **kwargs: Any) -> None:
        sizes.append(self.size)
        save(self, *args, **kwargs)

    monkeypatch.setattr(Ledger, "save", spy)
    before = Ledger.head().size
    block_key(key.spki_sha256, by=cast.admin)
    assert list(Event.objects.order_by("-number").values_list("verb", flat=True)[:2]) == [
        Verb.REVOKE_KEY,
        Verb.BLOCK_KEY,
    ]
    assert sizes == [before + 2]


def test_the_head_is_locked_after_all_that_a_verb_does(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    asked: list[str] = []

    def note(execute: Callable[..., Any], statement: str, *rest: Any) -> Any:
        asked.append(statement)
        return execute(statement, *rest)

    with connection.execute_wrapper(note):
        block_key(key.spki_sha256, by=cast.admin)
    begins = next(at for at, each in enumerate(asked) if "registry_ledger" in each)
    tables = [each for each in asked[begins:] if "SAVEPOINT" not in each]
    # The notification goes out with COMMIT and locks no row.
    allowed = ("registry_ledger", "registry_event", "pg_notify")
    assert all(any(name in each for name in allowed) for each in tables)
    assert any("registry_clientkey" in each for each in asked[:begins])


def test_a_verb_in_a_verb_that_fails_leaves_no_event(cast: SimpleNamespace) -> None:
    before = Ledger.head().size

    @recording()
    def fail() -> None:
        create_client(name="Never", by=cast.alice)
        raise ZeroDivisionError

    with recording():
        with pytest.raises(ZeroDivisionError):
            fail()
        create_client(name="Made", by=cast.alice)
    assert [event.detail["name"] for event in Event.objects.filter(number__gt=before)] == ["Made"]
    verified()


def test_a_verb_in_a_transaction_of_somebody_else_is_refused(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    """It would hold the head while others, or a second verb, wait for more locks."""
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        retire_key(key, grace=timedelta(0), by=cast.dev)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        Event.objects.record(Verb.KEEP_KEY, by=cast.dev, client=key.client, key=key)


def test_private_texts_are_not_in_the_leaf_and_can_be_erased(
    history: ClientKey, cast: SimpleNamespace
) -> None:
    change_client(
        history.client, name="Ann's", contacts=["ann@example.com"], redirect_uris=[], by=cast.alice
    )
    expected = verified()
    with triggers_off():
        for event in Event.objects.all():
            assert event.salts is not None
            event.detail, event.salts = sealed(event.detail, event.salts), {}
            event.save(update_fields=["detail", "salts"])
    left = json.dumps(list(Event.objects.values_list("detail", flat=True)))
    assert not any(word in left for word in ("Ann", "example.com", "Payments", "First"))
    assert verified() == expected


def test_a_person_can_be_renamed_and_the_tree_still_verifies(
    history: ClientKey, cast: SimpleNamespace
) -> None:
    expected = verified()
    cast.dev.email = "erased-4711@invalid.example"
    cast.dev.save()
    assert verified() == expected
