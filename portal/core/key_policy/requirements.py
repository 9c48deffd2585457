"""What admins require of keys beyond the settings: algorithms, size, life and confirmation.

`KeyPolicy` judges new keys by them. A registered key that does not meet them stays as it is, and is
called outside the policy: `unmet` says why, and `ClientKeyQuerySet.outside` finds such keys in SQL.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from portal.core.dates import date_text

_ROUNDING: Final = timedelta(days=1)
"""A life may be so much longer, so that people can choose a day and need no hour."""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What requirements look at in a registered key. `ends_at` is None if no date ends it."""

    alg: str
    kty: str
    bits: int
    registered_at: datetime
    ends_at: datetime | None
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class Requirements:
    """Requirements for keys. Without arguments, none.

    `algorithms` are the only ones allowed, or None for all; `rsa_min_bits` is the smallest RSA
    modulus; `longest` is the longest time from registration to the end; `confirmation` is whether a
    key is live only after its confirmation.
    """

    algorithms: frozenset[str] | None = None
    rsa_min_bits: int = 0
    longest: timedelta | None = None
    confirmation: bool = False

    @property
    def longest_life(self) -> timedelta | None:
        """The longest time from registration to the end that is accepted, or None."""
        return None if self.longest is None else self.longest + _ROUNDING

    def unmet(self, key: KeyFacts) -> tuple[str, ...]:
        """Return a sentence for each requirement that the key does not meet."""
        sentences = []
        if self.algorithms is not None and key.alg not in self.algorithms:
            sentences.append(f"It is for {key.alg}; allowed: {listed(self.algorithms)}.")
        if key.kty == "RSA" and key.bits < self.rsa_min_bits:
            sentences.append(f"It has {key.bits} bits; at least {self.rsa_min_bits} are required.")
        if self.longest is not None and self.is_too_long(key.registered_at, key.ends_at):
            sentences.append(f"It {_life(key)}; at most {self.longest.days} days are allowed.")
        if self.confirmation and not key.is_confirmed:
            sentences.append("It is not confirmed; a confirmation is required.")
        return tuple(sentences)

    def is_too_long(self, registered_at: datetime, ends_at: datetime | None) -> bool:
        """Return whether the key lives longer than is allowed."""
        if self.longest_life is None:
            return False
        return ends_at is None or ends_at > registered_at + self.longest_life


NO_REQUIREMENTS: Final = Requirements()


def combined(several: Iterable[Requirements]) -> Requirements:
    """Return the requirements that a key meets exactly if it meets each of these."""
    whole = NO_REQUIREMENTS
    for each in several:
        whole = Requirements(
            algorithms=_both(whole.algorithms, each.algorithms),
            rsa_min_bits=max(whole.rsa_min_bits, each.rsa_min_bits),
            longest=min(filter(None, (whole.longest, each.longest)), default=None),
            confirmation=whole.confirmation or each.confirmation,
        )
    return whole


def listed(algorithms: Iterable[str]) -> str:
    """Return the names of algorithms in a sentence: "ES256, PS256"."""
    return ", ".join(sorted(algorithms)) or "none"


def _both(some: frozenset[str] | None, others: frozenset[str] | None) -> frozenset[str] | None:
    if some is None or others is None:
        return others if some is None else some
    return some & others


def _life(key: KeyFacts) -> str:
    if key.ends_at is None:
        return "has no end"
    days = (key.ends_at - key.registered_at).days
    return f"lives {days} days, until {date_text(key.ends_at)}"
