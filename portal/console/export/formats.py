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


@dataclass(frozen=True, slots=True)
class Format:
    """A format of an export."""

    media_type: str
    extension: str
    lines: Callable[[Iterable[str], Iterable[list[Row]]], Iterator[bytes]]
    """Makes chunks of bytes of the names of the columns and batches of rows."""
    broke_off: bytes
    """The last line of an export that failed."""


def csv_lines(columns: Iterable[str], batches: Iterable[list[Row]]) -> Iterator[bytes]:
    """Yield the rows as CSV, with a header line.

    Text that a spreadsheet would run as a formula gets an apostrophe before it, also after a
    semicolon in a cell. JSON Lines contains the text unchanged.
    """
    writer = csv.writer(_Echo())
    yield _encoded(writer.writerow(list(columns)))
    for batch in batches:
        yield b"".join(_encoded(writer.writerow(map(_cell, row.values()))) for row in batch)


def json_lines(columns: Iterable[str], batches: Iterable[list[Row]]) -> Iterator[bytes]:  # noqa: ARG001 - as csv_lines
    """Yield the rows as one JSON object per line."""
    for batch in batches:
        yield b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in batch)


_BROKE_OFF: Final = "The export stopped here because of an error. There are more rows."
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


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case dict() | list():
            return _harmless(json.dumps(value, ensure_ascii=False))
    return _harmless(str(value))


def _harmless(cell: str) -> str:
    return _BEGINNING.sub(r"\1'\2", cell)


def _encoded(line: Any) -> bytes:
    return str(line).encode()
