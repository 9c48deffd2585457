"""Some threads of a process never wait for others, so that key sets in memory are always served."""

from __future__ import annotations

import sys
import time
from threading import BoundedSemaphore, get_ident
from typing import Final, Self

from django.conf import settings

PATIENCE_S: Final = 0.05
"""How long all who hold a place may do nothing before nobody waits for them any more."""

SPARE_S: Final = 8.0
"""How long places may be waited for in one rush, however much is being done."""

_GROWTH: Final = 0.1
# What of that comes back in each second: a rush without an end waits for a tenth of the time.

_NOTHING_S: Final = 0.001
# Who waits for a database looks now and then whether it has answered, for microseconds.


class Full(Exception):  # noqa: N818 - it says how the places are
    """All places are taken, by requests that last."""


class Places:
    """How many of a process's threads may wait at the same time; each request takes one place.

    A database that is slow or stopped and a body that never comes to its end hold whoever waits for
    them without an end. The server has a fixed number of threads, and with all of them held it
    would send nobody anything. So what may wait takes a place `with` this.

    When there is none, it is time on the processor that tells who works, and will soon be done,
    from who waits for others. While those in the places work, as in a rush of people who sign in, a
    place is waited for. When none of them has done anything for `PATIENCE_S` it is `Full`, and for
    others at once, until a place is given back. Whoever waits for a place has the last thread, and
    key sets come after it: so all waiting together has an end too.
    """

    def __init__(self, count: int) -> None:
        """Take how many requests may wait."""
        self._free = BoundedSemaphore(count)
        self._clocks: dict[int, int] = {}
        self._stuck = False
        self._spare, self._spare_at = SPARE_S, time.monotonic()

    def __enter__(self) -> Self:
        """Take a place. Raises `Full`."""
        if not self._free.acquire(blocking=False) and not self._waited():
            raise Full
        # Elsewhere than on Linux nobody is seen to work, and all are taken to wait for others.
        if hasattr(time, "pthread_getcpuclockid"):
            self._clocks[get_ident()] = time.pthread_getcpuclockid(get_ident())
        return self

    def __exit__(self, *_: object) -> None:
        """Give the place back."""
        self._clocks.pop(get_ident(), None)
        self._stuck = False
        self._free.release()

    def _waited(self) -> bool:
        """Wait for a place as long as there is hope; return whether we have it."""
        began = time.monotonic()
        spare = min(SPARE_S, self._spare + _GROWTH * (began - self._spare_at))
        worked = self._worked()
        has_it = False
        while not has_it and not self._stuck and time.monotonic() < began + spare:
            has_it = self._free.acquire(timeout=PATIENCE_S)
            before, worked = worked, self._worked()
            self._stuck = not has_it and worked - before < _NOTHING_S
        self._spare_at = time.monotonic()
        self._spare = spare - (self._spare_at - began)
        return has_it

    def _worked(self) -> float:
        """Return how long the threads in the places have been on a processor, in seconds."""
        return sum(time.clock_gettime(clock) for clock in list(self._clocks.values()))


# One thread is always left for what is at hand. Where the server's threads are not known, as in a
# command of manage.py, nothing is limited.
places: Final = Places(max(1, settings.THREADS - 1) if settings.THREADS else sys.maxsize)
