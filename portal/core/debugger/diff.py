"""Describes how two texts that should be equal differ: in words, and letter by letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final
from urllib.parse import SplitResult, urlsplit

from portal.core.assertion.formatting import brief

_MAX_COMPARED: Final = 300
"""The maximum length: time grows with its square, and no realistic audience is longer."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of both texts (`same`), of the seen text only, or of the expected text only."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Difference:
    """How to change the seen text to the expected one, in pieces and in sentences."""

    pieces: tuple[Piece, ...]
    sentences: tuple[str, ...]


def nearest(seen: str, accepted: Sequence[str]) -> str:
    """Return the accepted text that is most like the seen one."""
    return max(accepted, key=lambda each: _likeness(each, seen) - len(each) / 2)


def describe_difference(seen: str, expected: str) -> str:
    """Return a description of how `seen` differs from `expected`, and where if they are alike."""
    what = difference_in_words(seen, expected)
    if not are_alike(seen, expected):
        return what
    at = _shared(seen, expected)
    return (
        f"{what} The first difference is at character {at + 1}: {_at(seen, at)} where"
        f" {_at(expected, at)} is expected."
    )


def are_alike(seen: str, expected: str) -> bool:
    """Tell whether a comparison letter by letter helps: not with two hosts, or two other texts."""
    ours, theirs = _split(expected), _split(seen)
    if ours and theirs and ours.netloc and theirs.netloc:
        return ours.hostname == theirs.hostname
    return expected in seen or _likeness(seen, expected) >= max(len(seen), len(expected)) / 2


def can_be_shown(seen: str, expected: str) -> bool:
    """Tell whether a comparison letter by letter helps and is safe to show."""
    return brief(seen) == seen and len(seen) <= _MAX_COMPARED and are_alike(seen, expected)


def difference(seen: str, expected: str) -> Difference | None:
    """Return how two texts differ letter by letter, or None unless that `can_be_shown`."""
    if not can_be_shown(seen, expected):
        return None
    pieces: list[Piece] = []
    sentences: list[str] = []
    matcher = SequenceMatcher(None, seen, expected, autojunk=False)
    for change, start, end, other_start, other_end in matcher.get_opcodes():
        gone, come = seen[start:end], expected[other_start:other_end]
        if change == "equal":
            pieces.append(Piece(gone, "same"))
            continue
        sentences.append(_sentence(gone, come, start + 1))
        pieces += [Piece(text, kind) for text, kind in ((gone, "seen"), (come, "expected")) if text]
    return Difference(tuple(pieces), tuple(sentences))


def _sentence(gone: str, come: str, place: int) -> str:
    if not come:
        return f"Remove “{gone}” at character {place}."
    if not gone:
        return f"Add “{come}” at character {place}."
    return f"Write “{come}” instead of “{gone}” at character {place}."


def _at(text: str, at: int) -> str:
    return f"“{brief(text[at])}”" if at < len(text) else "the end"


def _likeness(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginnings and ends."""
    return _shared(one, other) + _shared(one[::-1], other[::-1])


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts share at their beginnings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def difference_in_words(seen: str, expected: str) -> str:
    """Return a description of how `seen` differs from `expected`, without the place."""
    if seen.strip() == expected:
        return "It has white space around it."
    if seen.strip("\"'<>") == expected:
        return "It has quotation marks or brackets around it."
    if seen.rstrip("/") == expected.rstrip("/"):
        return _slashes(len(seen) - len(expected))
    if seen.lower() == expected.lower():
        return "Upper and lower case differ."
    ours, theirs = _split(expected), _split(seen)
    if ours is None or theirs is None or not (ours.scheme and theirs.scheme):
        if "://" in expected and expected.split("://", 1)[1] == seen:
            return f"The {expected.split('://', 1)[0]}:// at the start is missing."
        return "It is a different value."
    if ours.netloc and theirs.netloc and ours.hostname != theirs.hostname:
        return (
            f"Another host: {brief(theirs.netloc)} instead of {ours.netloc}. Check that this is "
            "the right environment."
        )
    if theirs._replace(scheme=ours.scheme) == ours:
        return f"{theirs.scheme} instead of {ours.scheme}."
    if theirs._replace(netloc=ours.netloc) == ours:
        return "The same host, but another port."
    if theirs._replace(path=ours.path, query=ours.query, fragment=ours.fragment) == ours:
        return "The same host, but another path."
    return "It is a different URL."


def _slashes(surplus: int) -> str:
    if surplus == 1:
        return "It has one slash too many at the end."
    return (
        f"It has {surplus} slashes too many at the end."
        if surplus > 1
        else ("The slash at the end is missing.")
    )


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:  # such as a bracket that is not closed
        return None
