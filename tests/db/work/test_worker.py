"""The worker: each due task is done, a failed one later, a lost one by another worker."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from queue import Queue
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from portal.work import tasks
from portal.work.models import LastSeen, Tally, Task
from portal.work.sealing import NotSealed, seal, unseal
from portal.work.tasks import FIRST_PAUSE, LONGEST_PAUSE, Kind, TaskFailed, claim, pause_after, put
from portal.work.worker import MISSING_AFTER, Worker, worker_state
from tests.db.registry.racing import at_once
from tests.waiting import PATIENCE_S, wait_until

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


Run = Callable[[Task, datetime], datetime | None]
Known = Callable[[Run], Kind]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Known:
    """A function that makes a function the only kind of task."""

    def make(run: Run) -> Kind:
        kind = Kind("test", "Tests", run)
        monkeypatch.setattr(tasks, "KINDS", {"test": kind})
        monkeypatch.setattr("portal.work.worker.KINDS", tasks.KINDS)
        return kind

    return make


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def worker(clock: Clock) -> Worker:
    return Worker(clock=clock, sleep=lambda _: None)


def test_operators_read_how_many_connections_a_worker_needs() -> None:
    tasks_at_once = sum(kind.threads for kind in tasks.KINDS.values())
    text = " ".join((settings.BASE_DIR / "docs/operations.md").read_text().split())
    assert f"one for each task that it does, at most {1 + tasks_at_once} in all" in text


@pytest.mark.postgresql
def test_a_thread_finds_its_kind_behind_many_tasks_of_another() -> None:
    Task.objects.bulk_create(Task(kind="many", subject=str(n), due_at=NOON) for n in range(2000))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE work_task")
    due = Task.objects.filter(kind__in=["few"], due_at__lte=NOON).order_by("due_at", "pk")
    assert "task_due_of_kind" in due[:1].explain()


def test_does_what_is_due_in_order_and_nothing_else(
    known: Known, worker: Worker, clock: Clock
) -> None:
    seen: list[str] = []
    kind = known(lambda task, _: seen.append(task.subject))
    put(kind, "later", due_at=NOON + timedelta(seconds=1))
    put(kind, "second", due_at=NOON)
    put(kind, "first", due_at=NOON - timedelta(hours=1))
    assert [worker.step(), worker.step(), worker.step()] == [True, True, False]
    assert seen == ["first", "second"]
    clock.now += timedelta(seconds=1)
    assert worker.step()
    assert not Task.objects.exists()


def test_is_queued_once(known: Known) -> None:
    kind = known(lambda *_: None)
    put(kind, "same", due_at=NOON)
    put(kind, "same", due_at=NOON + timedelta(days=1))
    assert Task.objects.get().due_at == NOON


def test_goes_on_with_a_task_when_it_says(known: Known, worker: Worker, clock: Clock) -> None:
    answers: list[datetime | None] = [NOON + timedelta(minutes=5), None]
    put(known(lambda *_: answers.pop(0)), "x", due_at=NOON)
    assert worker.step()
    assert not worker.step()
    clock.now += timedelta(minutes=5)
    assert worker.step()
    assert not Task.objects.exists()


def test_failed_task_pauses_longer_each_time_and_starts_over_after_a_success(
    known: Known, worker: Worker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes: list[Exception | None] = [ValueError("a secret"), ValueError("a secret"), None]

    def run(_: Task, now: datetime) -> datetime:
        if failure := outcomes.pop(0):
            raise failure
        return now + timedelta(days=1)

    put(known(run), "x", due_at=NOON)
    for number in (1, 2):
        worker.step()
        task = Task.objects.get()
        assert (task.attempts, task.error) == (number, "ValueError")
        assert task.due_at == clock.now + FIRST_PAUSE * number
        clock.now = task.due_at
    worker.step()
    task = Task.objects.get()
    assert (task.attempts, task.error, task.claim) == (0, "", None)
    assert "Task test x failed, attempt 2" in caplog.text


def test_pause_is_bounded() -> None:
    pauses = [pause_after(failures, longest=LONGEST_PAUSE) for failures in (1, 2, 10**6)]
    assert pauses == [FIRST_PAUSE, 2 * FIRST_PAUSE, LONGEST_PAUSE]


def test_task_of_a_killed_worker_is_done_after_its_lease(
    known: Known, worker: Worker, clock: Clock
) -> None:
    seen: list[str] = []
    kind = known(lambda task, _: seen.append(task.subject))
    put(kind, "x", due_at=NOON)
    lost = claim(["test"], NOON)
    assert lost
    assert not worker.step()
    clock.now += kind.lease
    assert worker.step()
    assert seen == ["x"]


def test_worker_that_lost_its_claim_changes_nothing(known: Known, clock: Clock) -> None:
    kind = known(lambda *_: None)
    put(kind, "x", due_at=NOON)
    slow = claim(["test"], NOON)
    other = claim(["test"], NOON + kind.lease)
    assert slow
    assert other
    tasks.succeed(slow, due_at=None, now=NOON)
    tasks.fail(slow, "Late", now=NOON)
    assert Task.objects.get().claim == other.claim
    tasks.succeed(other, due_at=None, now=NOON)
    assert not Task.objects.exists()


def test_kind_of_a_newer_version_is_left_alone(known: Known, worker: Worker) -> None:
    put(Kind("newer", "Newer", lambda *_: None), "x", due_at=NOON)
    known(lambda *_: None)
    assert not worker.step()
    assert Task.objects.get().attempts == 0


def test_goes_on_when_the_database_is_back(
    known: Known, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It pauses twice without a database, and then a signal comes."""
    pauses: list[float] = []
    worker = Worker(sleep=pauses.append)
    answers = iter([OperationalError(), OperationalError()])

    def begin(_: object) -> bool:
        for answer in answers:
            raise answer
        worker.stop()
        return True

    monkeypatch.setattr(worker, "_begin", begin)
    monkeypatch.setattr("portal.work.worker.connection.close", lambda: None)
    monkeypatch.setattr("portal.work.worker.close_old_connections", lambda: None)
    worker.run()
    assert len(pauses) == 2
    assert caplog.messages == ["The worker has no database: OperationalError"]


def test_state_says_whether_a_worker_runs_and_since_when_something_is_due(
    known: Known, worker: Worker, clock: Clock
) -> None:
    assert worker_state(NOON).is_missing
    worker.step()
    put(known(lambda *_: None), "x", due_at=NOON)
    state = worker_state(NOON + timedelta(seconds=30))
    assert (state.is_missing, state.seen_at, state.due_since) == (False, NOON, NOON)
    assert worker_state(NOON + MISSING_AFTER + timedelta(seconds=1)).is_missing
    clock.now += timedelta(seconds=10)
    worker.step()
    assert LastSeen.objects.get().at == clock.now
    assert worker_state(clock.now).due_since is None


def test_task_is_dropped_and_counted_when_it_is_too_late(
    known: Known, worker: Worker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    def run(*_: object) -> None:
        raise TaskFailed("not yet")

    last_at = NOON + FIRST_PAUSE / 2
    put(known(run), "x", due_at=NOON, last_at=last_at, sealed="a secret")
    assert worker.step()
    assert Task.objects.get().due_at == last_at
    clock.now = last_at
    assert worker.step()
    assert not Task.objects.exists()
    tally = Tally.objects.get()
    assert (tally.done, tally.dropped, tally.dropped_at) == (0, 1, last_at)
    assert "Task test x is dropped: it is too late" in caplog.messages


def test_done_tasks_are_counted(known: Known, worker: Worker) -> None:
    kind = known(lambda *_: None)
    for subject in "ab":
        put(kind, subject, due_at=NOON)
        worker.step()
    assert Tally.objects.values_list("done", "done_at", "dropped").get() == (2, NOON, 0)


def test_failed_tasks_can_be_retried_at_once(known: Known, worker: Worker) -> None:
    outcomes: list[Exception | None] = [TaskFailed("gone"), None]

    def run(*_: object) -> None:
        if failure := outcomes.pop(0):
            raise failure

    put(known(run), "x", due_at=NOON)
    assert worker.step()
    assert worker_state(NOON).failing_since == Task.objects.get().made_at
    assert not worker.step()
    assert tasks.retry("test", NOON) == 1
    assert worker.step()
    assert not Task.objects.exists()


@pytest.mark.parametrize(("fallbacks", "known_key"), [(["old" * 20], True), ([], False)])
def test_what_is_sealed_is_read_with_the_secret_key_or_a_fallback(
    fallbacks: list[str], known_key: bool, settings: Any
) -> None:
    settings.SECRET_KEY = "old" * 20
    sealed = seal("a code")
    assert "code" not in sealed
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new" * 20, fallbacks
    if known_key:
        assert unseal(sealed) == "a code"
    else:
        with pytest.raises(NotSealed):
            unseal(sealed)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_five_workers_at_once_do_each_task_once(known: Known, clock: Clock) -> None:
    seen: list[str] = []
    kind = known(lambda task, _: seen.append(task.subject))
    for number in range(40):
        put(kind, str(number), due_at=NOON)

    def work() -> None:
        worker = Worker(clock=clock)
        while worker.step():
            pass

    at_once(work, 5)
    assert sorted(seen, key=int) == [str(number) for number in range(40)]
    assert not Task.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_task_that_hangs_delays_no_other_kind_and_idle_threads_have_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: Queue[str] = Queue()
    release = Event()

    def hang(task: Task, _: datetime) -> None:
        assert Task.objects.exists()  # so it has a connection
        done.put(task.subject)
        release.wait(PATIENCE_S)

    hanging, quick = Kind("hanging", "Hanging", hang, threads=2), Kind("quick", "Quick", seen(done))
    monkeypatch.setattr("portal.work.tasks.KINDS", {each.name: each for each in (hanging, quick)})
    monkeypatch.setattr("portal.work.worker.KINDS", tasks.KINDS)
    for number in range(3):
        put(hanging, f"hanging {number}", due_at=NOON)
        put(quick, f"quick {number}", due_at=NOON)
    worker = Worker()
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        stack.callback(worker.stop)
        stack.callback(release.set)
        running = pool.submit(run_and_close, worker)
        first = {done.get(timeout=PATIENCE_S) for _ in range(5)}
        wait_until(lambda: Task.objects.count() == 3, "The quick ones are not deleted.")
        wait_until(lambda: connections_now() == 4, "Idle threads keep their connections.")
        release.set()
        assert done.get(timeout=PATIENCE_S) == "hanging 2"
        wait_until(lambda: not Task.objects.exists(), "They are not done.")
        wait_until(lambda: connections_now() == 2, "Idle threads keep their connections.")
    assert not running.exception()
    assert first == {"hanging 0", "hanging 1", "quick 0", "quick 1", "quick 2"}


def seen(done: Queue[str]) -> Run:
    return lambda task, _: done.put(task.subject)


def run_and_close(worker: Worker) -> None:
    with closing(connection):
        worker.run()


def connections_now() -> int:
    """Return how many connections the database of the test has, with this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        (count,) = cursor.fetchone()
        return int(count)
