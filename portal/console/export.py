"""Events as CSV (RFC 4180) and JSON Lines, streamed line by line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

from django.db.models import Prefetch, QuerySet

from portal.accounts.models import User
from portal.console.event_text import event_text
from portal.registry.models import Actor, ClientKey, Event
from portal.registry.paging import IndexFilter, batches

COLUMNS: Final = {
    "id": "the event's id in the database; later events have higher ids",
    "at": "time, in UTC (RFC 3339)",
    "person": "e-mail address of the actor; empty if the actor is not a person",
    "verb": "what was done, as a fixed code such as revoke_key",
    "client_id": "client_id of the client, if the event is about one",
    "client_name": "the client's current name",
    "kid": "kid of the key, if the event is about one",
    "key_label": "the key's label",
    "sentence": "the event as a sentence",
    "detail": "further details, as JSON",
    "actor": "kind of the actor: person, client or portal",
    "actor_client_id": "client_id of the actor; empty if the actor is not a client",
    "actor_kid": "kid of the key that this client authenticated with",
    "number": "the event's number in the ledger: from 1, without gaps, in the order of commit",
    "leaf_hash": "the event's hash in the ledger, in hexadecimal",
    "ledger_version": "version of the hashed form",
    "salts": "the salt of each private text of detail, by JSON Pointer, as JSON",
    "person_id": "id of the actor; empty if the actor is not a person",
}
BATCH: Final = 200
"""How many events are loaded and written at a time."""
# Characters that begin a formula in a spreadsheet (OWASP, "CSV Injection").
_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# The start of a cell: some spreadsheets end a cell at a semicolon or a tab, even in quotes.
_BEGINNING: Final = re.compile(rf"""(^|[;\t\r\n])([ \u00a0"']*+)(?=[{_FORMULA}])|^(?=[\t\r\n])""")


@dataclass(frozen=True, slots=True)
class Format:
    """A format of an export."""

    media_type: str
    extension: str
    lines: Callable[[Iterable[list[Event]]], Iterator[bytes]]
    broke_off: bytes
    """The last line of an export that failed."""

    def export(
        self, events: QuerySet[Event], index_filter: IndexFilter | None = None
    ) -> Iterator[bytes]:
        """Yield the events in chunks of bytes, newest first. `index_filter`: see `batches`."""
        return self.lines(batches(events, size=BATCH, index_filter=index_filter))


def with_named(events: QuerySet[Event]) -> QuerySet[Event]:
    """Return the events with the objects that their texts name, loaded for each batch."""
    key = Prefetch("key", ClientKey.objects.defer("pem", "jwk"))
    return events.prefetch_related(*Event.actor.related, "client", key)


def row(event: Event) -> dict[str, Any]:
    """Return the columns of an event, with `detail` as recorded."""
    actor = event.actor
    return {
        "id": event.pk,
        "at": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "person": actor.email if isinstance(actor, User) else "",
        "verb": event.verb,
        "client_id": event.client.client_id if event.client else "",
        "client_name": event.client.name if event.client else "",
        "kid": event.key.kid if event.key else "",
        "key_label": event.key.label if event.key else "",
        "sentence": event_text(event),
        "detail": event.detail,
        "actor": _kind(actor),
        "actor_client_id": actor.client.client_id if isinstance(actor, ClientKey) else "",
        "actor_kid": actor.kid if isinstance(actor, ClientKey) else "",
        "number": event.number,
        "leaf_hash": event.leaf,
        "ledger_version": event.version,
        "salts": event.salts,
        "person_id": actor.pk if isinstance(actor, User) else None,
    }


def csv_lines(batches: Iterable[list[Event]]) -> Iterator[bytes]:
    """Yield the events as CSV, with a header line.

    Text that a spreadsheet would run as a formula gets an apostrophe before it, also after a
    semicolon in a cell. JSON Lines contains the text unchanged.
    """
    writer = csv.writer(_Echo())
    yield _encoded(writer.writerow(list(COLUMNS)))
    for batch in batches:
        yield b"".join(_encoded(writer.writerow(_cells(event))) for event in batch)


def json_lines(batches: Iterable[list[Event]]) -> Iterator[bytes]:
    """Yield the events as one JSON object per line."""
    for batch in batches:
        yield b"".join(
            json.dumps(row(event), ensure_ascii=False).encode() + b"\n" for event in batch
        )


_BROKE_OFF: Final = "The export stopped here because of an error. There are more events."
FORMATS: Final = {
    "csv": Format("text/csv; charset=utf-8", "csv", csv_lines, f"\r\n{_BROKE_OFF}\r\n".encode()),
    "jsonl": Format(
        "application/jsonl; charset=utf-8",
        "jsonl",
        json_lines,
        f'\n{{"error": "{_BROKE_OFF}"}}\n'.encode(),
    ),
}


class _Echo:
    """A file for `csv.writer` whose `write` returns the text."""

    def write(self, text: str) -> str:
        return text


def _kind(actor: Actor) -> str:
    if isinstance(actor, ClientKey):
        return "client"
    return "person" if isinstance(actor, User) else "portal"


def _cells(event: Event) -> list[str]:
    values = row(event)
    for name in ("detail", "salts"):
        values[name] = json.dumps(values[name], ensure_ascii=False)
    return [_harmless("" if value is None else str(value)) for value in values.values()]


def _harmless(cell: str) -> str:
    return _BEGINNING.sub(r"\1'\2", cell)


def _encoded(line: Any) -> bytes:
    return str(line).encode()
