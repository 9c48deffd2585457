"""How many requests of a process may wait for others: threads are left for what is in memory."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from threading import BoundedSemaphore, local
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
    for a place has a thread too, so no more than `waiting` do that; two kinds may share them.

    What lasts and needs no database happens `with` the place `left()`.
    """

    def __init__(self, count: int, *, waiting: BoundedSemaphore, patience_s: float) -> None:
        """Take how many places there are, and how many may wait for one for how long."""
        self._free = BoundedSemaphore(count)
        self._waiting = waiting
        self._patience_s = patience_s
        self._left_at = 0.0
        self._stuck = False
        self._thread = local()

    def __enter__(self) -> Self:
        """Take a place. Raises `Full`."""
        if not self._free.acquire(blocking=False) and not self._wait():
            raise Full
        self._arrive()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave it, unless it is left already."""
        if self._has_place():
            self._depart()

    @contextmanager
    def left(self) -> Iterator[None]:
        """Leave the place to others, and take one again afterwards. Raises `Full`.

        Does nothing in a thread without a place. Whoever comes back does not count among those who
        wait to begin, so that what is half done is not given up for what is not begun.
        """
        if not self._may_leave():
            yield
            return
        self.__exit__()
        try:
            yield
        finally:
            if not self._wait_for_one():
                raise Full
            self._arrive()

    def _arrive(self) -> None:
        self._thread.has_place = True

    def _depart(self) -> None:
        self._thread.has_place = False
        self._left_at, self._stuck = time.monotonic(), False
        self._free.release()

    def _has_place(self) -> bool:
        return getattr(self._thread, "has_place", False)

    def _may_leave(self) -> bool:
        return self._has_place()

    def _wait(self) -> bool:
        """Wait for a place to begin; return whether we have it."""
        if self._stuck or not self._waiting.acquire(blocking=False):
            return False
        try:
            return self._wait_for_one()
        finally:
            self._waiting.release()

    def _wait_for_one(self) -> bool:
        while not self._free.acquire(timeout=self._patience_s):
            if time.monotonic() >= self._left_at + self._patience_s:
                self._stuck = True
                return False
        return True


class Connected(Places):
    """Places that have the connections to the database, where Django has one for each thread.

    So there are no more of them than places, however many threads there are to wait.
    """

    def __init__(self, count: int, *, waiting: BoundedSemaphore, patience_s: float) -> None:
        """As for `Places`."""
        super().__init__(count, waiting=waiting, patience_s=patience_s)
        self._kept: deque[Sequence[BaseDatabaseWrapper]] = deque()

    def __exit__(self, *_: object) -> None:
        """Leave the place and its connections; without a place there are none to stay."""
        if not self._has_place():
            connections.close_all()
        super().__exit__()

    def _arrive(self) -> None:
        """Take the connections with the place."""
        super()._arrive()
        try:
            self._hand_over()
        except BaseException:
            self._depart()
            raise

    def _depart(self) -> None:
        """Leave the connections with the place."""
        mine = connections.all(initialized_only=True)
        for each in mine:
            if not each.allow_thread_sharing:
                each.inc_thread_sharing()
            del connections[each.alias]
        self._kept.append(mine)
        super()._depart()

    def _may_leave(self) -> bool:
        """In a transaction nobody leaves: it goes on with its connection."""
        mine = connections.all(initialized_only=True)
        return super()._may_leave() and not any(each.in_atomic_block for each in mine)

    def _hand_over(self) -> None:
        with suppress(IndexError):
            kept = self._kept.pop()
            connections.close_all()  # an answer in parts may have been read with one of its own
            for each in kept:
                connections[each.alias] = each
        # Django does it when a request begins, and has not seen these then.
        close_old_connections()


@dataclass(frozen=True, slots=True)
class Shares:
    """How many places of each kind a process has, and how many may wait for one."""

    look_ups: int
    clients: int
    pages: int
    passwords: int
    mails: int
    waiting_look_ups: int
    waiting_clients: int
    waiting_people: int
    """For pages and passwords together: whoever waits to hash one has come for a page."""

    waiting_mails: int


def shares(threads: int, connections: int) -> Shares:
    """Divide what a process has.

    The places with connections are divided 3 to 4 to 3. All that may hold a thread at once, with a
    place or waiting for one, leave some threads to what is in memory.
    """
    spare = threads - connections
    look_ups, clients = max(1, connections * 3 // 10), max(1, connections * 4 // 10)
    passwords, mails = (2, 4) if spare >= 24 else (1, 1)
    rest = max(0, spare - passwords - mails - 1 - spare // 15)
    return Shares(
        look_ups,
        clients,
        connections - look_ups - clients,
        passwords,
        mails,
        waiting_look_ups=rest * 5 // 16,
        waiting_clients=rest * 4 // 16,
        waiting_people=rest * 6 // 16,
        waiting_mails=rest // 32,
    )


# Where nobody serves, as in a command, nothing is limited.
_WITH_CONNECTIONS: Final = Connected if settings.THREADS else Places
_SHARES: Final = (
    shares(settings.THREADS, settings.DATABASE_CONNECTIONS)
    if settings.THREADS
    else Shares(*[sys.maxsize] * len(fields(Shares)))
)
_WAITING_PEOPLE: Final = BoundedSemaphore(_SHARES.waiting_people)

look_ups: Final = _WITH_CONNECTIONS(
    _SHARES.look_ups, waiting=BoundedSemaphore(_SHARES.waiting_look_ups), patience_s=0.25
)
"""Key sets that are not in memory, which take milliseconds."""

clients: Final = _WITH_CONNECTIONS(
    _SHARES.clients, waiting=BoundedSemaphore(_SHARES.waiting_clients), patience_s=10.0
)
"""The requests of clients, at the token, introspection and revocation endpoints."""

pages: Final = _WITH_CONNECTIONS(_SHARES.pages, waiting=_WAITING_PEOPLE, patience_s=10.0)
"""What people ask for."""

passwords: Final = Places(_SHARES.passwords, waiting=_WAITING_PEOPLE, patience_s=10.0)
"""Hashing a password, which keeps a processor busy for most of a second on purpose."""

mails: Final = Places(
    _SHARES.mails, waiting=BoundedSemaphore(_SHARES.waiting_mails), patience_s=10.0
)
"""Handing a message to the mail server, which may take its time."""
