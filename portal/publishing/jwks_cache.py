"""Key sets that are ready to be sent, in the memory of one process."""

from __future__ import annotations

import time
from collections import OrderedDict
from functools import lru_cache
from threading import Lock
from typing import Final

from django.conf import settings

from portal.publishing.public_endpoint import Document, Headers, render

NAMES: Final = ("jwks.json", "jwks-extended.json")

Prepared = tuple[float, str, Headers, Headers, bytes]
"""Until when (POSIX seconds) these are the right bytes if nobody writes, the entity tag, the
headers of 200, those of 304, the body. A plain tuple of texts: the garbage collector skips it."""

Ticket = tuple[int, int]

ENTRY_BYTES: Final = 700
"""What an entry takes beside its body: its tuples, texts and place, measured and rounded up."""

_SLOTS: Final = 4096


def path_of(client_id: str, *, extended: bool) -> str:
    """Return the path of a client's set, as the server hands it over."""
    return f"/clients/{client_id}/{NAMES[extended]}"


def prepare(document: Document, until: float) -> Prepared:
    """Return the document as it is put on the shelf; `until` as in `Prepared`."""
    full = render(document, "GET")
    tag = dict(full.headers)["ETag"]
    own = ("ETag", tag)
    headers, headers_304 = (
        tuple(own if pair == own else _shared(*pair) for pair in answer.headers)
        for answer in (full, render(document, "GET", tag))
    )
    return until, tag, headers, headers_304, full.body


@lru_cache(maxsize=256)
def _shared(name: str, value: str) -> tuple[str, str]:
    """Return one object for a header that many sets have: a third of what an entry would take."""
    return name, value


class Shelf:
    """Prepared answers by path, those asked for last; at most `capacity` bytes of them.

    It answers only while somebody vouches that every change arrives here (`portal.registry.changes`
    tells when). An answer is put here by who has read it from the database, and only when no change
    of its client has arrived since before that reading: the ticket tells.

    `find` takes no lock: each step of it is one step for the other threads too.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._roomy = capacity // 2
        self.size = 0
        self.gone = False
        """Whether the database cannot be reached: what is not here cannot be read either."""
        self._good_until = 0.0
        self._prepared: OrderedDict[str, Prepared] = OrderedDict()
        self._lock = Lock()
        self._clearings = 0
        # One counter for many clients: a collision costs one reading, and memory stays bounded.
        self._changes = [0] * _SLOTS

    def __len__(self) -> int:
        return len(self._prepared)

    def find(self, path: str) -> Prepared | None:
        """Return the answer for this path, or None when it has to be read."""
        prepared = self._prepared.get(path)
        if prepared is None or time.monotonic() >= self._good_until or time.time() >= prepared[0]:
            return None
        # As long as there is so much room it does not matter whose turn it is to go.
        if self.size > self._roomy:
            try:
                self._prepared.move_to_end(path)
            except KeyError:  # dropped just now
                return None
        return prepared

    def ticket(self, client_id: str) -> Ticket:
        """Return what `put` needs; to be called before the database is read."""
        return self._clearings, self._changes[hash(client_id) % _SLOTS]

    def put(self, client_id: str, ticket: Ticket, prepared: Prepared, *, extended: bool) -> None:
        """Keep an answer that was read after the ticket was taken, when it may be kept."""
        size = len(prepared[4]) + ENTRY_BYTES
        with self._lock:
            if (
                ticket != self.ticket(client_id)
                or self.gone
                or time.monotonic() >= self._good_until
                or time.time() >= prepared[0]
                or size > self.capacity
            ):
                return
            path = path_of(client_id, extended=extended)
            self._remove(path)
            self._prepared[path] = prepared
            self.size += size
            while self.size > self.capacity:
                _, oldest = self._prepared.popitem(last=False)
                self.size -= len(oldest[4]) + ENTRY_BYTES

    def drop(self, client_id: str) -> None:
        """Forget a client, which has changed."""
        with self._lock:
            self._changes[hash(client_id) % _SLOTS] += 1
            for extended in (False, True):
                self._remove(path_of(client_id, extended=extended))

    def clear(self) -> None:
        """Forget everything: changes may have been missed."""
        with self._lock:
            self._clearings += 1
            self._prepared.clear()
            self.size = 0

    def trust(self, until: float) -> None:
        """Answer up to this moment of the monotonic clock: all changes arrive."""
        self._good_until, self.gone = until, False

    def distrust(self) -> None:
        """Answer nothing: changes do not arrive, while somebody may make some."""
        # In this order: who finds nothing here does not hear that the database is gone.
        self.gone, self._good_until = False, 0.0
        self.clear()

    def serve_on(self, until: float) -> None:
        """Answer what is here up to this moment: the database is gone, and takes no changes."""
        self._good_until, self.gone = until, True

    def _remove(self, path: str) -> None:
        removed = self._prepared.pop(path, None)
        if removed:
            self.size -= len(removed[4]) + ENTRY_BYTES


shelf = Shelf(settings.JWKS_MEMORY_MB * 1024 * 1024)
"""The one of this process."""
