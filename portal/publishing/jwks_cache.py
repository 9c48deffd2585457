"""The in-memory cache of rendered key sets, one per process (ADR 0020)."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from functools import lru_cache
from threading import Condition, Event, Lock
from typing import Final

from django.conf import settings

from portal.publishing.public_endpoint import Document, Headers, render
from portal.registry.follower import Follower
from portal.registry.ledger_source import follower

NAMES: Final = ("jwks.json", "jwks-extended.json")

Entry = tuple[float, float, str, Headers, Headers, bytes]
"""Valid until (POSIX seconds, if no key changes), when to read again (seconds of `time.monotonic`),
entity tag, headers of 200, headers of 304, body. A plain tuple of texts, which the garbage
collector skips."""

Version = tuple[int, int]

ENTRY_BYTES: Final = 700
"""Memory of an entry without its body: tuples, texts and dict slots, measured and rounded up."""

LIFETIME_S: Final = 60.0
"""An entry is read again within this time, because SQL written by hand is in no ledger."""

_TRY_AGAIN_S: Final = 5.0
_PATIENCE_S: Final = 0.25
_SLOTS: Final = 4096


def path_of(client_id: str, *, extended: bool) -> str:
    """Return the path of a client's set, as WSGI's PATH_INFO has it."""
    return f"/clients/{client_id}/{NAMES[extended]}"


def set_at(path: str) -> tuple[str, bool]:
    """Return the client_id of a path from `path_of`, and whether the set is extended."""
    _, _, client_id, name = path.split("/")
    return client_id, name == NAMES[True]


def prepare(document: Document, until: float) -> Entry:
    """Return the document as a cache entry. `until` is the first element of `Entry`."""
    full = render(document, "GET")
    tag = dict(full.headers)["ETag"]
    own = ("ETag", tag)
    headers, headers_304 = (
        tuple(own if pair == own else _shared(*pair) for pair in answer.headers)
        for answer in (full, render(document, "GET", tag))
    )
    read_again = time.monotonic() + LIFETIME_S - _TRY_AGAIN_S
    return until, read_again, tag, headers, headers_304, full.body


@lru_cache(maxsize=256)
def _shared(name: str, value: str) -> tuple[str, str]:
    """Return one shared object for equal headers, which saves a third of an entry's memory."""
    return name, value


class JwksCache:
    """An LRU cache of rendered responses by path, of at most `capacity` bytes.

    It answers until its follower's `good_until`. Code that reads a set from the database puts it
    here with the version from before that read. If the client has changed since, `put` ignores it.

    An entry that was dropped is missing until it is read again.

    `find` takes no lock in the common case: each of its steps is atomic for other threads.
    """

    def __init__(self, capacity: int, follower: Follower) -> None:
        self.capacity = capacity
        self._roomy = capacity // 2
        self.size = 0
        self._follower = follower
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self.is_filled = False
        """Whether a `CacheFiller` reads what is missing."""
        self._requested: set[str] = set()
        self._missing: OrderedDict[str, bool] = OrderedDict()
        self.has_missing = Event()
        """Set while an entry is missing. `CacheFiller` waits for it."""
        self._clearings = 0
        # Clients share counters, which bounds memory. A collision costs one more read.
        self._changes = [0] * _SLOTS
        follower.subscribe(self)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def find(self, path: str) -> Entry | None:
        """Return the entry for this path, or None if it must be read from the database."""
        entry = self._entries.get(path)
        now = time.monotonic()
        if entry is None or now >= self._follower.good_until or time.time() >= entry[0]:
            return None
        if now >= entry[1]:
            entry = self._renewed(path, entry, now)
            if entry is None:
                return None
        self._requested.add(path)
        # While the cache is less than half full, the order of eviction does not matter.
        if self.size > self._roomy:
            try:
                self._entries.move_to_end(path)
            except KeyError:  # dropped just now
                return None
        return entry

    def _renewed(self, path: str, entry: Entry, now: float) -> Entry | None:
        """Return the entry after a `CacheFiller` has read it again. The first request waits for it.

        Other requests get the old entry meanwhile. So does the first if the read takes too long or
        the database is unreachable. Returns None if no `CacheFiller` runs: the caller then reads.
        """
        with self._changed:
            if self._follower.gone or self._entries.get(path) is not entry:
                return entry
            until, _, tag, headers, headers_304, body = entry
            kept = until, now + _TRY_AGAIN_S, tag, headers, headers_304, body
            self._entries[path] = kept
            if not self.is_filled:
                return None
            self._miss(path)
            self._changed.wait_for(lambda: self._entries.get(path) is not kept, _PATIENCE_S)
            return self._entries.get(path)

    def version(self, client_id: str) -> Version:
        """Return the version that `put` needs. Call it before reading the database."""
        return self._clearings, self._changes[hash(client_id) % _SLOTS]

    def put(
        self,
        client_id: str,
        version: Version,
        entry: Entry,
        *,
        extended: bool,
        may_evict: bool = True,
    ) -> None:
        """Cache an entry that was read after `version` was taken, unless the client has changed.

        If there is no room, evict the least recently used entries. With `may_evict` false, do not
        cache this one instead.
        """
        size = len(entry[-1]) + ENTRY_BYTES
        with self._lock:
            if version != self.version(client_id) or not self._follower.is_healthy():
                return
            path = path_of(client_id, extended=extended)
            self._changed.notify_all()
            # The old entry is outdated, even if the new one is not cached.
            self._remove(path)
            room = self.capacity - (0 if may_evict else self.size)
            if time.time() >= entry[0] or size > room:
                return
            self._entries[path] = entry
            self.size += size
            while self.size > self.capacity:
                _, oldest = self._entries.popitem(last=False)
                self.size -= len(oldest[-1]) + ENTRY_BYTES

    def drop(self, client_id: str) -> None:
        """Remove the sets of a client that has changed."""
        with self._lock:
            self._changes[hash(client_id) % _SLOTS] += 1
            for extended in (False, True):
                path = path_of(client_id, extended=extended)
                if self._remove(path):
                    self._miss(path)

    def clear(self) -> None:
        """Remove all entries, because changes may have been missed."""
        with self._lock:
            self._clearings += 1
            # The most recently used entries are read first.
            for path in self._entries:
                self._miss(path)
            self._entries.clear()
            self.size = 0

    def want(self, paths: Iterable[str]) -> None:
        """Ask for these paths to be read while there is room, if they are not in the cache."""
        with self._lock:
            for path in paths:
                if path not in self._entries:
                    self._missing.setdefault(path, False)
        self.has_missing.set()

    def take_missing(self) -> tuple[str, bool] | None:
        """Return the next path to read, and whether it was cached; None if nothing is missing."""
        with self._lock:
            while self._missing:
                path, was_here = self._missing.popitem(last=False)
                entry = self._entries.get(path)
                if entry is None or entry[1] <= time.monotonic() + _TRY_AGAIN_S:
                    return path, was_here
            self.has_missing.clear()
            return None

    def put_back(self, path: str, *, was_here: bool) -> None:
        """Ask again for a path that could not be read."""
        with self._lock:
            self._missing.setdefault(path, was_here)
        self.has_missing.set()

    def note_request(self, client_id: str, *, extended: bool) -> None:
        """Note a request that was answered from the database, because `find` had no entry."""
        self._requested.add(path_of(client_id, extended=extended))

    def take_requested(self) -> list[str]:
        """Return the cached paths that were requested since the last call."""
        requested, self._requested = self._requested, set()
        return [path for path in requested.copy() if path in self._entries]

    def _miss(self, path: str) -> None:
        """Ask for a path that was cached to be read before all others."""
        self._missing[path] = True
        self._missing.move_to_end(path, last=False)
        self.has_missing.set()

    def _remove(self, path: str) -> bool:
        """Remove an entry; return whether it existed. The caller must hold the lock."""
        removed = self._entries.pop(path, None)
        if removed:
            self.size -= len(removed[-1]) + ENTRY_BYTES
        return removed is not None


cache: Final = JwksCache(settings.JWKS_MEMORY_MB * 1024 * 1024, follower)
"""The cache of this process."""
