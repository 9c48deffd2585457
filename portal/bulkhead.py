"""Limits on concurrent work that can block, so that threads stay free to answer from memory."""

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


class BulkheadFull(Exception):  # noqa: N818 - a state, not an error in the code
    """No slot is free, and too many requests wait, or no slot was released for too long."""


class Bulkhead:
    """A limit on how many requests do something that can block; each of them holds a slot.

    A slow or stopped database, and a body that is sent slowly, block a thread for a long time. The
    server has a fixed number of threads; if all were blocked it would answer nothing. So code that
    can block runs `with` a bulkhead.

    If no slot is free, a request waits while slots keep being released. If none is released for
    `patience_s` seconds it raises `BulkheadFull`, and later requests raise it at once until a slot
    is released. A waiting request holds a thread too, so at most `waiting` requests wait; two
    bulkheads may share that number. Slow work without the database runs `with` `released()`.
    """

    def __init__(self, count: int, *, waiting: BoundedSemaphore, patience_s: float) -> None:
        """Take the number of slots, the waiting limit, and the longest time without a release."""
        self.slots: Final = count
        self._free = BoundedSemaphore(count)
        self._waiting = waiting
        self._patience_s = patience_s
        self._released_at = 0.0
        self._stuck = False
        self._thread = local()

    @property
    def used(self) -> int:
        """How many slots are in use."""
        return self.slots - self._free._value  # noqa: SLF001 - it has no public counter

    def __enter__(self) -> Self:
        """Take a slot. Raises `BulkheadFull`."""
        if not self._free.acquire(blocking=False) and not self._wait():
            raise BulkheadFull
        self._acquired()
        return self

    def __exit__(self, *_: object) -> None:
        """Release the slot, unless it is already released."""
        if self._has_slot():
            self._release()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Release the slot for the block, then take one again. Raises `BulkheadFull`.

        Does nothing in a thread without a slot. A request that takes a slot again does not count as
        waiting, so that started work goes before new work.
        """
        if not self._may_release():
            yield
            return
        self.__exit__()
        try:
            yield
        finally:
            if not self._wait_for_slot():
                raise BulkheadFull
            self._acquired()

    def _acquired(self) -> None:
        self._thread.has_slot = True

    def _release(self) -> None:
        self._thread.has_slot = False
        self._released_at, self._stuck = time.monotonic(), False
        self._free.release()

    def _has_slot(self) -> bool:
        return getattr(self._thread, "has_slot", False)

    def _may_release(self) -> bool:
        return self._has_slot()

    def _wait(self) -> bool:
        """Wait for a slot for a new request; return whether one was taken."""
        if self._stuck or not self._waiting.acquire(blocking=False):
            return False
        try:
            return self._wait_for_slot()
        finally:
            self._waiting.release()

    def _wait_for_slot(self) -> bool:
        while not self._free.acquire(timeout=self._patience_s):
            if time.monotonic() >= self._released_at + self._patience_s:
                self._stuck = True
                return False
        return True


class DatabaseBulkhead(Bulkhead):
    """A bulkhead whose slots own the database connections, which Django keeps for each thread.

    So a process has no more connections than slots, however many threads it has.
    """

    def __init__(self, count: int, *, waiting: BoundedSemaphore, patience_s: float) -> None:
        """As for `Bulkhead`."""
        super().__init__(count, waiting=waiting, patience_s=patience_s)
        self._kept: deque[Sequence[BaseDatabaseWrapper]] = deque()

    def __exit__(self, *_: object) -> None:
        """Release the slot with its connections; a thread without a slot closes its own."""
        if not self._has_slot():
            connections.close_all()
        super().__exit__()

    def _acquired(self) -> None:
        """Take the connections of the slot."""
        super()._acquired()
        try:
            self._take_connections()
        except BaseException:
            self._release()
            raise

    def _release(self) -> None:
        """Return the connections to the slot."""
        mine = connections.all(initialized_only=True)
        for each in mine:
            if not each.allow_thread_sharing:
                each.inc_thread_sharing()
            del connections[each.alias]
        self._kept.append(mine)
        super()._release()

    def _may_release(self) -> bool:
        """Return False in a transaction, which needs its connection."""
        mine = connections.all(initialized_only=True)
        return super()._may_release() and not any(each.in_atomic_block for each in mine)

    def _take_connections(self) -> None:
        with suppress(IndexError):
            kept = self._kept.pop()
            connections.close_all()  # a streamed response may have opened connections of its own
            for each in kept:
                connections[each.alias] = each
        # Django closes old connections when a request begins, before the slot provides these.
        close_old_connections()


@dataclass(frozen=True, slots=True)
class Slots:
    """How many slots each bulkhead has, and how many requests may wait for one."""

    lookups: int
    clients: int
    pages: int
    passwords: int
    tokens: int
    """Token requests that are decided without a connection of their own."""

    waiting_lookups: int
    waiting_clients: int
    waiting_people: int
    """For pages and passwords together: a request that waits to hash a password is for a page."""


def divide_slots(threads: int, connections: int) -> Slots:
    """Divide the threads and connections of a process.

    The connections are divided 3:4:3. Most of the other threads are for token requests. Threads
    that hold or await a slot are always fewer than all threads; the rest answer from memory.
    """
    spare = threads - connections
    lookups, clients = max(1, connections * 3 // 10), max(1, connections * 4 // 10)
    passwords = 2 if spare >= 24 else 1
    rest = max(0, spare - passwords - 1 - spare // 15)
    return Slots(
        lookups=lookups,
        clients=clients,
        pages=connections - lookups - clients,
        passwords=passwords,
        tokens=max(1, rest * 9 // 16),
        waiting_lookups=rest * 4 // 16,
        waiting_clients=rest // 16,
        waiting_people=rest * 2 // 16,
    )


# Outside a server, as in a command, nothing is limited.
_WITH_CONNECTIONS: Final = DatabaseBulkhead if settings.THREADS else Bulkhead
_SLOTS: Final = (
    divide_slots(settings.THREADS, settings.DATABASE_CONNECTIONS)
    if settings.THREADS
    else Slots(*[sys.maxsize] * len(fields(Slots)))
)
_WAITING_PEOPLE: Final = BoundedSemaphore(_SLOTS.waiting_people)

lookups: Final = _WITH_CONNECTIONS(
    _SLOTS.lookups, waiting=BoundedSemaphore(_SLOTS.waiting_lookups), patience_s=0.25
)
"""Reads of key sets that are not in memory, which take milliseconds."""

TOKENS: Final = _SLOTS.tokens
tokens: Final = Bulkhead(TOKENS, waiting=BoundedSemaphore(0), patience_s=0.0)
"""Token requests in front of Django. They share one connection and the commits on it."""

clients: Final = _WITH_CONNECTIONS(
    _SLOTS.clients, waiting=BoundedSemaphore(_SLOTS.waiting_clients), patience_s=10.0
)
"""Other requests of clients to the token, introspection and revocation endpoints."""

pages: Final = _WITH_CONNECTIONS(_SLOTS.pages, waiting=_WAITING_PEOPLE, patience_s=10.0)
"""Requests for pages."""

passwords: Final = Bulkhead(_SLOTS.passwords, waiting=_WAITING_PEOPLE, patience_s=10.0)
"""Password hashing, which takes most of a second of processor time on purpose."""
