"""Compare two short texts, character by character."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

MAX_COMPARED: Final = 300
"""The maximum length: time grows with its square, and no realistic audience is longer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of both texts (`same`), of the seen text only, or of the expected text only."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Difference:
    """The seen text and the nearest expected text, in pieces and in sentences."""

    seen: str
    expected: str
    pieces: tuple[Piece, ...]
    sentences: tuple[str, ...]


def difference(seen: str, accepted: Iterable[str]) -> Difference | None:
    """Return how `seen` differs from the nearest accepted text.

    Returns None if `seen` is accepted, or too long to compare.
    """
    texts = list(accepted)
    if seen in texts or len(seen) > MAX_COMPARED:
        return None
    matchers = {text: SequenceMatcher(None, seen, text, autojunk=False) for text in texts}
    expected = max(texts, key=lambda text: matchers[text].ratio())
    pieces: list[Piece] = []
    sentences: list[str] = []
    for change, start, end, other_start, other_end in matchers[expected].get_opcodes():
        gone, come = seen[start:end], expected[other_start:other_end]
        if change == "equal":
            pieces.append(Piece(gone, "same"))
            continue
        sentences.append(_sentence(gone, come, start + 1))
        pieces += [Piece(text, kind) for text, kind in ((gone, "seen"), (come, "expected")) if text]
    return Difference(seen, expected, tuple(pieces), tuple(sentences))


def _sentence(gone: str, come: str, place: int) -> str:
    if not come:
        return f"Remove “{gone}” at character {place}."
    if not gone:
        return f"Add “{come}” at character {place}."
    return f"Write “{come}” instead of “{gone}” at character {place}."
