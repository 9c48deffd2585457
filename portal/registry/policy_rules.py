"""Which keys are outside the rules of the key policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from portal.core.key_policy.requirements import KeyFacts
from portal.registry.models import Client, ClientKey, PolicyExemption, PolicyRule
from portal.registry.models.client_key import ClientKeyQuerySet


@dataclass(frozen=True, slots=True)
class OutsideRule:
    """A rule that a key does not meet, and a sentence for each thing that differs."""

    rule: PolicyRule
    unmet: tuple[str, ...]


def keys_outside(rule: PolicyRule, keys: ClientKeyQuerySet, now: datetime) -> ClientKeyQuerySet:
    """Return those of the keys that have not ended and do not meet the rule; drafts too.

    Leaves out the keys of clients that are exempt, from the rule or from the one that it replaces.
    """
    outside = keys.outside(rule.required, now)
    if not rule.of_all:
        outside = outside.filter(client__in=rule.clients.values("pk"))
    exempt = PolicyExemption.objects.open(now).filter(
        Q(rule=rule.pk) | Q(rule=rule.replaces_id), client=OuterRef("client")
    )
    return outside.filter(~Exists(exempt))


def rules_of(client: Client | None, now: datetime) -> list[PolicyRule]:
    """Return the rules that apply to the client's keys, or will: the earliest first.

    Without a client, those for all clients.
    """
    return list(PolicyRule.objects.of_client(client, now).order_by("applies_from", "pk"))


def outside_of(key: ClientKey, rules: list[PolicyRule]) -> list[OutsideRule]:
    """Return those of the rules that the key does not meet."""
    facts = KeyFacts(
        alg=key.alg,
        kty=key.kty,
        bits=key.bits,
        registered_at=key.registered_at,
        ends_at=key.lifecycle.ends_at,
        is_confirmed=key.confirmed_at is not None,
    )
    found = [OutsideRule(rule, rule.required.unmet(facts)) for rule in rules]
    return [each for each in found if each.unmet]
