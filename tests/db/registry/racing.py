"""Races with a known course: threads pile up behind a row that is held, and then it is let go."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from portal.core.reasons import Refused
from portal.registry.errors import RegistryRefusal
from tests.waiting import PATIENCE_S, wait_until

Act = Callable[[], Any]


def race_behind(row: Model, *acts: Act) -> list[Any]:
    """Run the acts in threads of their own; return what each returned, or how it was refused.

    They start one after another while `row` is held, each once the one before waits for a lock (or
    has come to its end). An insert of a row that points at `row` waits too, so an act that looks
    before it locks has then looked already, and its decision is out of date.
    """
    with ThreadPoolExecutor(len(acts)) as pool:
        futures: list[Future[Any]] = []
        with transaction.atomic():
            type(row)._base_manager.select_for_update().get(pk=row.pk)
            for act in acts:
                futures.append(pool.submit(outcome_of, act))
                _wait_until_settled(futures)
        return [future.result(timeout=PATIENCE_S) for future in futures]


def at_once(act: Act, times: int) -> None:
    """Begin the act in this many threads at the same moment; raise what one of them raised."""
    together = Barrier(times)

    def begin() -> None:
        together.wait(PATIENCE_S)
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as pool:
        for each in [pool.submit(begin) for _ in range(times)]:
            each.result(PATIENCE_S)


def outcome_of(act: Act) -> Any:
    """Return what the act returned or how it was refused, with a connection of its own."""
    try:
        return act()
    except (Refused, RegistryRefusal) as refusal:
        return refusal
    finally:
        connection.close()


def _wait_until_settled(futures: list[Future[Any]]) -> None:
    def settled() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            (waiting,) = cursor.fetchone()
        return int(waiting) + sum(future.done() for future in futures) >= len(futures)

    wait_until(settled, "A thread neither waited for a lock nor ended.")
