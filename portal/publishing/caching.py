"""How long a published key set may be reused, as a pure function of when it changes next."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypedDict


class Reuse(TypedDict):
    """What decides on the reuse of a key set, as `reuse_headers` takes it."""

    max_age: int
    stale_if_error: int
    next_start: datetime | None
    next_end: datetime | None


NGINX_SECONDS: Final = 1
"""For how long nginx keeps a key set. It counts whole seconds, so two may pass (ADR 0020)."""


def reuse_headers(
    now: datetime,
    *,
    max_age: int,
    stale_if_error: int,
    next_start: datetime | None = None,
    next_end: datetime | None = None,
) -> dict[str, str]:
    """Return the headers about the reuse of a key set that is sent at `now`, in their order.

    `X-Accel-Expires` is for nginx alone, which sends it to nobody. It follows `Cache-Control`:
    before it, nginx 1.22 ignores `stale-if-error`.

    `max_age` and `stale_if_error` are seconds, as configured. A key that starts or ends sooner than
    `max_age` shortens it, so that a cache shows the change on time. A key's end also limits
    `stale-if-error` (RFC 5861 §4): a failure of ours must not keep a key alive past the end that
    was known when the set was sent. A start does not: a set that lacks a new key harms nobody.
    Where nothing may be served stale `must-revalidate` says so (RFC 9111 §5.2.2.2), as caches are
    otherwise free to do it when they cannot reach us. `stale-while-revalidate` (§3) lets nginx
    fetch an expired set once, however many ask for it.
    """
    until_end = stale_if_error + max_age if next_end is None else _seconds(now, next_end)
    until_start = max_age if next_start is None else _seconds(now, next_start)
    fresh = min(max_age, until_start, until_end)
    stale = max(0, min(stale_if_error, until_end - fresh))
    reuse = f"public, max-age={fresh}"
    reuse += f", stale-while-revalidate=1, stale-if-error={stale}" if stale else ", must-revalidate"
    return {"Cache-Control": reuse, "X-Accel-Expires": str(min(NGINX_SECONDS, fresh))}


def constant_until(
    *,
    max_age: int,
    stale_if_error: int,
    next_start: datetime | None = None,
    next_end: datetime | None = None,
) -> float:
    """Return until when (POSIX seconds) `reuse_headers` says the same, and the set is the same."""
    moments = [float("inf")]
    if next_start:
        moments.append(next_start.timestamp() - max_age)
    if next_end:
        moments.append(next_end.timestamp() - max_age - stale_if_error)
    return min(moments)


def _seconds(now: datetime, then: datetime) -> int:
    """Return the whole seconds from now until then: rounded up they would outlive it."""
    return max(0, int((then - now).total_seconds()))
