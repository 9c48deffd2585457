"""Replace a key: nothing ends before its successor can be known, and all of it can be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from portal.accounts.models import User
from portal.core.lifecycle import UNDONE_FOR, KeyStatus
from portal.core.public_key.parse import parse_public_key
from portal.registry import replacements
from portal.registry.actions import (
    archive_client,
    begin_replacement,
    block_key,
    change_key,
    choose_successor,
    confirm_key,
    create_client,
    keep_key,
    prepare_job,
    retire_key,
    retire_replaced,
    revoke_key,
    start_job,
    unarchive_client,
    withdraw_replacement,
)
from portal.registry.actions.block_key import block_leaked_keys
from portal.registry.actions.carry_on_job import carry_on_job
from portal.registry.choices import RevocationReason, Verb
from portal.registry.errors import (
    KeyLimitReached,
    KeyNotLive,
    ReplacementWithdrawn,
    TooEarly,
    UnfitInput,
)
from portal.registry.models import (
    PORTAL,
    ClientKey,
    Event,
    Replacement,
    ServingProcess,
    Verifier,
)
from portal.registry.replacements import PUBLICATION, note_published
from portal.registry.serving import GONE_AFTER, Serving
from portal.work.models import Task
from tests.registering import register_pem

DAY = timedelta(days=1)


@pytest.fixture
def begun(key: ClientKey, second: ClientKey, cast: SimpleNamespace) -> Replacement:
    """The replacement of `key` by `second`, which is confirmed."""
    confirm_key(second, by=cast.dev)
    second.refresh_from_db()
    return choose_successor(begin_replacement(key, by=cast.dev), second, by=cast.dev)


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """A function that sets the ledger number that the slowest process serves."""

    def report(number: int) -> None:
        monkeypatch.setattr(replacements, "serving", lambda: Serving(2, number, 0, 0))

    return report


def last_number() -> int:
    return Event.objects.latest("pk").number or 0


def publish(begun: Replacement, ago: timedelta) -> None:
    Replacement.objects.filter(pk=begun.pk).update(published_at=timezone.now() - ago)


def test_it_is_begun_once_and_found_again(key: ClientKey, cast: SimpleNamespace) -> None:
    first = begin_replacement(key, by=cast.dev)
    assert begin_replacement(key, by=cast.alice).pk == first.pk
    assert Event.objects.filter(verb=Verb.BEGIN_REPLACEMENT).count() == 1


def test_published_is_what_all_processes_serve(
    begun: Replacement, reports: Callable[[int], None]
) -> None:
    now = timezone.now()
    assert begun.new
    registered = begun.new.events.get(verb=Verb.REGISTER_KEY).number or 0
    reports(registered - 1)
    note_published(begun, now)
    assert begun.published_at is None
    reports(registered)
    note_published(begun, now)
    assert begun.published_at == now
    note_published(begun, now + DAY)
    assert begun.published_at == now


@pytest.mark.postgresql
def test_published_is_a_key_that_no_process_may_lack_without_the_database(
    begun: Replacement, settings: Any
) -> None:
    assert begun.new
    now, registered = timezone.now(), begun.new.events.get(verb=Verb.REGISTER_KEY).number or 0
    silent_for = GONE_AFTER + timedelta(seconds=settings.JWKS_STALE_IF_ERROR)
    reported: dict[str, tuple[int, timedelta]] = {
        "reports": (registered, timedelta(0)),
        "is late": (registered - 1, timedelta(seconds=1)),
        "is silent": (registered - 1, timedelta(minutes=1)),
        "is silent, but has the key": (registered, timedelta(minutes=1)),
    }
    for host, (number, ago) in reported.items():
        ServingProcess.objects.create(
            host=host, number=number, cached=0, unfit=0, seen_at=now - ago
        )
    assert note_published(begun, now).outdated_until is None
    assert begun.published_at is None
    ServingProcess.objects.filter(host="is late").update(number=registered)
    until = note_published(begun, now).outdated_until
    assert until == now - timedelta(minutes=1) + silent_for
    assert begun.published_at is None
    ServingProcess.objects.filter(host="is silent").update(seen_at=now - silent_for)
    assert note_published(begun, now).outdated_until is None
    assert begun.published_at == now


def test_a_worker_looks_until_the_key_is_published(
    begun: Replacement, reports: Callable[[int], None]
) -> None:
    task, now = Task(kind="publication", subject=str(begun.pk)), timezone.now()
    reports(0)
    assert PUBLICATION.run(task, now) == now + timedelta(seconds=1)
    reports(last_number())
    assert PUBLICATION.run(task, now) is None
    begun.refresh_from_db()
    assert begun.published_at


def test_a_key_of_a_suspended_client_is_not_published(
    begun: Replacement, reports: Callable[[int], None]
) -> None:
    reports(last_number())
    assert begun.new
    begun.new.client.suspended_at = timezone.now()
    note_published(begun, timezone.now())
    assert begun.published_at is None


def test_another_successor_has_to_be_published_itself(
    begun: Replacement, signer: SimpleNamespace, cast: SimpleNamespace
) -> None:
    publish(begun, DAY)
    assert choose_successor(begun, signer.key, by=cast.dev).published_at is None


def test_nothing_ends_before_the_slowest_verifier_can_know_the_new_key(
    begun: Replacement, cast: SimpleNamespace
) -> None:
    Verifier.objects.all().delete()
    Verifier.objects.create(name="Slow", keeps_s=600)
    with pytest.raises(TooEarly):
        retire_replaced(begun, at=timezone.now() + DAY, insists=False, by=cast.dev)
    publish(begun, timedelta(seconds=650))
    with pytest.raises(TooEarly):
        retire_replaced(begun, at=None, insists=False, by=cast.dev)
    retire_replaced(begun, at=timezone.now() + timedelta(seconds=20), insists=False, by=cast.dev)
    publish(begun, timedelta(seconds=661))
    assert retire_replaced(begun, at=None, insists=False, by=cast.dev).retires_at


def test_one_can_insist(begun: Replacement, cast: SimpleNamespace) -> None:
    old = retire_replaced(begun, at=None, insists=True, by=cast.dev)
    assert old.lifecycle.status(timezone.now()) == KeyStatus.RETIRED


@pytest.mark.parametrize("what", ["old", "foreign", "revoked"])
def test_only_another_current_key_of_the_client_replaces_it(
    begun: Replacement, cast: SimpleNamespace, other: SimpleNamespace, what: str
) -> None:
    assert begun.new
    new = {"old": begun.old, "foreign": begun.new, "revoked": begun.new}[what]
    if what == "revoked":
        revoke_key(new, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    if what == "foreign":
        Replacement.objects.filter(pk=begun.pk).update(client=other, new=None)
    with pytest.raises((UnfitInput, KeyNotLive)):
        choose_successor(begun, new, by=cast.dev)


def test_taking_it_back_cancels_the_planned_retirement(
    begun: Replacement, cast: SimpleNamespace
) -> None:
    publish(begun, DAY)
    retire_replaced(begun, at=timezone.now() + DAY, insists=False, by=cast.dev)
    withdraw_replacement(begun, by=cast.dev)
    begun.old.refresh_from_db()
    assert begun.old.retires_at is None
    assert begin_replacement(begun.old, by=cast.dev).pk != begun.pk


def test_the_choice_of_the_new_key_is_recorded_once(
    begun: Replacement, cast: SimpleNamespace
) -> None:
    assert begun.new
    choose_successor(begun, begun.new, by=cast.dev)
    event = Event.objects.get(verb=Verb.CHOOSE_SUCCESSOR)
    assert (event.key, event.actor) == (begun.old, cast.dev)
    assert event.detail["new_kid"] == begun.new.kid


def test_another_new_key_cancels_the_retirement_that_was_planned_for_the_first(
    begun: Replacement, signer: SimpleNamespace, cast: SimpleNamespace
) -> None:
    publish(begun, DAY)
    retire_replaced(begun, at=timezone.now() + DAY, insists=False, by=cast.dev)
    choose_successor(begun, signer.key, by=cast.dev)
    begun.old.refresh_from_db()
    assert begun.old.retires_at is None


def test_a_replacement_that_was_taken_back_ends_no_key(
    begun: Replacement, signer: SimpleNamespace, cast: SimpleNamespace
) -> None:
    publish(begun, DAY)
    withdraw_replacement(Replacement.objects.get(), by=cast.alice)  # beside the page of cast.dev
    with pytest.raises(ReplacementWithdrawn):
        retire_replaced(begun, at=None, insists=False, by=cast.dev)
    with pytest.raises(ReplacementWithdrawn):
        choose_successor(begun, signer.key, by=cast.dev)


def test_a_new_key_that_had_left_the_set_is_published_again(
    begun: Replacement, reports: Callable[[int], None], cast: SimpleNamespace
) -> None:
    publish(begun, DAY)
    assert begun.new
    before = last_number()
    keep_key(retired(begun.new, cast.dev, timedelta(minutes=5)), by=cast.dev)
    begun = Replacement.objects.select_related("new__client").get()
    reports(before)
    note_published(begun, timezone.now())
    assert begun.published_at is None
    reports(last_number())
    note_published(begun, timezone.now())
    assert begun.published_at


def test_without_sets_in_memory_a_key_is_published_when_it_is_stored(
    begun: Replacement, settings: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacements, "serving", lambda: None)
    settings.JWKS_MEMORY_MB = 0
    note_published(begun, timezone.now())
    assert begun.published_at


def test_a_worker_looks_less_often_the_longer_it_takes(
    begun: Replacement, reports: Callable[[int], None]
) -> None:
    task, now = Task(kind="publication", subject=str(begun.pk)), timezone.now()
    reports(0)
    for after, pause in ((timedelta(hours=1), 60), (timedelta(days=9), 300)):
        due_at = PUBLICATION.run(task, now + after)
        assert due_at
        assert round((due_at - now - after).total_seconds()) == pause


# --- The new key ends before the old one --------------------------------------------------------


@pytest.fixture
def planned(begun: Replacement, cast: SimpleNamespace) -> Replacement:
    """A replacement whose old key retires in a day."""
    publish(begun, DAY)
    retire_replaced(begun, at=timezone.now() + DAY, insists=False, by=cast.dev)
    return Replacement.objects.select_related("old", "new__client").get()


def revoke_by_job(key: ClientKey, cast: SimpleNamespace) -> None:
    job = prepare_job(Verb.REVOKE_KEY, [key.pk], filters="", by=cast.admin)
    start_job(job, reason=RevocationReason.COMPROMISED, note="", by=cast.admin)
    carry_on_job(Task(subject=str(job.pk)), timezone.now())


ENDS_BEFORE: Mapping[str, Callable[[ClientKey, SimpleNamespace], object]] = {
    "revoked": lambda key, cast: revoke_key(
        key, reason=RevocationReason.COMPROMISED, by=cast.admin
    ),
    "blocked": lambda key, cast: block_key(key.spki_sha256, by=cast.admin),
    "leaked": lambda key, cast: block_leaked_keys(
        [parse_public_key(key.pem)], by=cast.dev, client=key.client
    ),
    "job": revoke_by_job,
    "retired": lambda key, cast: retire_key(key, grace=timedelta(0), by=cast.dev),
    "expires": lambda key, cast: change_key(
        key, label="x", expires_at=timezone.now() + DAY / 2, by=cast.dev
    ),
}


@pytest.mark.parametrize("how", ENDS_BEFORE)
def test_a_key_stays_if_the_one_that_replaces_it_ends_before_it(
    planned: Replacement, cast: SimpleNamespace, how: str
) -> None:
    assert planned.new
    ENDS_BEFORE[how](planned.new, cast)
    planned.old.refresh_from_db()
    assert planned.old.retires_at is None
    kept = Event.objects.get(verb=Verb.KEEP_KEY)
    assert (kept.key, kept.actor) == (planned.old, PORTAL)
    assert kept.detail["new_kid"] == planned.new.kid


def test_a_key_stays_if_another_client_proves_the_one_that_replaces_it(
    key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    begun = choose_successor(begin_replacement(key, by=cast.dev), second, by=cast.dev)
    retire_replaced(begun, at=timezone.now() + DAY, insists=True, by=cast.dev)
    elsewhere = create_client(name="Elsewhere", by=cast.bob)
    copy = register_pem(elsewhere, material=second.pem, alg=second.alg, label="x", by=cast.bob)
    confirm_key(copy, by=cast.bob)
    key.refresh_from_db()
    assert key.retires_at is None


def test_other_retirements_stay(planned: Replacement, cast: SimpleNamespace) -> None:
    new, old = planned.new, planned.old
    assert new
    # The new key ends, but later than the old one.
    change_key(new, label="x", expires_at=timezone.now() + 3 * DAY, by=cast.dev)
    retire_key(new, grace=2 * DAY, by=cast.dev)
    # What ends the old key for another reason is no retirement.
    revoke_key(old, reason=RevocationReason.COMPROMISED, by=cast.dev)
    revoke_key(new, reason=RevocationReason.COMPROMISED, by=cast.dev)
    old.refresh_from_db()
    assert old.lifecycle.status(timezone.now()) == KeyStatus.REVOKED
    assert not Event.objects.filter(verb=Verb.KEEP_KEY).exists()


def test_a_retirement_without_a_replacement_stays(
    key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    retire_key(key, grace=DAY, by=cast.dev)
    revoke_key(second, reason=RevocationReason.COMPROMISED, by=cast.dev)
    key.refresh_from_db()
    assert key.retires_at is not None


def test_archiving_keeps_no_key(planned: Replacement, cast: SimpleNamespace) -> None:
    archive_client(planned.client, by=cast.alice)
    planned.old.refresh_from_db()
    assert planned.old.lifecycle.is_over(timezone.now())
    assert not Event.objects.filter(verb=Verb.KEEP_KEY).exists()


def test_a_retirement_later_than_the_end_of_the_new_key_is_refused_with_that_end(
    begun: Replacement, cast: SimpleNamespace
) -> None:
    publish(begun, DAY)
    assert begun.new
    change_key(begun.new, label="Next", expires_at=timezone.now() + DAY, by=cast.dev)
    begun.refresh_from_db()
    with pytest.raises(TooEarly, match="“Next” ends on"):
        retire_replaced(begun, at=timezone.now() + 2 * DAY, insists=False, by=cast.dev)


# --- Undo for an hour ---------------------------------------------------------------------------


def retired(key: ClientKey, by: User, ago: timedelta) -> ClientKey:
    """Retire the key, with the end so long ago."""
    key = retire_key(key, grace=timedelta(0), by=by)
    ClientKey.objects.filter(pk=key.pk).update(retires_at=timezone.now() - ago)
    key.refresh_from_db()
    return key


def test_a_retirement_is_undone_for_an_hour(key: ClientKey, cast: SimpleNamespace) -> None:
    key = keep_key(retired(key, cast.dev, UNDONE_FOR - timedelta(minutes=1)), by=cast.dev)
    assert key.lifecycle.is_live(timezone.now())
    with pytest.raises(KeyNotLive):
        keep_key(retired(key, cast.dev, UNDONE_FOR), by=cast.dev)


def test_a_key_that_should_not_be_served_is_not_brought_back(
    key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    for each in (key, second):
        retired(each, cast.dev, timedelta(minutes=1))
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    ClientKey.objects.filter(pk=second.pk).update(expires_at=timezone.now())
    for each in (key, second):
        each.refresh_from_db()
        with pytest.raises(KeyNotLive):
            keep_key(each, by=cast.dev)


def test_a_key_that_was_retired_with_its_client_is_not_brought_back(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    archive_client(key.client, by=cast.alice)
    for _ in range(2):
        key.refresh_from_db()
        with pytest.raises(KeyNotLive):
            keep_key(key, by=cast.dev)
        unarchive_client(key.client, by=cast.alice)


def test_a_key_is_not_brought_back_beyond_the_limit(
    key: ClientKey, second: ClientKey, cast: SimpleNamespace, settings: SimpleNamespace
) -> None:
    retired(key, cast.dev, timedelta(minutes=1))
    settings.KEY_LIMIT = 1
    with pytest.raises(KeyLimitReached):
        keep_key(key, by=cast.dev)
