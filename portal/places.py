"""Some threads of a process never wait for others, so that key sets in memory are always served."""

from __future__ import annotations

import sys
from threading import BoundedSemaphore
from typing import Final, Self

from django.conf import settings

PATIENCE_S: Final = 0.05
"""How long to wait for a place: many times what an ordinary request holds one."""


class Full(Exception):  # noqa: N818 - it says how the places are
    """All places are taken, by requests that last."""


class Places:
    """How many of a process's threads may wait at the same time; each request takes one place.

    A database that is slow or stopped and a body that never comes to its end hold whoever waits for
    them without an end. The server has a fixed number of threads, and with all of them held it
    would send nobody anything. So what may wait takes a place `with` this, and is told `Full` when
    there is none: after `PATIENCE_S`, or at once while somebody has just waited in vain.
    """

    def __init__(self, count: int) -> None:
        """Take how many requests may wait."""
        self._free = BoundedSemaphore(count)
        self._stuck = False

    def __enter__(self) -> Self:
        """Take a place. Raises `Full`."""
        if not self._free.acquire(timeout=0 if self._stuck else PATIENCE_S):
            self._stuck = True
            raise Full
        return self

    def __exit__(self, *_: object) -> None:
        """Give the place back."""
        self._stuck = False
        self._free.release()


# One thread is always left for what is at hand. Where the server's threads are not known, as in a
# command of manage.py, nothing is limited.
places: Final = Places(max(1, settings.THREADS - 1) if settings.THREADS else sys.maxsize)
