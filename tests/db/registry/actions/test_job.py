"""Jobs: a worker does one verb to many keys or clients, each once."""

from __future__ import annotations

import signal
import sys
from types import SimpleNamespace

import pytest
from django.db import connection, transaction
from django.utils import timezone

from portal.registry.actions import (
    cancel_job,
    delete_client,
    prepare_job,
    revoke_key,
    start_job,
    withdraw_admin,
)
from portal.registry.actions import carry_on_job as carry_on_job_verb
from portal.registry.actions.carry_on_job import BATCH, CARRY_ON, NOT_ADMIN
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import JobNotPossible
from portal.registry.models import Client, ClientKey, Event, Job
from portal.registry.models.job import MAX_ITEMS, JobStatus
from portal.work.models import Task
from portal.work.worker import Worker
from tests.db.console.conftest import KeyMaker, make_keys
from tests.db.real_worker import real_worker
from tests.db.registry.racing import at_once
from tests.waiting import PATIENCE_S, wait_until

__all__ = ["make_keys"]

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]


def job_on(keys: list[ClientKey], cast: SimpleNamespace) -> Job:
    """Return a job that the admin started on these keys."""
    job = prepare_job(Verb.REVOKE_KEY, [key.pk for key in keys], filters="q=leaked", by=cast.admin)
    return start_job(job, reason=RevocationReason.COMPROMISED, note="Ticket 4711", by=cast.admin)


def work(worker: Worker | None = None) -> int:
    """Do all that is due; return how many steps that took."""
    worker = worker or Worker()
    steps = 0
    while worker.step():
        steps += 1
    return steps


def counts(job: Job) -> tuple[int, int, int]:
    job.refresh_from_db()
    return job.done, job.already, job.failed


def test_revokes_each_key_in_the_name_of_the_admin(
    payments: Client, other: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    keys = [*make_keys(payments, BATCH), *make_keys(other, 2)]
    stays = make_keys(payments, 1)[0]
    job = job_on(keys, cast)
    before = Event.objects.count()
    assert work() == 2
    assert counts(job) == (BATCH + 2, 0, 0)
    assert job.status == JobStatus.DONE
    for key in ClientKey.objects.filter(pk__in=[key.pk for key in keys]):
        assert (key.revoked_by, key.revocation_reason) == (cast.admin, "compromised")
        assert key.revocation_note == "Ticket 4711"
    events = Event.objects.filter(verb=Verb.REVOKE_KEY, actor_user=cast.admin)
    assert events.count() == Event.objects.count() - before == BATCH + 2
    stays.refresh_from_db()
    assert stays.revoked_at is None
    assert not Task.objects.exists()


def test_suspends_clients(payments: Client, other: Client, cast: SimpleNamespace) -> None:
    job = prepare_job(Verb.SUSPEND_CLIENT, [payments.pk, other.pk], filters="q=x", by=cast.admin)
    start_job(job, note="Break-in", by=cast.admin)
    work()
    assert counts(job) == (2, 0, 0)
    assert set(Client.objects.values_list("suspension_note", "suspended_by")) == {
        ("Break-in", cast.admin.pk)
    }


def test_each_item_is_judged_when_it_is_done(
    payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    first, second = make_keys(payments, 2)
    job = job_on([first, second], cast)
    revoke_key(first, reason=RevocationReason.SUPERSEDED, by=cast.alice)
    work()
    assert counts(job) == (1, 1, 0)
    assert Event.objects.filter(key=first, verb=Verb.REVOKE_KEY).count() == 1


def test_item_that_fails_is_named_and_the_others_are_done(
    payments: Client,
    make_keys: KeyMaker,
    cast: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = make_keys(payments, 3)
    job = job_on(keys, cast)

    def revoke(key: ClientKey, **facts: object) -> None:
        if key.pk == keys[1].pk:
            raise RuntimeError("Surprise")
        revoke_key(key, **facts)  # type: ignore[arg-type]

    module = sys.modules[carry_on_job_verb.__module__]
    monkeypatch.setattr(module, "revoke_key", revoke)
    work()
    assert counts(job) == (2, 0, 1)
    assert job.failures == [[keys[1].pk, "The portal could not do it; the log has the cause."]]
    assert Event.objects.filter(verb=Verb.REVOKE_KEY).count() == 2


def test_client_that_was_deleted_meanwhile_is_left_alone(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    job = prepare_job(Verb.SUSPEND_CLIENT, [payments.pk, other.pk], filters="q=x", by=cast.admin)
    start_job(job, note="Break-in", by=cast.admin)
    delete_client(other, by=cast.bob)
    work()
    assert counts(job) == (1, 1, 0)
    assert not Event.objects.filter(client=other, verb=Verb.SUSPEND_CLIENT).exists()


def test_admin_who_lost_the_right_stops_the_job(
    payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    job = job_on(make_keys(payments, BATCH + 1), cast)
    worker = Worker()
    worker.step()
    cast.bob.is_staff = True
    cast.bob.save()
    withdraw_admin(cast.admin, by=cast.bob)
    assert work(worker) == 1
    assert counts(job) == (BATCH, 0, 0)
    assert (job.status, job.stopped) == (JobStatus.STOPPED, NOT_ADMIN)


def test_cancelled_job_leaves_the_rest(
    payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    job = job_on(make_keys(payments, BATCH + 1), cast)
    worker = Worker()
    worker.step()
    cancel_job(job, by=cast.bob)
    assert work(worker) == 1
    assert counts(job) == (BATCH, 0, 0)
    assert (job.status, job.cancelled_by) == (JobStatus.CANCELLED, cast.bob)


def test_a_job_starts_once_and_only_when_somebody_starts_it(
    payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    keys = make_keys(payments, 1)
    job = prepare_job(Verb.REVOKE_KEY, [keys[0].pk], filters="", by=cast.bob)
    assert work() == 0
    for reason in (RevocationReason.SUPERSEDED, RevocationReason.COMPROMISED):
        start_job(job, reason=reason, note="", by=cast.admin)
    assert work() == 1
    job.refresh_from_db()
    assert (job.reason, job.by) == ("superseded", cast.admin)
    start_job(job, reason=RevocationReason.COMPROMISED, note="", by=cast.admin)
    assert work() == 0


@pytest.mark.parametrize("number", [0, MAX_ITEMS + 1])
def test_number_of_items_is_limited(number: int, cast: SimpleNamespace) -> None:
    with pytest.raises(JobNotPossible):
        prepare_job(Verb.REVOKE_KEY, range(number), filters="", by=cast.admin)
    assert not Job.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_five_workers_with_a_job_each_do_each_key_once(
    payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    """Five jobs on the same keys, and each worker begins with another one."""
    keys = make_keys(payments, BATCH + 5)
    jobs = [job_on(keys, cast) for _ in range(5)]
    at_once(work, len(jobs))
    ended = [counts(job) for job in jobs]
    assert [sum(each) for each in ended] == [len(keys)] * 5
    assert sum(done for done, _, _ in ended) == len(keys)
    assert Event.objects.filter(verb=Verb.REVOKE_KEY).count() == len(keys)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_killed_worker_loses_nothing_and_repeats_nothing(
    payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    """A key of the second batch is locked, so the worker is killed within that batch."""
    keys = make_keys(payments, 2 * BATCH + 3)
    job = job_on(keys, cast)
    with real_worker() as process, transaction.atomic():
        ClientKey.objects.select_for_update().get(pk=keys[BATCH + 7].pk)
        wait_until(lambda: counts(job)[0] == BATCH and _is_waiting(), "It did not get there.")
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert counts(job) == (BATCH, 0, 0)
    assert Event.objects.filter(verb=Verb.REVOKE_KEY).count() == BATCH
    assert work() == 0
    later = timezone.now() + CARRY_ON.lease
    work(Worker(clock=lambda: later))
    assert counts(job) == (len(keys), 0, 0)
    revocations = Event.objects.filter(verb=Verb.REVOKE_KEY).values_list("key", flat=True)
    assert sorted(revocations) == [key.pk for key in keys]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_worker_completes_its_batch_on_sigterm(
    payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    keys = make_keys(payments, 2 * BATCH)
    job = job_on(keys, cast)
    with real_worker() as process:
        with transaction.atomic():
            ClientKey.objects.select_for_update().get(pk=keys[0].pk)
            wait_until(_is_waiting, "It did not get there.")
            process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert counts(job) == (BATCH, 0, 0)
    assert Task.objects.get(kind=CARRY_ON.name).claim is None


def _is_waiting() -> bool:
    """Return whether some session waits for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        (waiting,) = cursor.fetchone()
    return bool(waiting)
