"""What a reason means and how to mend it, in plain words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reason in words; `command`, when there is one, is the shell command that helps."""

    title: str
    meaning: str
    fix: str
    command: str = ""
