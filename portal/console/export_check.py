"""Read an export, to check it without the database."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, BinaryIO, Final

from portal.core.ledger import Entry
from portal.registry.ledger import LedgerDiffers, Stored

_BLOCK: Final = 65536


def events_of(file: BinaryIO) -> Iterator[Stored]:
    """Yield the events of an export in JSON Lines, oldest first: from the last line to the first.

    Raises `LedgerDiffers` for a line that is not an event of the ledger.
    """
    for line in _lines_backwards(file):
        try:
            row = json.loads(line)
            yield Stored(_entry(row), str(row["leaf_hash"]), int(row["ledger_version"]))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise LedgerDiffers(
                f"A line is not an event with a number: {line[:60].decode(errors='replace')!r}. "
                "Please export all events as JSON Lines."
            ) from None


def _entry(row: Mapping[str, Any]) -> Entry:
    actor: Mapping[str, int | str] = {}
    if row["actor"] == "person":
        actor = {"person": int(row["person_id"])}
    elif row["actor"] == "client":
        actor = {"client_id": row["actor_client_id"], "kid": row["actor_kid"]}
    return Entry(
        number=int(row["number"]),
        at=datetime.fromisoformat(row["at"]),
        verb=row["verb"],
        actor=actor,
        client_id=row["client_id"] or None,
        kid=row["kid"] or None,
        detail=row["detail"],
        salts=row["salts"],
    )


def _lines_backwards(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of the file that are not empty, from the last to the first."""
    rest = b""
    at = file.seek(0, os.SEEK_END)
    while at:
        size = min(_BLOCK, at)
        at = file.seek(at - size)
        rest, *lines = (file.read(size) + rest).split(b"\n")
        yield from filter(bytes.strip, reversed(lines))
    if rest.strip():
        yield rest
