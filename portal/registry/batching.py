"""Decide what many threads ask in few statements: while one runs, the next batch fills."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import perf_counter
from typing import Final, Generic, TypeVar

from portal.metrics import BATCH_SIZE, BATCH_WAIT

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class BatchesFull(Exception):  # noqa: N818 - a state, not an error in the code
    """Too many items wait, or no batch had room for this one for too long. It was not decided."""


class OutcomeUnknown(Exception):  # noqa: N818
    """The batch failed, and nobody knows whether it was committed. Never decide its items again."""


class _Entry(Generic[Item, Answer]):
    """An item, and how its thread waits: for its answer, or for its turn to run a batch."""

    __slots__ = ("answer", "arrived", "failure", "is_done", "item", "runs", "woken")

    def __init__(self, item: Item) -> None:
        self.item: Final = item
        self.arrived: Final = perf_counter()
        self.answer: Answer
        self.failure: BaseException | None = None
        self.is_done = self.runs = False
        self.woken: Final = Lock()
        self.woken.acquire()


class Batches(Generic[Item, Answer]):
    """Runs one batch at a time, in the thread of one of those who wait for it.

    A lone item runs at once and alone. Items that arrive while a batch runs form the next one, in
    their order, at most `most` of them. Each thread gets its answer when `run` has returned, so
    after the commit. If `run` raises, all threads of that batch raise the same.

    `run` must end on its own. A thread waits for at most `patience_s` seconds for its batch to
    begin, and as long again for it to end.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Item]], Sequence[Answer]],
        *,
        name: str,
        most: int,
        waiting: int,
        patience_s: float,
    ) -> None:
        """Take the function, the size of a batch, how many items may wait, and for how long.

        `name` is the label of its metrics.
        """
        self._run = run
        self._size = BATCH_SIZE.labels(name)
        self._wait_s = BATCH_WAIT.labels(name)
        self._most = most
        self._waiting = waiting
        self._patience_s = patience_s
        self._lock = Lock()
        self._queue: deque[_Entry[Item, Answer]] = deque()
        self._is_running = False

    def decide(self, item: Item) -> Answer:
        """Return the answer to the item. Raises `BatchesFull`, or what `run` raised."""
        entry: _Entry[Item, Answer] = _Entry(item)
        with self._lock:
            if len(self._queue) >= self._waiting:
                raise BatchesFull
            self._queue.append(entry)
            entry.runs, self._is_running = not self._is_running, True
        if not entry.runs:
            self._wait(entry)
        if not entry.is_done:
            self._run_batch()
        if entry.failure is not None:
            raise entry.failure
        return entry.answer

    def _wait(self, entry: _Entry[Item, Answer]) -> None:
        """Return when the entry is done, or when it is its thread's turn to run a batch."""
        if entry.woken.acquire(timeout=self._patience_s):
            return
        with self._lock:
            if entry in self._queue and not entry.runs:
                self._queue.remove(entry)
                raise BatchesFull
        if not entry.woken.acquire(timeout=self._patience_s):
            raise OutcomeUnknown

    def _run_batch(self) -> None:
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
        began = perf_counter()
        failure: BaseException | None = None
        try:
            answers = self._run([each.item for each in batch])
            for each, answer in zip(batch, answers, strict=True):
                each.answer = answer
        except BaseException as raised:  # noqa: BLE001 - each thread of the batch raises it
            failure = raised
        for each in batch:
            each.failure, each.is_done = failure, True
        with self._lock:
            following = self._queue[0] if self._queue else None
            self._is_running = following is not None
            if following is not None:
                following.runs = True
        # The next batch begins before this one's threads answer.
        if following is not None:
            following.woken.release()
        for each in batch:
            each.woken.release()
        self._count(batch, began)

    def _count(self, batch: Sequence[_Entry[Item, Answer]], began: float) -> None:
        """Count a batch that began at this time, when nobody waits for it any more."""
        self._size.observe(len(batch))
        for each in batch:
            self._wait_s.observe(began - each.arrived)
