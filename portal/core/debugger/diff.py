"""Describes how two texts that should be equal differ."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from portal.core.assertion.formatting import brief


def describe_difference(seen: str, expected: str) -> str:
    """Return a description of how `seen` differs from `expected`, and where."""
    what = _in_words(seen, expected)
    at = next(
        (n for n, (a, b) in enumerate(zip(seen, expected, strict=False)) if a != b),
        min(len(seen), len(expected)),
    )
    return (
        f"{what} The first difference is at character {at + 1}: {_at(seen, at)} where"
        f" {_at(expected, at)} is expected."
    )


def _at(text: str, at: int) -> str:
    return f"“{brief(text[at])}”" if at < len(text) else "the end"


def _in_words(seen: str, expected: str) -> str:
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
    if theirs._replace(scheme=ours.scheme) == ours:
        return f"{theirs.scheme} instead of {ours.scheme}."
    if theirs._replace(netloc=ours.netloc) == ours:
        return _hosts(theirs, ours)
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


def _hosts(theirs: SplitResult, ours: SplitResult) -> str:
    if theirs.hostname == ours.hostname:
        return "The same host, but another port."
    return "The same path, but another host. Check the environment."


def _split(text: str) -> SplitResult | None:
    try:
        return urlsplit(text)
    except ValueError:  # such as a bracket that is not closed
        return None
