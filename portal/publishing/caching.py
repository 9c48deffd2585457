"""How long caches may reuse a key set, as a pure function of when it changes next."""

from __future__ import annotations

from datetime import datetime
from typing import Final, TypedDict


class Reuse(TypedDict):
    """The arguments of `reuse_headers` that determine the reuse of a key set."""

    max_age: int
    stale_if_error: int
    next_start: datetime | None
    next_end: datetime | None


NGINX_SECONDS: Final = 1
"""How long nginx caches a key set. It counts whole seconds, so it may take two (ADR 0020)."""


def reuse_headers(
    now: datetime,
    *,
    max_age: int,
    stale_if_error: int,
    next_start: datetime | None = None,
    next_end: datetime | None = None,
) -> dict[str, str]:
    """Return the caching headers of a key set that is sent at `now`, in the order to send them.

    `X-Accel-Expires` is only for nginx, which does not forward it. It must follow `Cache-Control`:
    otherwise nginx 1.22 ignores `stale-if-error`.

    `max_age` and `stale_if_error` are the configured seconds. A key that starts or ends sooner
    than `max_age` shortens it, so that caches show the change on time. A key's end also limits
    `stale-if-error` (RFC 5861 §4): a failure of the portal must not keep a key alive past the end
    known when the set was sent. A start does not limit it: a stale set that lacks a new key is no
    security risk. If nothing may be served stale, `must-revalidate` says so (RFC 9111 §5.2.2.2);
    without it, caches may serve stale sets while they cannot reach the portal.
    `stale-while-revalidate` (RFC 5861 §3) lets nginx fetch an expired set only once, for any number
    of requests.
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
    """Return until when (POSIX seconds) the set and the result of `reuse_headers` do not change."""
    moments = [float("inf")]
    if next_start:
        moments.append(next_start.timestamp() - max_age)
    if next_end:
        moments.append(next_end.timestamp() - max_age - stale_if_error)
    return min(moments)


def _seconds(now: datetime, then: datetime) -> int:
    """Return the seconds from `now` until `then`, rounded down so as not to pass `then`."""
    return max(0, int((then - now).total_seconds()))
