"""Batches: who runs them, what is in them, and what their threads get."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event, Lock

import pytest

from portal.registry.batching import Batches, BatchesFull, OutcomeUnknown
from tests.waiting import wait_until

LONG_S = 30.0
SHORT_S = 0.3


class Slow:
    """Doubles numbers, and stops before a batch with the number 1 until it may go on."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.has_begun = Event()
        self.may_go_on = Event()
        self._lock = Lock()

    def __call__(self, numbers: Sequence[int]) -> Sequence[int]:
        with self._lock:
            self.batches.append(list(numbers))
        if 1 in numbers:
            self.has_begun.set()
            assert self.may_go_on.wait(LONG_S)
        if 13 in numbers:
            raise ArithmeticError
        return [2 * number for number in numbers]


def batches_of(
    slow: Slow, *, most: int = 100, waiting: int = 100, patience_s: float = LONG_S
) -> Batches[int, int]:
    return Batches(slow, name="test", most=most, waiting=waiting, patience_s=patience_s)


def waits(batches: Batches[int, int], count: int) -> bool:
    return len(batches._queue) == count


def ask_while_one_runs(
    batches: Batches[int, int], slow: Slow, pool: ThreadPoolExecutor, *numbers: int
) -> list[Future[int]]:
    """Let a batch begin with 1, and ask for the other numbers, one after the other."""
    asked = [pool.submit(batches.decide, 1)]
    assert slow.has_begun.wait(LONG_S)
    for count, number in enumerate(numbers, 1):
        asked.append(pool.submit(batches.decide, number))
        wait_until(partial(waits, batches, count), "It does not wait.")
    return asked


def test_a_lone_item_runs_at_once_and_alone() -> None:
    slow = Slow()
    batches = batches_of(slow)
    assert [batches.decide(number) for number in (2, 3)] == [4, 6]
    assert slow.batches == [[2], [3]]


def test_items_that_come_while_a_batch_runs_are_the_next_batches() -> None:
    slow = Slow()
    with ThreadPoolExecutor(8) as pool:
        asked = ask_while_one_runs(batches_of(slow, most=3), slow, pool, 2, 3, 4, 5)
        slow.may_go_on.set()
        assert [each.result(LONG_S) for each in asked] == [2, 4, 6, 8, 10]
    assert slow.batches == [[1], [2, 3, 4], [5]]


def test_all_of_a_batch_that_fails_fail_and_no_others() -> None:
    slow = Slow()
    with ThreadPoolExecutor(8) as pool:
        asked = ask_while_one_runs(batches_of(slow, most=2), slow, pool, 2, 13, 4)
        slow.may_go_on.set()
        failed = [type(each.exception(LONG_S)) for each in asked]
    assert failed == [type(None), ArithmeticError, ArithmeticError, type(None)]


def test_no_more_wait_than_may() -> None:
    slow = Slow()
    batches = batches_of(slow, waiting=1)
    with ThreadPoolExecutor(8) as pool:
        asked = ask_while_one_runs(batches, slow, pool, 2)
        with pytest.raises(BatchesFull):
            batches.decide(3)
        slow.may_go_on.set()
        assert [each.result(LONG_S) for each in asked] == [2, 4]
    assert slow.batches == [[1], [2]]


def test_an_item_whose_batch_does_not_begin_is_not_decided() -> None:
    slow = Slow()
    batches = batches_of(slow, patience_s=0.01)
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(batches.decide, 1)
        assert slow.has_begun.wait(LONG_S)
        with pytest.raises(BatchesFull):
            batches.decide(2)
        slow.may_go_on.set()
        assert first.result(LONG_S) == 2
    assert slow.batches == [[1]]
    assert batches.decide(3) == 6


def test_an_item_whose_batch_does_not_end_has_an_unknown_outcome() -> None:
    slow = Slow()
    batches = batches_of(slow, patience_s=SHORT_S)
    with ThreadPoolExecutor(8) as pool:
        with batches._lock:
            batches._is_running = True  # as if one ran
        first = pool.submit(batches.decide, 1)
        wait_until(lambda: len(batches._queue) == 1, "It does not wait.")
        second = pool.submit(batches.decide, 2)
        wait_until(lambda: len(batches._queue) == 2, "It does not wait.")
        batches._queue[0].runs = True
        batches._queue[0].woken.release()
        assert isinstance(second.exception(LONG_S), OutcomeUnknown)
        slow.may_go_on.set()
        assert first.result(LONG_S) == 2


def test_each_item_is_decided_once() -> None:
    slow = Slow()
    slow.may_go_on.set()
    batches = batches_of(slow, most=7)
    numbers = [number for number in range(3000) if number != 13]
    with ThreadPoolExecutor(24) as pool:
        assert list(pool.map(batches.decide, numbers)) == [2 * number for number in numbers]
    assert sorted(number for batch in slow.batches for number in batch) == numbers
    assert max(map(len, slow.batches)) <= 7
