"""Key sets that are ready to be sent, in the memory of one process (ADR 0020)."""

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
"""Until when (POSIX seconds) these are the right bytes if nobody writes, when they are read again
(seconds of `time.monotonic`), the entity tag, the headers of 200, those of 304, the body. A plain
tuple of texts: the garbage collector skips it."""

Version = tuple[int, int]

ENTRY_BYTES: Final = 700
"""What an entry takes beside its body: its tuples, texts and place, measured and rounded up."""

LIFETIME_S: Final = 60.0
"""After so long an entry was read again, as SQL written by hand is in no ledger."""

_TRY_AGAIN_S: Final = 5.0
_PATIENCE_S: Final = 0.25
_SLOTS: Final = 4096


def path_of(client_id: str, *, extended: bool) -> str:
    """Return the path of a client's set, as the server hands it over."""
    return f"/clients/{client_id}/{NAMES[extended]}"


def set_at(path: str) -> tuple[str, bool]:
    """Return the client_id of a path that `path_of` made, and whether the set is extended."""
    _, _, client_id, name = path.split("/")
    return client_id, name == NAMES[True]


def prepare(document: Document, until: float) -> Entry:
    """Return the document as the cache keeps it; `until` as in `Entry`."""
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
    """Return one object for a header that many sets have: a third of what an entry would take."""
    return name, value


class JwksCache:
    """Prepared answers by path, those asked for last; at most `capacity` bytes of them.

    It answers while its follower says that what it keeps is good. Whoever has read an answer from
    the database puts it here, unless a change of its client was seen since before that reading: the
    version tells.

    What was here and was dropped is `missing`, until somebody reads it again.

    `find` takes no lock: each step of it is one step for the other threads too.
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
        """Whether somebody reads what is missing."""
        self._requested: set[str] = set()
        self._missing: OrderedDict[str, bool] = OrderedDict()
        self.has_missing = Event()
        """Set when something is missing, for whoever reads it again."""
        self._clearings = 0
        # One counter for many clients: a collision costs one reading, and memory stays bounded.
        self._changes = [0] * _SLOTS
        follower.subscribe(self)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def find(self, path: str) -> Entry | None:
        """Return the answer for this path, or None when it has to be read."""
        entry = self._entries.get(path)
        now = time.monotonic()
        if entry is None or now >= self._follower.good_until or time.time() >= entry[0]:
            return None
        if now >= entry[1]:
            entry = self._renewed(path, entry, now)
            if entry is None:
                return None
        self._requested.add(path)
        # As long as there is so much room it does not matter whose turn it is to go.
        if self.size > self._roomy:
            try:
                self._entries.move_to_end(path)
            except KeyError:  # dropped just now
                return None
        return entry

    def _renewed(self, path: str, entry: Entry, now: float) -> Entry | None:
        """Return the entry as it was read again in the background, for the first who asks for it.

        Others get it as it is meanwhile, and so does the first if the reading takes long or the
        database is gone. None if nobody fills the cache: the first reads it himself then.
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
        """Return what `put` needs; to be called before the database is read."""
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
        """Keep an answer that was read after its version was asked for, when it may be kept.

        If there is no room for it, those that were asked for longest ago go, or with `may_evict`
        false, this one.
        """
        size = len(entry[-1]) + ENTRY_BYTES
        with self._lock:
            if version != self.version(client_id) or not self._follower.is_healthy():
                return
            path = path_of(client_id, extended=extended)
            self._changed.notify_all()
            # What was there is older, also when this one is not kept.
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
        """Forget a client, which has changed."""
        with self._lock:
            self._changes[hash(client_id) % _SLOTS] += 1
            for extended in (False, True):
                path = path_of(client_id, extended=extended)
                if self._remove(path):
                    self._miss(path)

    def clear(self) -> None:
        """Forget everything: changes may have been missed."""
        with self._lock:
            self._clearings += 1
            # Those that were asked for last are read first.
            for path in self._entries:
                self._miss(path)
            self._entries.clear()
            self.size = 0

    def want(self, paths: Iterable[str]) -> None:
        """Let those of these that are not here be read, as long as there is room for them."""
        with self._lock:
            for path in paths:
                if path not in self._entries:
                    self._missing.setdefault(path, False)
        self.has_missing.set()

    def take_missing(self) -> tuple[str, bool] | None:
        """Return the path to be read next, and whether it was here; None if nothing is missing."""
        with self._lock:
            while self._missing:
                path, was_here = self._missing.popitem(last=False)
                entry = self._entries.get(path)
                if entry is None or entry[1] <= time.monotonic() + _TRY_AGAIN_S:
                    return path, was_here
            self.has_missing.clear()
            return None

    def put_back(self, path: str, *, was_here: bool) -> None:
        """Let a path that could not be read be read later."""
        with self._lock:
            self._missing.setdefault(path, was_here)
        self.has_missing.set()

    def note_request(self, client_id: str, *, extended: bool) -> None:
        """Count a request that `find` could not answer, and that was answered otherwise."""
        self._requested.add(path_of(client_id, extended=extended))

    def take_requested(self) -> list[str]:
        """Return the paths that were asked for since the last call, as far as they are here."""
        requested, self._requested = self._requested, set()
        return [path for path in requested.copy() if path in self._entries]

    def _miss(self, path: str) -> None:
        """Let a path be read that was here, before all others."""
        self._missing[path] = True
        self._missing.move_to_end(path, last=False)
        self.has_missing.set()

    def _remove(self, path: str) -> bool:
        """Return whether it was here."""
        removed = self._entries.pop(path, None)
        if removed:
            self.size -= len(removed[-1]) + ENTRY_BYTES
        return removed is not None


cache: Final = JwksCache(settings.JWKS_MEMORY_MB * 1024 * 1024, follower)
"""The one of this process."""
