"""Fills the JWKS cache in the background, so that key sets survive an outage of the database."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from threading import Thread
from typing import Final

from django.db import Error as DatabaseFailure
from django.utils import timezone

from portal import bulkhead
from portal.publishing.jwks_cache import ENTRY_BYTES, JwksCache, path_of, set_at
from portal.publishing.reading import read_into
from portal.registry.follower import Follower
from portal.registry.models import Event, Ledger
from portal.registry.models.appending import number_older
from portal.registry.serving import ThisProcess, note_requests, requested_sets

logger = logging.getLogger(__name__)

_REPORT_EVERY_S: Final = 5.0
_EXCHANGE_EVERY_S: Final = 60.0
_YOUNG_S: Final = 60.0
"""How long after its start a process exchanges as often as it reports."""
_PAUSE_S: Final = 0.5


class CacheFiller:
    """A thread that reads sets that the cache dropped, and sets requested from other processes.

    When a client changes, its sets are read again as soon as they are dropped. Once a minute the
    process stores which sets were requested from it, and reads which sets were requested from any
    process in the last hour. It caches all of them while there is room. Every few seconds it
    reports which ledger number it serves.
    """

    def __init__(
        self, cache: JwksCache, follower: Follower, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.unfit = 0
        """How many sets requested in the last hour are not in the cache.

        There is no room for them, or a key in them ends so soon that each request reads them.
        """
        self._cache = cache
        self._follower = follower
        self._clock = clock
        self._process = ThisProcess()
        self._started_at = clock()
        self._report_at = self._exchange_at = 0.0
        self._hour: datetime | None = None
        self._noted: set[str] = set()

    def start(self) -> None:
        """Start filling, in a thread that ends with the process."""
        self._cache.is_filled = True
        Thread(target=self._run, name="cache filler", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._cache.has_missing.wait(self.step())

    def step(self) -> float:
        """Do what is due; return the seconds until more is due, unless a set is missing."""
        if not self._follower.is_healthy():
            time.sleep(_PAUSE_S)
            return 0.0
        try:
            self._do_what_is_due()
            self._read_one()
        except (DatabaseFailure, bulkhead.BulkheadFull) as failure:
            logger.info("The cache is not filled now: %s", failure or "the database is busy")
            time.sleep(_PAUSE_S)
        except Exception:
            logger.exception("The cache cannot be filled")
            time.sleep(_PAUSE_S)
        return max(0.0, min(self._report_at, self._exchange_at) - self._clock())

    def _read_one(self) -> None:
        missing = self._cache.take_missing()
        if missing is None:
            return
        path, was_here = missing
        if not was_here and self._cache.size + ENTRY_BYTES > self._cache.capacity:
            self.unfit += 1
            return
        client_id, extended = set_at(path)
        version = self._cache.version(client_id)
        try:
            read_into(self._cache, client_id, extended=extended, may_evict=was_here)
        except Exception:
            self._cache.put_back(path, was_here=was_here)
            raise
        if path in self._cache:
            return
        if version != self._cache.version(client_id):
            # It changed while it was read.
            self._cache.put_back(path, was_here=was_here)
        elif not was_here:
            self.unfit += 1

    def _do_what_is_due(self) -> None:
        now = self._clock()
        if now >= self._report_at:
            self._report_at = now + _REPORT_EVERY_S
            with bulkhead.lookups:
                if self._follower.has_unnumbered:
                    number_older(Event, Ledger, limit=1000)
                self._process.report(
                    self._follower.number, cached=len(self._cache), unfit=self.unfit
                )
        # After the report: the exchange resets `unfit`, which then counts up again.
        if now >= self._exchange_at:
            is_young = now < self._started_at + _YOUNG_S
            self._exchange_at = now + (_REPORT_EVERY_S if is_young else _EXCHANGE_EVERY_S)
            self._exchange(timezone.now())

    def _exchange(self, now: datetime) -> None:
        """Store which sets were requested from this process, and read those of all processes."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._noted = hour, set()
        new = [path for path in self._cache.take_requested() if path not in self._noted]
        with bulkhead.lookups:
            note_requests(map(set_at, new), hour)
            requested, self.unfit = requested_sets(hour, limit=self._cache.capacity // ENTRY_BYTES)
        self._noted.update(new)
        self._cache.want(path_of(client_id, extended=each) for client_id, each in requested)
