"""The worker: claims what is due, and does it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import Error as DatabaseFailure
from django.db import close_old_connections, connection, connections
from django.db.models import Subquery
from django.dispatch import Signal
from django.utils import timezone

from portal.work.models import LastSeen, Task
from portal.work.tasks import (
    KINDS,
    TaskDropped,
    TaskFailed,
    check_is_wanted,
    claim,
    drop,
    fail,
    put_recurring,
    succeed,
)

logger = logging.getLogger(__name__)

process_starts: Final = Signal()
"""Sent once by each process of workers, before it works."""

PAUSE_S: Final = 0.5
"""How long an idle worker pauses, so also how late it begins what is due now."""

SEEN_EVERY: Final = timedelta(seconds=10)
MISSING_AFTER: Final = timedelta(minutes=2)
"""When no worker was seen for so long, none runs. A worker reports while its tasks run."""


class Worker:
    """Does due tasks until it is stopped, and completes those that are running.

    It does only tasks of `kinds`, or of all. `clock` returns the time by which tasks are due.
    `sleep` pauses for a number of seconds.
    """

    def __init__(
        self,
        *,
        kinds: Collection[str] | None = None,
        clock: Callable[[], datetime] = timezone.now,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._kinds = kinds
        self._clock = clock
        self._sleep = sleep
        self._seen_at: datetime | None = None
        self._stopped = self._is_lost = self._has_recurring = False
        self._running: dict[Future[None], str] = {}

    def stop(self) -> None:
        """End `run` after the current tasks. A signal handler may call it."""
        self._stopped = True

    def run(self) -> None:
        """Do what is due, again and again, until `stop` is called.

        This thread claims tasks, and others do them: as many of a kind at once as the kind says, so
        no kind waits for another. While the database is gone, tries again after each pause.
        """
        with ThreadPoolExecutor(sum(KINDS[name].threads for name in self._names)) as pool:
            while not self._stopped:
                try:
                    close_old_connections()
                    began = self._begin(pool)
                except DatabaseFailure as failure:
                    began = False
                    if not self._is_lost:
                        logger.warning("The worker has no database: %s", type(failure).__name__)
                    self._is_lost = True
                    connection.close()
                else:
                    self._is_lost = False
                if began or self._stopped:
                    continue
                if self._running:
                    wait(self._running, PAUSE_S, FIRST_COMPLETED)
                else:
                    self._sleep(PAUSE_S)

    def _begin(self, pool: ThreadPoolExecutor) -> bool:
        """Begin a due task of each kind that has room for one; return whether there was any.

        Raises the failure of the database that a task met, if one did.
        """
        for each in [each for each in self._running if each.done()]:
            del self._running[each]
            each.result()
        if not self._has_recurring:
            put_recurring(self._names, self._clock())
            self._has_recurring = True
        before = len(self._running)
        # One kind after the other: a kind without room may have many tasks that are due.
        for name in self._names:
            has_room = list(self._running.values()).count(name) < KINDS[name].threads
            if has_room and (task := self._claim([name])):
                self._running[pool.submit(self._do_apart, task)] = name
        return len(self._running) > before

    def step(self) -> bool:
        """Do one due task in this thread; return whether there was one."""
        task = self._claim(self._names)
        if task is None:
            return False
        self._do(task)
        return True

    def _claim(self, kinds: Collection[str]) -> Task | None:
        now = self._clock()
        self._report(now)
        return claim(kinds, now)

    def _do_apart(self, task: Task) -> None:
        """Do a task in a thread of the pool, which has a connection only as long as that takes."""
        try:
            self._do(task)
        finally:
            connections.close_all()

    def _do(self, task: Task) -> None:
        now = self._clock()
        try:
            check_is_wanted(task, now)
            due_at = KINDS[task.kind].run(task, now)
        except TaskDropped as failure:
            logger.error("Task %s is dropped: %s", task, failure)  # noqa: TRY400 - no bug of ours
            drop(task, now=self._clock())
        except TaskFailed as failure:
            logger.warning("Task %s failed, attempt %d: %s", task, task.attempts, failure)
            fail(task, str(failure), now=self._clock())
        except Exception as failure:
            # The text of an error may contain what must not be stored.
            logger.exception("Task %s failed, attempt %d", task, task.attempts)
            fail(task, type(failure).__name__, now=self._clock())
        else:
            succeed(task, due_at=due_at, now=self._clock())

    @property
    def _names(self) -> Collection[str]:
        return KINDS if self._kinds is None else self._kinds

    def _report(self, now: datetime) -> None:
        """Store that a worker was seen, at most every ten seconds."""
        if self._seen_at is None or now - self._seen_at >= SEEN_EVERY:
            LastSeen.objects.update_or_create(pk=1, defaults={"at": now})
            self._seen_at = now


@dataclass(frozen=True, slots=True)
class State:
    """When a worker was last seen, if ever, and since when a task is due, if one is.

    `failing_since` is when the oldest task was queued whose last attempt failed.
    """

    seen_at: datetime | None
    due_since: datetime | None
    failing_since: datetime | None
    now: datetime

    @property
    def is_missing(self) -> bool:
        """Whether no worker runs."""
        return self.seen_at is None or self.now - self.seen_at > MISSING_AFTER


def worker_state(now: datetime) -> State:
    """Return what the tables say about the workers, with one query.

    If none was ever seen, that is all the answer.
    """
    due = Task.objects.order_by("due_at", "pk").values("due_at")[:1]
    failing = Task.objects.exclude(error="").order_by("made_at").values("made_at")[:1]
    seen = LastSeen.objects.filter(pk=1).values_list("at", Subquery(due), Subquery(failing))
    seen_at, due_at, failing_since = seen.first() or (None, None, None)
    return State(seen_at, due_at if due_at and due_at <= now else None, failing_since, now)
