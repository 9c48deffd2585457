"""The files in `forms/`, each with what must come of it (`make_forms.py` makes them)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "forms"


@dataclass(frozen=True)
class Form:
    """A file, and what is expected of it.

    `outcome` is "accepted" or the reason of the refusal, `says` what the page must say; the others
    are SHA-256 of SubjectPublicKeyInfo: of the key, of those to choose from, of those that leaked.
    """

    file: str
    outcome: str
    says: tuple[str, ...]
    spki_sha256: str = ""
    choices: tuple[str, ...] = ()
    leaked: tuple[str, ...] = ()

    @property
    def content(self) -> bytes:
        """The content of the file."""
        return (FOLDER / self.file).read_bytes()


def read_forms() -> list[Form]:
    """Return all forms."""
    entries = json.loads((FOLDER / "index.json").read_text("utf-8"))
    return [
        Form(
            entry["file"],
            entry["outcome"],
            tuple(entry["says"]),
            entry.get("spki_sha256", ""),
            tuple(entry.get("choices", ())),
            tuple(entry.get("leaked", ())),
        )
        for entry in entries
    ]


FORMS = read_forms()
