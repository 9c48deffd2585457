"""The rules of the key policy: drafted, counted, saved, and what they mean for keys."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from portal.core.key_policy.requirements import Requirements
from portal.registry.actions import (
    change_key,
    confirm_key,
    draft_rule,
    end_exemption,
    end_rule,
    exempt_client,
    retire_key,
    save_rule,
)
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.choices import Verb
from portal.registry.cleanup import prune
from portal.registry.errors import LifeTooLong, RuleNotPossible, UnfitInput
from portal.registry.models import Client, ClientKey, Event, PolicyRule
from portal.registry.policy_rules import outside_of
from portal.registry.policy_survey import SURVEY, survey
from portal.work.models import Task
from portal.work.tasks import RECURRING
from tests.db.console.conftest import KeyMaker, make_keys
from tests.db.recorded_requests import accept
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

__all__ = ["make_keys"]
pytestmark = pytest.mark.sqlite
DAY = timedelta(days=1)


def values(**changes: Any) -> RuleValues:
    given: dict[str, Any] = {"name": "A year", "applies_from": timezone.now()}
    return RuleValues(**given | changes)


def saved(cast: SimpleNamespace, **changes: Any) -> PolicyRule:
    return save_rule(draft_rule(values(**changes), by=cast.admin), by=cast.admin)


def numbers_of(rule: PolicyRule) -> dict[str, int]:
    """The numbers of the last survey."""
    rule.refresh_from_db()
    assert rule.survey
    return {name: rule.survey[name] for name in ("keys", "clients", "used")}


def registered(client: Client, cast: SimpleNamespace, **given: Any) -> ClientKey:
    private = new_private_key("ES256")
    return register_pem(
        client, material=public_pem(private), alg="ES256", label="x", by=cast.dev, **given
    )


def test_a_new_key_needs_an_end_that_the_rule_allows(
    payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    rule = saved(cast, longest_days=365, clients=[payments])
    until = f"{timezone.now() + 365 * DAY:%-d %b %Y}"
    for end, found in ((None, "never expire"), (timezone.now() + 400 * DAY, "live until")):
        with pytest.raises(LifeTooLong, match=found) as refused:
            registered(payments, cast, expires_at=end)
        assert f"at most 365 days: choose an expiry date until {until}." in str(refused.value)
    assert Event.objects.filter(verb=Verb.REFUSE_KEY, detail__reason="life_too_long").count() == 2
    key = registered(payments, cast, expires_at=timezone.now() + 365 * DAY)
    # It is only for one client, and until it ends.
    registered(other, SimpleNamespace(dev=cast.bob))
    with pytest.raises(LifeTooLong):
        change_key(key, label="x", expires_at=None, by=cast.dev)
    end_rule(rule, by=cast.admin)
    registered(payments, cast)


def test_a_rule_begins_at_its_date(payments: Client, cast: SimpleNamespace) -> None:
    saved(cast, confirmation=True, applies_from=timezone.now() + DAY)
    assert not registered(payments, cast).confirmation_required
    saved(cast, confirmation=True)
    assert registered(payments, cast).confirmation_required


def test_a_key_without_an_end_stays_and_may_end_earlier(
    payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    ClientKey.objects.filter(pk=key.pk).update(expires_at=timezone.now() + 900 * DAY)
    saved(cast, longest_days=365)
    key.refresh_from_db()
    assert key.lifecycle.is_live(timezone.now())
    with pytest.raises(LifeTooLong):
        change_key(key, label="x", expires_at=timezone.now() + 901 * DAY, by=cast.dev)
    change_key(key, label="x", expires_at=timezone.now() + 800 * DAY, by=cast.dev)


def test_an_exempt_client_is_free_until_the_day(payments: Client, cast: SimpleNamespace) -> None:
    rule = saved(cast, longest_days=365)
    with pytest.raises(UnfitInput, match="in the past"):
        exempt_client(rule, payments, note="x", until=timezone.now(), by=cast.admin)
    exemption = exempt_client(
        rule, payments, note="Vendor cannot rotate", until=timezone.now() + DAY, by=cast.admin
    )
    registered(payments, cast)
    # A rule in place of this one keeps the exemptions.
    changed = draft_rule(values(longest_days=100), by=cast.admin, replaces=rule)
    save_rule(changed, by=cast.admin)
    registered(payments, cast)
    exemption.refresh_from_db()
    end_exemption(exemption, by=cast.admin)
    with pytest.raises(LifeTooLong, match="at most 100 days"):
        registered(payments, cast)
    events = Event.objects.filter(verb=Verb.CHANGE_POLICY).order_by("number")
    assert [event.detail["what"] for event in events] == [
        *("saved", "exempted", "saved", "exemption_ended")
    ]
    assert events[1].client == payments


def test_a_draft_changes_nothing_and_is_saved_once(payments: Client, cast: SimpleNamespace) -> None:
    rule = saved(cast, longest_days=365)
    first, second = (
        draft_rule(values(longest_days=100), by=cast.admin, replaces=rule) for _ in range(2)
    )
    save_rule(first, by=cast.admin)
    for late in (first, second):
        with pytest.raises(RuleNotPossible):
            save_rule(late, by=cast.admin)
    assert list(PolicyRule.objects.current()) == [first]
    assert prune(timezone.now() + 2 * DAY)["drafts of policy rules"] == 1
    assert not PolicyRule.objects.filter(pk=second.pk).exists()


def test_a_rule_in_force_counts_until_another_one_does(
    payments: Client, cast: SimpleNamespace
) -> None:
    """A change of it from a later day would leave a hole until that day."""
    rule, later = saved(cast, longest_days=365), timezone.now() + DAY
    stricter = values(longest_days=100, applies_from=later)
    with pytest.raises(RuleNotPossible, match="must begin now"):
        save_rule(draft_rule(stricter, by=cast.admin, replaces=rule), by=cast.admin)
    planned = save_rule(draft_rule(stricter, by=cast.admin), by=cast.admin)
    # A rule that is only planned may be planned for another day.
    again = values(longest_days=90, applies_from=later + DAY)
    save_rule(draft_rule(again, by=cast.admin, replaces=planned), by=cast.admin)
    with pytest.raises(LifeTooLong, match="at most 365 days"):
        registered(payments, cast)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "longest_days"),
        ({"longest_days": 0}, "longest_days"),
        ({"rsa_min_bits": 1024}, "rsa_min_bits"),
        ({"rsa_min_bits": 8192}, "rsa_min_bits"),
        ({"algorithms": ["HS256"]}, "algorithms"),
        ({"confirmation": True, "clients": []}, "clients"),
        ({"confirmation": True, "name": " "}, "name"),
    ],
)
def test_rules_that_nobody_could_meet_are_refused(
    changes: dict[str, Any], field: str, cast: SimpleNamespace
) -> None:
    with pytest.raises(UnfitInput) as refused:
        draft_rule(values(**changes), by=cast.admin)
    assert refused.value.field == field


def test_the_survey_counts_keys_clients_and_those_in_use(
    payments: Client, other: Client, cast: SimpleNamespace, make_keys: KeyMaker
) -> None:
    now = timezone.now()
    endless = make_keys(payments, 3)
    make_keys(payments, 1, expires_at=now + DAY)
    make_keys(payments, 1, expires_at=now - DAY)
    [used, _] = make_keys(other, 2)
    accept(endless[0], 1, ago=2 * DAY)
    accept(used, 2)
    draft = draft_rule(values(longest_days=365), by=cast.admin)
    task = Task.objects.get(kind=SURVEY.name, subject=str(draft.pk))
    assert survey(task, now) is None
    assert numbers_of(draft) == {"keys": 5, "clients": 2, "used": 1}
    # Every hour, the rules that are saved are counted again.
    rule = save_rule(draft, by=cast.admin)
    exempt_client(rule, other, note="x", until=now + DAY, by=cast.admin)
    Task.objects.all().delete()
    assert survey(Task(subject=RECURRING), now) == now + timedelta(hours=1)
    survey(Task.objects.get(subject=str(rule.pk)), now)
    assert numbers_of(rule) == {"keys": 3, "clients": 1, "used": 0}


def test_the_survey_reads_in_pieces(
    payments: Client,
    cast: SimpleNamespace,
    make_keys: KeyMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_keys(payments, 7)
    monkeypatch.setattr("portal.registry.policy_survey._PIECE", 3)
    draft = draft_rule(values(longest_days=365), by=cast.admin)
    survey(Task.objects.get(), timezone.now())
    assert numbers_of(draft)["keys"] == 7


def test_sql_and_python_agree_on_what_is_outside(
    payments: Client, cast: SimpleNamespace, make_keys: KeyMaker
) -> None:
    now = timezone.now()
    ends = (None, now + 89 * DAY, now + 92 * DAY)
    kinds = (("PS256", "RSA", 2048), ("PS256", "RSA", 3072), ("ES256", "EC", 256))
    for (alg, kty, bits), expires_at, retires in itertools.product(kinds, ends, (False, True)):
        [key] = make_keys(payments, 1, alg=alg, kty=kty, bits=bits, expires_at=expires_at)
        if retires:
            retire_key(key, grace=80 * DAY, by=cast.dev)
        if bits == 3072:
            confirm_key(key, by=cast.dev)
    for required in (
        Requirements(algorithms=frozenset({"ES256"})),
        Requirements(rsa_min_bits=3072),
        Requirements(longest=90 * DAY),
        Requirements(confirmation=True),
        Requirements(frozenset({"PS256"}), 3072, 90 * DAY, confirmation=True),
        Requirements(),
    ):
        in_sql = set(ClientKey.objects.outside(required, now).values_list("pk", flat=True))
        rule = SimpleNamespace(required=required)
        in_python = {
            key.pk
            for key in ClientKey.objects.all()
            if outside_of(key, [rule])  # type: ignore[list-item]
        }
        assert in_sql == in_python, required
