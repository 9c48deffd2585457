"""The files in `pastes/`, each with what the debugger must say of it.

`«assertion»` and the like in a file stand for what the tests put there. `failed` lists the reasons
of the checks that must fail, in their order. `refused` is the reason if no assertion is found.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "pastes"


@dataclass(frozen=True)
class PasteCase:
    """A file. `of` names the assertion to put into it, `says` what the page must say."""

    file: str
    of: str
    failed: tuple[str, ...]
    refused: str
    says: tuple[str, ...]

    def text(self, values: dict[str, str]) -> str:
        """Return the content of the file with these values in it."""
        text = (_FOLDER / self.file).read_bytes().decode("utf-8")
        for name, value in values.items():
            text = text.replace(f"«{name}»", value)
        return text


def read_pastes() -> list[PasteCase]:
    """Return all cases."""
    entries = json.loads((_FOLDER / "index.json").read_text("utf-8"))
    return [
        PasteCase(
            entry["file"],
            entry["of"],
            tuple(entry.get("failed", ())),
            entry.get("refused", ""),
            tuple(entry["says"]),
        )
        for entry in entries
    ]


PASTES = read_pastes()
