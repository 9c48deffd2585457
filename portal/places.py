"""How many requests of a process may wait for others: threads are left for what is in memory."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Final, Self

from django.conf import settings
from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper


class Full(Exception):  # noqa: N818 - it says how the places are
    """All places are taken, and too many wait for one or nobody is about to leave one."""


class Places:
    """How many requests may at the same time do what can last; each takes one place.

    A database that is slow or stopped and a body that never comes to its end hold whoever waits for
    them without an end. The server has a fixed number of threads, and with all of them held it
    would send nobody anything. So what may wait takes a place `with` this.

    Who finds none free waits for as long as others go on leaving theirs. When nobody has left for
    `patience_s` seconds it is `Full`, for the next ones at once, until somebody leaves. Who waits
    for a place has a thread too, so no more than `waiting` do that.
    """

    def __init__(self, count: int, *, waiting: int, patience_s: float) -> None:
        """Take how many places there are, and how many may wait for one for how long."""
        self._free = BoundedSemaphore(count)
        self._waiting = BoundedSemaphore(waiting)
        self._patience_s = patience_s
        self._left_at = 0.0
        self._stuck = False

    def __enter__(self) -> Self:
        """Take a place. Raises `Full`."""
        if not self._free.acquire(blocking=False) and not self._wait():
            raise Full
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it."""
        self._left_at, self._stuck = time.monotonic(), False
        self._free.release()

    def _wait(self) -> bool:
        """Wait for a place; return whether we have it."""
        if self._stuck or not self._waiting.acquire(blocking=False):
            return False
        try:
            while not self._free.acquire(timeout=self._patience_s):
                if time.monotonic() >= self._left_at + self._patience_s:
                    self._stuck = True
                    return False
            return True
        finally:
            self._waiting.release()


class Connected(Places):
    """Places that have the connections to the database, where Django has one for each thread.

    So there are no more of them than places, however many threads there are to wait.
    """

    def __init__(self, count: int, *, waiting: int, patience_s: float) -> None:
        """As for `Places`."""
        super().__init__(count, waiting=waiting, patience_s=patience_s)
        self._kept: deque[Sequence[BaseDatabaseWrapper]] = deque()

    def __enter__(self) -> Self:
        """Take a place and its connections. Raises `Full`."""
        super().__enter__()
        try:
            self._hand_over()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the place, and the connections with it."""
        mine = connections.all(initialized_only=True)
        for each in mine:
            if not each.allow_thread_sharing:
                each.inc_thread_sharing()
            del connections[each.alias]
        self._kept.append(mine)
        super().__exit__()

    def _hand_over(self) -> None:
        with suppress(IndexError):
            kept = self._kept.pop()
            connections.close_all()  # an answer in parts may have been read with one of its own
            for each in kept:
                connections[each.alias] = each
        # Django does it when a request begins, and has not seen these then.
        close_old_connections()


def _places(count: int, *, waiting: int, patience_s: float) -> Places:
    """Return places of a process that serves; elsewhere, as in a command, nothing is limited."""
    if settings.THREADS:
        return Connected(count, waiting=waiting, patience_s=patience_s)
    return Places(sys.maxsize, waiting=1, patience_s=patience_s)


_SPARE: Final = settings.THREADS - settings.DATABASE_CONNECTIONS
_LOOK_UPS: Final = settings.DATABASE_CONNECTIONS * 2 // 5

requests: Final = _places(
    settings.DATABASE_CONNECTIONS - _LOOK_UPS, waiting=_SPARE // 3, patience_s=10.0
)
"""Pages and the requests of clients: who sends a password keeps a processor busy for a while."""

look_ups: Final = _places(_LOOK_UPS, waiting=_SPARE // 2, patience_s=0.25)
"""Key sets that are not in memory, which take milliseconds."""
