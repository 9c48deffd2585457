"""`manage.py judge_keys`: RSA keys that share a prime, and keys that are known to be weak."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command
from django.test import Client as Browser
from pytest_django import Settings

from portal.core.key_policy import judging as core_judging
from portal.core.key_policy import policy
from portal.core.key_policy.published_keys import NO_LIST, record_hash
from portal.core.public_key.parse import parse_public_key
from portal.core.reasons import Reason, Refused
from portal.registry import judging
from portal.registry.actions import confirm_key, retire_key, revoke_key
from portal.registry.choices import BlockedWhy, RevocationReason, Verb
from portal.registry.models import PORTAL, BlockedKey, Client, ClientKey, Event, JudgedKey
from tests.db.registry.recorded import events
from tests.paths import client_path, key_path
from tests.registering import register_pem
from tests.unit.core.key_policy.weak_keys import prime

SHARED = "It shares a prime with another key, so anyone can compute both private keys."


def pem_of(n: int) -> str:
    public = RSAPublicNumbers(65537, n).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def judge(*arguments: str) -> str:
    out = StringIO()
    call_command("judge_keys", *arguments, stdout=out)
    return out.getvalue()


Add = Callable[..., ClientKey]


@pytest.fixture
def add(payments: Client, other: Client, cast: SimpleNamespace, settings: Settings) -> Add:
    """Registers the key of these two primes, by their seeds, for a client, and proves it."""
    settings.KEY_LIMIT = 100

    def add(*seeds: int, client: Client = payments, proved: bool = True) -> ClientKey:
        n = prime(1024, seeds[0]) * prime(1024, seeds[1])
        by = cast.alice if client == payments else cast.bob
        key = register_pem(client, material=pem_of(n), alg="PS256", label=str(seeds), by=by)
        return confirm_key(key, by=by) if proved else key

    return add


def revoked(*keys: ClientKey) -> list[bool]:
    return [bool(ClientKey.objects.get(pk=key.pk).revoked_at) for key in keys]


# --- Shared primes --------------------------------------------------------------------------------


def test_two_keys_that_share_a_prime_are_blocked_and_revoked(
    add: Add, payments: Client, other: Client
) -> None:
    one, good, two = add(1, 2), add(3, 4), add(2, 5, client=other)
    assert judge("--again", "0") == "3 RSA keys compared with all others, 2 share a prime\n"
    assert revoked(one, good, two) == [True, False, True]
    one.refresh_from_db()
    assert (one.revoked_by, one.revocation_reason) == (PORTAL, RevocationReason.COMPROMISED)
    assert one.revocation_note == SHARED
    blocked = {each.pk: (each.why, each.blocked_by) for each in BlockedKey.objects.all()}
    assert blocked == {key.spki_sha256: (BlockedWhy.WEAK, PORTAL) for key in (one, two)}
    detail = {"reason": "rsa_shared_prime", "note": SHARED}
    assert events(Verb.FIND_WEAKNESS) == [
        (PORTAL, payments, one, detail | {"spki_sha256": two.spki_sha256}),
        (PORTAL, other, two, detail | {"spki_sha256": one.spki_sha256}),
    ]


def test_a_new_key_is_compared_with_those_that_were_judged_before(add: Add, other: Client) -> None:
    one, good = add(1, 2), add(3, 4)
    judge()
    two = add(5, 1, client=other)
    assert judge("--again", "0") == "1 RSA keys compared with all others, 2 share a prime\n"
    assert revoked(one, good, two) == [True, False, True]


@pytest.mark.parametrize("end", ["retired", "revoked"])
def test_a_key_that_has_ended_is_compared_too(
    add: Add, other: Client, cast: SimpleNamespace, end: str
) -> None:
    one = add(1, 2)
    if end == "retired":
        retire_key(one, grace=timedelta(0), by=cast.alice)
    else:
        revoke_key(one, reason=RevocationReason.SUPERSEDED, by=cast.alice)
    two = add(2, 3, client=other)
    judge()
    assert revoked(one, two) == [True, True]
    assert BlockedKey.objects.count() == 2


def test_a_key_that_nobody_proved_shares_nothing(add: Add, other: Client) -> None:
    """Anybody can register N·q, or the key of somebody else."""
    one = add(1, 2)
    unproved = add(2, 3, client=other, proved=False)
    judge()
    assert revoked(one, unproved) == [False, False]


def test_it_is_compared_once_it_is_proved(add: Add, other: Client, cast: SimpleNamespace) -> None:
    one = add(1, 2)
    late = add(2, 3, client=other, proved=False)
    judge()
    confirm_key(late, by=cast.bob)
    judge()
    assert revoked(one, late) == [True, True]


def test_a_copy_of_a_weak_key_ends_too(add: Add, payments: Client, other: Client) -> None:
    add(1, 2)
    weak = add(2, 3, proved=False)
    copy = add(2, 3, client=other, proved=False)
    confirm_key(weak, by=weak)
    judge()
    assert revoked(weak, copy) == [True, True]


def test_batches_are_compared_with_the_ones_before(
    add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "COMPARED_AT_ONCE", 2)
    monkeypatch.setattr(judging, "_PIECE", 2)
    keys = [add(1, 2), add(3, 4), add(5, 6), add(7, 8), add(9, 2)]
    said = judge("--again", "0").splitlines()
    assert said[-1] == "1 RSA keys compared with all others, 2 share a prime"
    assert revoked(*keys) == [True, False, False, False, True]


def test_running_again_records_nothing(add: Add) -> None:
    add(1, 2)
    add(2, 3)
    judge()
    number = Event.objects.count()
    assert judge() == ""
    JudgedKey.objects.all().delete()
    assert "2 RSA keys compared with all others, 0 share" in judge()
    assert Event.objects.count() == number


def test_a_run_that_was_stopped_goes_on(add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = add(1, 2), add(2, 3)
    marking = judging._mark

    def stop(*_args: Any, **_how: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(judging, "_mark", stop)
    with pytest.raises(KeyboardInterrupt):
        judge()
    assert revoked(*keys) == [True, True]
    monkeypatch.setattr(judging, "_mark", marking)
    judge()
    assert len(events(Verb.FIND_WEAKNESS)) == 2


def test_an_admin_decides_where_the_portal_may_not(
    add: Add, settings: Settings, browser_of: Callable[[str], Browser]
) -> None:
    settings.BLOCK_WEAK_KEYS = False
    keys = add(1, 2), add(2, 3)
    judge()
    assert revoked(*keys) == [False, False]
    assert not BlockedKey.objects.exists()
    assert len(events(Verb.FIND_WEAKNESS)) == 2
    page = browser_of("viewer").get(key_path(keys[0])).content.decode()
    assert "The portal found a weakness in this key." in page
    assert SHARED in page
    listed = browser_of("admin").get("/console/events/?verb=find_weakness").content.decode()
    assert listed.count("The portal found a weakness in the key") == 2


def test_both_teams_see_why(add: Add, other: Client, browser_of: Callable[[str], Browser]) -> None:
    one, two = add(1, 2), add(2, 3, client=other)
    judge()
    for who, key in (("viewer", one), ("bob", two)):
        for path in (key_path(key), client_path(key.client)):
            page = browser_of(who).get(path).content.decode()
            assert SHARED in page
    assert "Other" not in browser_of("viewer").get(key_path(one)).content.decode()


# --- Judging again --------------------------------------------------------------------------------


@pytest.fixture
def grown(key: ClientKey, monkeypatch: pytest.MonkeyPatch) -> ClientKey:
    """A key that is on the list of known keys since it was registered and judged."""
    judge()
    monkeypatch.setattr(policy, "KNOWN_KEYS", frozenset({key.spki_sha256}))
    monkeypatch.setattr(judging, "rules", lambda _published: "newer")
    return key


def test_a_key_that_is_known_by_now_is_blocked_and_revoked(grown: ClientKey) -> None:
    assert judge() == "1 keys checked again, 1 are weak\n"
    grown.refresh_from_db()
    assert grown.revoked_by is PORTAL
    assert "The private key of this key pair is published" in grown.revocation_note
    assert BlockedKey.objects.get().why == BlockedWhy.WEAK
    assert judge() == ""


def test_a_key_that_a_newer_list_of_published_keys_names_is_blocked_and_revoked(
    key: ClientKey, settings: Settings, tmp_path: Path
) -> None:
    assert judge() == "1 keys checked again, 0 are weak\n"
    path = tmp_path / "blocklist.dat"
    path.write_bytes(record_hash(parse_public_key(key.pem)) + b"\1")
    settings.PUBLISHED_KEYS_FILE = str(path)
    assert judge() == "1 keys checked again, 1 are weak\n"
    key.refresh_from_db()
    assert key.revoked_by is PORTAL


def test_the_same_rules_judge_once(
    key: ClientKey, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    judge()
    with django_assert_num_queries(2):
        judge()


def test_what_a_setting_asks_of_new_keys_ends_no_old_one(add: Add, settings: Settings) -> None:
    old = add(1, 2)
    settings.RSA_MIN_BITS = 3072
    judge()
    assert revoked(old) == [False]


def test_a_run_judges_so_many_again(
    payments: Client, cast: SimpleNamespace, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "JUDGED_AT_ONCE", 2)
    monkeypatch.setattr(judging, "judge", lambda _pem, _published: None)
    for seed in range(0, 10, 2):
        add(seed, seed + 1, proved=False)
    assert judge("--again", "3").splitlines() == [
        "2 keys checked again, 0 are weak",
        "1 keys checked again, 0 are weak",
    ]
    assert JudgedKey.objects.count() == 3


def test_a_modulus_is_judged_by_all_that_a_new_one_is() -> None:
    refused = core_judging.judge(pem_of(prime(1024, 1) * 3 * prime(1022, 2)), NO_LIST)
    assert isinstance(refused, Refused)
    assert refused.reason in {Reason.RSA_SMALL_FACTOR, Reason.RSA_ODD_LENGTH}
