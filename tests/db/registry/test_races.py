"""What holds when people act at the same moment, with real threads on PostgreSQL."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import cycle, islice
from types import SimpleNamespace

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.publishing.key_set import publish
from portal.registry.actions import (
    block_key,
    change_role,
    confirm_key,
    create_client,
    draft_rule,
    keep_key,
    remove_member,
    resume_client,
    retire_key,
    revoke_key,
    save_rule,
    suspend_client,
)
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.choices import RevocationReason, Role, Verb
from portal.registry.cleanup import prune
from portal.registry.errors import (
    ClientLimitReached,
    ClientSuspended,
    KeyAlreadyHere,
    KeyLimitReached,
    KeyNotLive,
    KeyTaken,
    LastOwner,
    NotMember,
    RegistryRefusal,
    RuleNotPossible,
)
from portal.registry.models import BlockedKey, Client, ClientKey, Event, Membership, PolicyRule
from tests.db.registry.racing import outcome_of, race_behind
from tests.keys import new_private_key, public_pem
from tests.registering import add_member, register_pem
from tests.waiting import PATIENCE_S, wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def new_pem() -> str:
    return public_pem(new_private_key())


def fingerprint(pem: str) -> str:
    return parse_public_key(pem).spki_sha256


def registering(client: Client, by: object, pem: str | None = None) -> Callable[[], ClientKey]:
    material = pem or new_pem()
    return lambda: register_pem(client, material=material, alg="EdDSA", label="Raced", by=by)  # type: ignore[arg-type]


def published_kids(client: Client) -> set[str]:
    publication = publish(client.client_id, timezone.now(), extended=True)
    assert publication is not None
    return {jwk.get("kid", "") for jwk in json.loads(publication.jwks)["keys"]}


def kinds(outcomes: list[object]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


# --- Registering ----------------------------------------------------------------------------------


def test_one_key_twice_in_one_client_is_registered_once(
    payments: Client, cast: SimpleNamespace
) -> None:
    pem = new_pem()
    outcomes = race_behind(
        payments, registering(payments, cast.dev, pem), registering(payments, cast.alice, pem)
    )
    assert kinds(outcomes) == [ClientKey, KeyAlreadyHere]
    assert payments.keys.count() == 1


def test_a_key_that_is_being_proved_is_registered_in_no_other_client(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    pem = new_pem()
    key = registering(other, cast.bob, pem)()
    outcomes = race_behind(
        key, lambda: confirm_key(key, by=cast.bob), registering(payments, cast.alice, pem)
    )
    assert kinds(outcomes) == [ClientKey, KeyTaken]
    assert [each.client for each in ClientKey.objects.all()] == [other]


def test_uploads_at_once_never_exceed_the_limit(
    payments: Client, cast: SimpleNamespace, settings: Settings
) -> None:
    settings.KEY_LIMIT = 3
    outcomes = race_behind(payments, *(registering(payments, cast.dev) for _ in range(8)))
    assert kinds(outcomes).count(ClientKey) == 3
    assert kinds(outcomes).count(KeyLimitReached) == 5
    assert payments.keys.current(timezone.now()).count() == 3


def test_a_retirement_taken_back_late_makes_no_room_for_one_key_too_many(
    payments: Client,
    key: ClientKey,
    cast: SimpleNamespace,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.KEY_LIMIT = 1
    retire_key(key, grace=timedelta(hours=1), by=cast.dev)

    def register_after_the_grace() -> ClientKey:
        later = timezone.now() + timedelta(hours=2)
        monkeypatch.setattr(timezone, "now", lambda: later)
        return registering(payments, cast.dev)()

    # alice takes it back in time, but her event waits until the grace is over.
    outcomes = race_behind(
        cast.alice, lambda: keep_key(key, by=cast.alice), register_after_the_grace
    )
    assert kinds(outcomes) == [ClientKey, KeyLimitReached]
    assert payments.keys.current(timezone.now()).count() == 1


def test_clients_created_at_once_never_exceed_the_limit(
    cast: SimpleNamespace, settings: Settings
) -> None:
    settings.CLIENT_LIMIT = 2
    outcomes = race_behind(
        cast.stranger, *(lambda: create_client(name="Mine", by=cast.stranger) for _ in range(5))
    )
    assert kinds(outcomes).count(Client) == 2
    assert kinds(outcomes).count(ClientLimitReached) == 3
    assert cast.stranger.created_clients.count() == 2


def test_a_client_that_is_being_suspended_takes_no_key(
    payments: Client, cast: SimpleNamespace
) -> None:
    outcomes = race_behind(
        payments,
        lambda: suspend_client(payments, note="", by=cast.admin),
        registering(payments, cast.dev),
    )
    assert kinds(outcomes) == [Client, ClientSuspended]
    assert payments.keys.count() == 0


# --- Blocking -------------------------------------------------------------------------------------


def test_a_key_that_is_being_blocked_is_not_registered(
    payments: Client, cast: SimpleNamespace
) -> None:
    pem = new_pem()
    outcomes = race_behind(
        cast.admin,
        lambda: block_key(fingerprint(pem), by=cast.admin),
        registering(payments, cast.dev, pem),
    )
    assert kinds(outcomes) == [BlockedKey, Refused]
    assert outcomes[1].reason == Reason.BLOCKED
    assert payments.keys.count() == 0


def test_a_key_that_is_being_registered_when_it_is_blocked_ends_revoked(
    payments: Client, cast: SimpleNamespace
) -> None:
    pem = new_pem()
    outcomes = race_behind(
        cast.dev,
        registering(payments, cast.dev, pem),
        lambda: block_key(fingerprint(pem), by=cast.admin),
    )
    assert kinds(outcomes) == [ClientKey, BlockedKey]
    key = payments.keys.get()
    assert key.revoked_by == cast.admin
    assert key.revocation_reason == RevocationReason.COMPROMISED


def test_one_key_blocked_twice_at_once_is_recorded_once(cast: SimpleNamespace) -> None:
    sha256 = fingerprint(new_pem())
    outcomes = race_behind(cast.admin, *[lambda: block_key(sha256, by=cast.admin)] * 4)
    assert kinds(outcomes) == [BlockedKey] * 4
    assert Event.objects.filter(verb=Verb.BLOCK_KEY).count() == 1


# --- Retiring and revoking ------------------------------------------------------------------------


def test_of_two_who_revoke_at_once_the_first_is_on_record(
    key: ClientKey, cast: SimpleNamespace
) -> None:
    outcomes = race_behind(
        key,
        lambda: revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin),
        lambda: revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.alice),
    )
    assert [outcome.revoked_by for outcome in outcomes] == [cast.admin, cast.admin]
    assert [event.actor for event in Event.objects.filter(verb=Verb.REVOKE_KEY)] == [cast.admin]


def test_a_key_that_is_being_revoked_does_not_retire(key: ClientKey, cast: SimpleNamespace) -> None:
    outcomes = race_behind(
        key,
        lambda: revoke_key(key, reason=RevocationReason.UNSPECIFIED, by=cast.admin),
        lambda: retire_key(key, grace=timedelta(0), by=cast.dev),
    )
    assert kinds(outcomes) == [ClientKey, KeyNotLive]
    key.refresh_from_db()
    assert key.retires_at is None


def test_a_key_that_is_being_retired_can_be_revoked(key: ClientKey, cast: SimpleNamespace) -> None:
    outcomes = race_behind(
        key,
        lambda: retire_key(key, grace=timedelta(hours=1), by=cast.dev),
        lambda: revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin),
    )
    assert kinds(outcomes) == [ClientKey, ClientKey]
    key.refresh_from_db()
    assert (key.retired_by, key.revoked_by) == (cast.dev, cast.admin)


def published_around(client: Client, act: Callable[[], object]) -> tuple[list[set[str]], ...]:
    """Publish in four threads while `act` runs; return what they saw before it and after it."""
    seen: list[tuple[float, float, set[str]]] = []
    stop = threading.Event()

    def publish_on_and_on() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            kids = published_kids(client)
            seen.append((begun, time.monotonic(), kids))

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(outcome_of, publish_on_and_on) for _ in range(4)]
        try:
            wait_until(lambda: seen, "Nothing is published.")
            called = time.monotonic()
            act()
            returned = time.monotonic()
            wait_until(lambda: seen[-1][0] > returned, "Nothing is published any more.")
        finally:
            stop.set()
        for future in futures:
            future.result(timeout=PATIENCE_S)
    before = [kids for _, ended, kids in seen if ended < called]
    after = [kids for begun, _, kids in seen if begun > returned]
    return before, after


def test_once_revoked_a_key_is_in_no_set_that_is_published(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    before, after = published_around(
        payments, lambda: revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin)
    )
    assert before
    assert all(key.kid in kids for kids in before)
    assert after
    assert not any(key.kid in kids for kids in after)


def test_once_suspended_a_client_publishes_none_of_its_keys(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    before, after = published_around(
        payments, lambda: suspend_client(payments, note="", by=cast.admin)
    )
    assert before
    assert all(key.kid in kids for kids in before)
    assert after
    assert not any(key.kid in kids for kids in after)


# --- Teams ----------------------------------------------------------------------------------------


def test_two_owners_who_remove_each_other_leave_one(
    payments: Client, cast: SimpleNamespace
) -> None:
    second = add_member(payments, email="stranger@example.com", role=Role.OWNER, by=cast.alice)
    first = payments.memberships.get(user=cast.alice)
    outcomes = race_behind(
        payments,
        lambda: remove_member(second, by=cast.alice),
        lambda: remove_member(first, by=cast.stranger),
    )
    assert kinds(outcomes) == [type(None), LastOwner]
    assert payments.memberships.get(role=Role.OWNER).user == cast.alice


def test_two_owners_who_step_down_at_once_leave_one(
    payments: Client, cast: SimpleNamespace
) -> None:
    second = add_member(payments, email="stranger@example.com", role=Role.OWNER, by=cast.alice)
    first = payments.memberships.get(user=cast.alice)
    outcomes = race_behind(
        payments,
        lambda: change_role(first, role=Role.VIEWER, by=cast.alice),
        lambda: change_role(second, role=Role.VIEWER, by=cast.stranger),
    )
    assert kinds(outcomes) == [Membership, LastOwner]
    assert payments.memberships.get(role=Role.OWNER).user == cast.stranger


def test_a_member_who_is_being_removed_gets_no_other_role(
    payments: Client, cast: SimpleNamespace
) -> None:
    membership = payments.memberships.get(user=cast.dev)
    outcomes = race_behind(
        payments,
        lambda: remove_member(membership, by=cast.alice),
        lambda: change_role(membership, role=Role.OWNER, by=cast.alice),
    )
    assert kinds(outcomes) == [type(None), NotMember]
    assert not payments.memberships.filter(user=cast.dev).exists()


# --- Everything at once ---------------------------------------------------------------------------


def test_a_storm_of_all_verbs_ends_without_deadlock_and_with_every_promise_kept(
    payments: Client, other: Client, cast: SimpleNamespace, settings: Settings
) -> None:
    settings.KEY_LIMIT = 3
    pems = [new_pem() for _ in range(12)]
    shas = [fingerprint(pem) for pem in pems]

    def key(n: int) -> ClientKey | None:
        return ClientKey.objects.filter(spki_sha256=shas[n % 12]).order_by("-pk").first()

    def act(n: int) -> None:
        client, by = ((payments, cast.alice), (other, cast.bob))[n % 2]
        found = key(n // 3)
        match n % 12:
            case 0 | 1 | 2 | 3:
                registering(client, by, pems[n // 2 % 12])()
            case 4 if found:
                retire_key(found, grace=timedelta(hours=1), by=by)
            case 5 if found:
                keep_key(found, by=by)
            case 6 if found:
                revoke_key(found, reason=RevocationReason.SUPERSEDED, by=cast.admin)
            case 7 if n % 3 == 0:
                block_key(shas[n % 12], by=cast.admin)
            case 8:
                suspend_client(client, note="", by=cast.admin)
            case 9 if found:
                confirm_key(found, by=by)
            case 10 | 11:
                resume_client(client, by=cast.admin)

    def worker(start: int) -> None:
        for n in islice(cycle(range(264)), start * 31, start * 31 + 60):
            try:
                act(n)
            except (Refused, RegistryRefusal):
                continue

    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(outcome_of, partial(worker, n)) for n in range(8)]:
            # A deadlock is an OperationalError, which comes out here.
            future.result(timeout=PATIENCE_S)

    now = timezone.now()
    blocked = BlockedKey.objects.values("spki_sha256")
    assert ClientKey.objects.exists()
    assert not ClientKey.objects.filter(spki_sha256__in=blocked, revoked_at=None).exists()
    proved = ClientKey.objects.exclude(confirmed_at=None)
    beside = ClientKey.objects.filter(confirmed_at=None, revoked_at=None)
    assert not beside.filter(spki_sha256__in=proved.values("spki_sha256")).exists()
    assert all(each.keys.current(now).count() <= 3 for each in (payments, other))
    for verb, rows in (
        (Verb.REGISTER_KEY, ClientKey.objects.all()),
        (Verb.CONFIRM_KEY, proved),
        (Verb.REVOKE_KEY, ClientKey.objects.filter(revoked_at__isnull=False)),
        (Verb.BLOCK_KEY, BlockedKey.objects.all()),
    ):
        assert Event.objects.filter(verb=verb).count() == rows.count(), verb


def test_a_draft_that_is_being_saved_is_not_pruned(cast: SimpleNamespace) -> None:
    values = RuleValues("A year", timezone.now(), longest_days=365)
    late = timezone.now() + timedelta(days=2)
    saved, deleted = (draft_rule(values, by=cast.admin) for _ in range(2))
    save = partial(save_rule, by=cast.admin)
    race_behind(saved, partial(save, saved), partial(prune, late))
    assert list(PolicyRule.objects.all()) == [saved]
    with pytest.raises(RuleNotPossible, match="not saved within a day"):
        save(deleted)
