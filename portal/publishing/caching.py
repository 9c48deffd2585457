"""How long a published key set may be reused, as a pure function of when it changes next."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class Reuse(TypedDict):
    """What decides on the reuse of a key set, as `cache_control` takes it."""

    max_age: int
    stale_if_error: int
    next_start: datetime | None
    next_end: datetime | None


def cache_control(
    now: datetime,
    *,
    max_age: int,
    stale_if_error: int,
    next_start: datetime | None = None,
    next_end: datetime | None = None,
) -> str:
    """Return the `Cache-Control` of a key set that is sent at `now`.

    `max_age` and `stale_if_error` are seconds, as configured. A key that starts or ends sooner than
    `max_age` shortens it, so that a cache shows the change on time. A key's end also limits
    `stale-if-error` (RFC 5861 §4): a failure of ours must not keep a key alive past the end that
    was known when the set was sent. A start does not: a set that lacks a new key harms nobody.
    Where nothing may be served stale `must-revalidate` says so (RFC 9111 §5.2.2.2), as caches are
    otherwise free to do it when they cannot reach us.
    """
    until_end = stale_if_error + max_age if next_end is None else _seconds(now, next_end)
    until_start = max_age if next_start is None else _seconds(now, next_start)
    fresh = min(max_age, until_start, until_end)
    stale = min(stale_if_error, until_end - fresh)
    if stale > 0:
        return f"public, max-age={fresh}, stale-if-error={stale}"
    return f"public, max-age={fresh}, must-revalidate"


def constant_until(
    *,
    max_age: int,
    stale_if_error: int,
    next_start: datetime | None = None,
    next_end: datetime | None = None,
) -> float:
    """Return until when (POSIX seconds) `cache_control` says the same, and the set is the same."""
    moments = [float("inf")]
    if next_start:
        moments.append(next_start.timestamp() - max_age)
    if next_end:
        moments.append(next_end.timestamp() - max_age - stale_if_error)
    return min(moments)


def _seconds(now: datetime, then: datetime) -> int:
    """Return the whole seconds from now until then: rounded up they would outlive it."""
    return max(0, int((then - now).total_seconds()))
