"""Numbers with their nouns."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """Return the number and its noun: "1 key", "2 keys", "1,200 keys"."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
