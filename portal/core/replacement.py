"""The replacement of a key by a new one: five steps, and what is known about each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from portal.core.lifecycle import Lifecycle


class Step(StrEnum):
    """What comes next in a replacement."""

    REGISTER = "register"
    CONFIRM = "confirm"
    PUBLISH = "publish"
    USE = "use"
    RETIRE = "retire"
    DONE = "done"


STEPS: Final = tuple(step for step in Step if step != Step.DONE)
"""The steps in their order."""

_UNITS: Final = (("hour", 3600), ("minute", 60), ("second", 1))


@dataclass(frozen=True, slots=True)
class Cache:
    """How a verifier reuses a key set. None: nobody knows, or its program decides.

    It keeps a set for `keeps_s` seconds. If an assertion names a kid that is not in the set, it
    fetches the set again when its copy is `looks_after_s` seconds old; None: it does not.
    """

    name: str
    keeps_s: int | None
    looks_after_s: int | None

    @property
    def keeps(self) -> str:
        """How long it keeps a set: "5 minutes", "12 hours"; "" if that is not known."""
        if self.keeps_s is None:
            return ""
        unit, seconds = next(each for each in _UNITS if self.keeps_s % each[1] == 0)
        number = self.keeps_s // seconds
        return f"{number} {unit}{'' if number == 1 else 's'}"

    @property
    def knows_after_s(self) -> int | None:
        """After how many seconds it knows a new key at the latest."""
        times = [each for each in (self.keeps_s, self.looks_after_s) if each is not None]
        return min(times, default=None)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a replacement at one moment.

    `published_at` is when all processes of the portal were first seen to have the new key, and
    `known_at` when the slowest verifier knows it. `new_used_at` is the last use of the new key.
    """

    old: Lifecycle
    new: Lifecycle | None = None
    published_at: datetime | None = None
    known_at: datetime | None = None
    new_used_at: datetime | None = None

    def next_step(self, now: datetime) -> Step:
        """Return the first step that is not complete at `now`."""
        if self.old.is_over(now):
            return Step.DONE
        if self.new is None or self.new.is_over(now):
            return Step.REGISTER
        # A key that may be used unconfirmed is confirmed by its first use.
        if self.new.confirmed_at is None:
            return Step.CONFIRM
        if not self.is_known(now):
            return Step.PUBLISH
        return Step.USE if self.new_used_at is None else Step.RETIRE

    def is_known(self, now: datetime) -> bool:
        """Return whether every verifier can know the new key at `now`."""
        return (
            self.new is not None
            and self.new.is_live(now)
            and self.known_at is not None
            and self.known_at <= now
        )

    def is_too_early(self, end: datetime, now: datetime) -> bool:
        """Return whether the old key would end before every verifier can know the new one."""
        if self.new is None or self.known_at is None or self.new.is_over(now):
            return True
        return end < self.known_at or not self.new.is_live(end)


def known_at(published_at: datetime, caches: list[Cache], *, shared_s: int) -> datetime:
    """Return when every verifier whose times are known has the new key.

    `shared_s` is how long caches between the portal and verifiers keep a set.
    """
    slowest = max((cache.knows_after_s or 0 for cache in caches), default=0)
    return published_at + timedelta(seconds=shared_s + slowest)
