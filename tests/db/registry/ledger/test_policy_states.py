"""Rules, exemptions and calendar addresses that were changed past the portal are named."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.registry.actions import (
    draft_rule,
    end_exemption,
    end_rule,
    exempt_client,
    make_calendar_feed,
    revoke_calendar_feed,
    save_rule,
)
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.models import CalendarFeed, Client, PolicyExemption, PolicyRule
from tests.db.registry.ledger.support import problems, verified

pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("nobody_is_admin")]


@pytest.fixture
def rule(payments: Client, other: Client, cast: SimpleNamespace) -> PolicyRule:
    """A rule for two clients that replaces another one; one of the clients is exempt."""
    values = RuleValues("x", timezone.now(), clients=[payments, other], longest_days=365)
    replaced = save_rule(draft_rule(values, by=cast.admin), by=cast.admin)
    until = timezone.now() + timedelta(days=9)
    exempt_client(replaced, payments, note="x", until=until, by=cast.admin)
    draft = draft_rule(values, by=cast.admin, replaces=replaced)
    make_calendar_feed(payments, by=cast.dev)
    return save_rule(draft, by=cast.admin)


def test_what_actions_do_is_as_events_say(
    rule: PolicyRule, payments: Client, cast: SimpleNamespace
) -> None:
    verified()
    end_exemption(rule.exemptions.get(), by=cast.admin)
    revoke_calendar_feed(payments, by=cast.dev)
    verified()
    end_rule(rule, by=cast.admin)
    verified()


def test_what_was_changed_past_the_portal_is_named(
    rule: PolicyRule, payments: Client, cast: SimpleNamespace
) -> None:
    named = f"Rule {rule.pk} of the key policy"
    rules = PolicyRule.objects.filter(pk=rule.pk)
    rules.update(longest_days=3650)
    assert problems() == [f"{named} differs from its events."]
    rules.update(longest_days=365)
    rule.clients.remove(payments)
    assert problems() == [f"{named} differs from its events."]
    rule.clients.add(payments)
    PolicyExemption.objects.update(until=timezone.now() + timedelta(days=900))
    exemption = f"Exemption of client {payments.pk} from rule {rule.pk} of the key policy"
    assert problems() == [f"{exemption} differs from its events."]
    PolicyExemption.objects.all().delete()
    assert problems() == [f"{exemption} does not exist, but an event says so."]


def test_an_address_that_somebody_added_is_named(
    rule: PolicyRule, payments: Client, other: Client, cast: SimpleNamespace
) -> None:
    CalendarFeed.objects.create(client=other, secret_sha256="ab" * 32, made_by=cast.admin)
    assert problems() == [f"Calendar address of client {other.pk} exists, and no event says so."]
    CalendarFeed.objects.filter(client=other).delete()
    CalendarFeed.objects.update(secret_sha256="cd" * 32)
    assert problems() == [f"Calendar address of client {payments.pk} differs from its events."]
