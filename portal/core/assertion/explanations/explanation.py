"""The explanation of a reason: its meaning and its fix."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason in words; `command` is the shell command for the fix, or empty."""

    title: str
    meaning: str
    fix: str
    command: str = ""
