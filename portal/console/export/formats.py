"""Rows as CSV (RFC 4180) and JSON Lines, streamed line by line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

Row = dict[str, Any]
"""The columns of a line, by name."""

# Characters that begin a formula in a spreadsheet (OWASP, "CSV Injection").
_FORMULA: Final = "=+\\-@\uff1d\uff0b\uff0d\uff20"
# The start of a cell: some spreadsheets end a cell at a semicolon or a tab, even in quotes.
_BEGINNING: Final = re.compile(rf"""(^|[;\t\r\n])([ \u00a0"']*+)(?=[{_FORMULA}])|^(?=[\t\r\n])""")

_FORMULA_FIRST: Final = re.compile(rf"""[ \u00a0"']*+[{_FORMULA}]""")


@dataclass(frozen=True, slots=True)
class Format:
    """A format of an export."""

    media_type: str
    extension: str
    lines: Callable[[Iterable[str], Iterable[Iterator[Row]]], Iterator[bytes]]
    """Makes chunks of bytes of the names of the columns and batches of rows."""
    broke_off: bytes
    """The last line of an export that failed."""


def csv_lines(columns: Iterable[str], batches: Iterable[Iterator[Row]]) -> Iterator[bytes]:
    """Yield the rows as CSV, with a header line.

    Text that a spreadsheet would run as a formula gets an apostrophe before it, also after a
    semicolon in a cell. JSON Lines contains the text unchanged.
    """
    writer = csv.writer(_Echo())
    yield str(writer.writerow(list(columns))).encode()
    for batch in batches:
        yield "".join([writer.writerow(map(_cell, row.values())) for row in batch]).encode()


def json_lines(columns: Iterable[str], batches: Iterable[Iterator[Row]]) -> Iterator[bytes]:  # noqa: ARG001 - as csv_lines
    """Yield the rows as one JSON object per line."""
    for batch in batches:
        yield "".join([_as_json(row) + "\n" for row in batch]).encode()


_BROKE_OFF: Final = "The export stopped here because of an error. There are more rows."
FORMATS: Final = {
    "csv": Format("text/csv; charset=utf-8", "csv", csv_lines, f"{_BROKE_OFF}\r\n".encode()),
    "jsonl": Format(
        "application/jsonl; charset=utf-8",
        "jsonl",
        json_lines,
        f'{{"error": "{_BROKE_OFF}"}}\n'.encode(),
    ),
}


class _Echo:
    """A file for `csv.writer` whose `write` returns the text."""

    def write(self, text: str) -> str:
        return text


_as_json: Final = json.JSONEncoder(ensure_ascii=False).encode


def _cell(value: Any) -> str:
    if isinstance(value, str):
        return _harmless(value)
    if value is None:
        return ""
    return _harmless(_as_json(value) if isinstance(value, dict | list) else str(value))


def _harmless(cell: str) -> str:
    # Nearly all cells have one part, and only its start is examined: cells are most of the time.
    has_parts = ";" in cell or "\t" in cell or "\r" in cell or "\n" in cell
    if not (has_parts or _FORMULA_FIRST.match(cell)):
        return cell
    return _BEGINNING.sub(r"\1'\2", cell)
