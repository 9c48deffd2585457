"""Append events to the ledger, numbered without gaps in commit order.

A transaction locks the head last, at its end, and writes all its events together. So transactions
do not deadlock, and a reader of number N knows that no lower number will appear later.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists
from django.utils import timezone

from portal.core.ledger import VERSION, Entry, Tree, texts
from portal.registry.models.ledger import Ledger

_PUBLIC: Final = frozenset(
    {
        *("alg", "confirmation_required", "expires_at", "grant_types", "kid", "not_before"),
        *("reason", "resources", "retires_at", "role", "scopes", "spki_sha256", "why"),
        *("algorithms", "applies_from", "client_ids", "replace_by", "until", "what"),
    }
)
"""The members of an event's detail whose texts are hashed into the leaf directly.

Any other text may name a person, so the leaf contains only a salted hash of it.
"""
CHANNEL: Final = "registry_ledger"
"""The PostgreSQL channel for new events; a payload has client_ids. Followers do not rely on it."""

_MAX_NOTIFIED: Final = 7900

_SALT_BYTES: Final = 16
_BATCH: Final = 1000
_NUMBER: Final = (
    "UPDATE registry_event SET number = %s, leaf = %s, version = %s, salts = %s WHERE id = %s"
)
# One statement for all events: one each takes PostgreSQL twice as long, with the head locked.
_NUMBER_ALL: Final = """
UPDATE registry_event SET number = n.number, leaf = n.leaf, version = n.version, salts = n.salts
FROM unnest(%s::bigint[], %s::text[], %s::smallint[], %s::jsonb[], %s::bigint[])
    AS n (number, leaf, version, salts, id)
WHERE registry_event.id = n.id
"""

_collected: ContextVar[list[Any] | None] = ContextVar("collected", default=None)


@contextmanager
def recording(*, durable: bool = False) -> Iterator[None]:
    """Run an action in a transaction that writes its events last. Use as `@recording()` or `with`.

    A nested action passes its events up, and the outermost one writes all of them. Raises
    `RuntimeError` if the outermost action is inside another transaction: a second action could
    follow there and take locks after the head. With `durable`, a nested action raises it too.
    """
    outer = _collected.get()
    if outer is None:
        with transaction.atomic(durable=True):
            events: list[Any] = []
            before = _collected.set(events)
            try:
                yield
            finally:
                _collected.reset(before)
            if events:
                _write(events)
        return
    if durable:
        raise RuntimeError("This verb is durable, so it cannot run inside another verb.")
    kept = len(outer)
    try:
        with transaction.atomic():
            yield
    except BaseException:
        # Its rows are rolled back, so drop its events too.
        del outer[kept:]
        raise


def collect(event: Any) -> None:
    """Add the event to those that the running action writes at its end; without one, write now."""
    events = _collected.get()
    if events is None:
        with recording():
            collect(event)
    else:
        events.append(event)


def number_older(event_model: Any, ledger_model: Any, *, limit: int) -> int:
    """Number up to `limit` events that have no number yet, oldest first; return how many.

    The previous version of the portal writes such events during an upgrade. The models may be a
    migration's historical models.
    """
    with transaction.atomic():
        head = _locked(ledger_model._default_manager.all())  # noqa: SLF001 - Django's name
        tree = tree_of(head)
        number = _number_older(event_model, tree, limit=limit)
        if number:
            _save(head, tree)
    return number


def tree_of(head: Ledger) -> Tree:
    """Return the tree with the size and frontier of the head."""
    return Tree(head.size, [bytes.fromhex(each) for each in head.frontier])


def entry_of(event: Any) -> Entry:
    """Return the event in the form that the ledger hashes. It may be of a historical model.

    Load it with its client, its key, its actor's key and that key's client, which are read.
    """
    actor: Mapping[str, int | str] = {}
    if event.actor_user_id is not None:
        actor = {"person": event.actor_user_id}
    elif event.actor_key is not None:
        actor = {"client_id": event.actor_key.client.client_id, "kid": event.actor_key.kid}
    return Entry(
        number=event.number or 0,
        at=event.at,
        verb=str(event.verb),
        actor=actor,
        client_id=event.client.client_id if event.client else None,
        kid=event.key.kid if event.key else None,
        detail=event.detail,
        salts=event.salts or {},
    )


def _write(events: list[Any]) -> None:
    """Write the events and the head, as the last step of a transaction."""
    model = type(events[0])
    older = model._default_manager.filter(number=None)  # noqa: SLF001 - Django's name
    # Ask in the statement that locks: each further round trip holds the lock longer.
    head = _locked(Ledger.objects.annotate(has_older=Exists(older)))
    tree = tree_of(head)
    while head.has_older and _number_older(model, tree, limit=_BATCH):
        pass
    for event in events:
        # Set the time with the head locked, so that times are in the order of numbers.
        event.at = timezone.now()
        _put(event, tree)
    model._default_manager.bulk_create(events)  # noqa: SLF001
    _save(head, tree)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, _clients_of(events)])


def _clients_of(events: list[Any]) -> str:
    """Return the client_ids of the events. Empty if they are too long for a notification."""
    client_ids = {event.client.client_id for event in events if event.client}
    named = " ".join(sorted(client_ids))
    return named if len(named) < _MAX_NOTIFIED else ""


def _locked(heads: Any) -> Any:
    """Return the head, locked. `heads` is the queryset of all rows of its model."""
    locked = heads.select_for_update(no_key=True)
    head = locked.filter(pk=1).first()
    if head is None:
        heads.model._default_manager.get_or_create(pk=1)  # noqa: SLF001
        head = locked.get(pk=1)
    return head


def _save(head: Any, tree: Tree) -> None:
    head.size, head.root = tree.size, tree.root.hex()
    head.frontier = [each.hex() for each in tree.frontier]
    head.save(update_fields=["size", "frontier", "root"])


def _number_older(event_model: Any, tree: Tree, *, limit: int) -> int:
    """Number events that have no number. The caller locks the head before and saves it after."""
    found = event_model._default_manager.filter(number=None).order_by("pk")  # noqa: SLF001
    older = list(found.select_related(*_NAMED).defer(*_UNUSED)[:limit])
    for event in older:
        _put(event, tree)
    rows = [(e.number, e.leaf, e.version, json.dumps(e.salts), e.pk) for e in older]
    with connection.cursor() as cursor:
        if rows and connection.vendor == "postgresql":
            cursor.execute(_NUMBER_ALL, [list(column) for column in zip(*rows, strict=True)])
        elif rows:
            cursor.executemany(_NUMBER, rows)
    return len(rows)


def _put(event: Any, tree: Tree) -> None:
    """Give the event its number, salts and leaf hash, and append it to the tree."""
    event.number, event.version = tree.size + 1, VERSION
    private = {name: each for name, each in event.detail.items() if name not in _PUBLIC}
    event.salts = {pointer: secrets.token_hex(_SALT_BYTES) for pointer in texts(private)}
    leaf = entry_of(event).leaf
    event.leaf = leaf.hex()
    tree.append(leaf)


_NAMED: Final = ("client", "key", "actor_key__client")
_UNUSED: Final = ("key__pem", "key__jwk", "actor_key__pem", "actor_key__jwk")
