"""Numbers with their nouns."""

from __future__ import annotations


def counted(number: int, noun: str, *, or_more: bool = False) -> str:
    """Return the number and its noun: "1 key", "2 keys", "1,200 keys", "10,000+ keys"."""
    return f"{number:,}{'+' * or_more} {noun}" + ("" if number == 1 and not or_more else "s")
