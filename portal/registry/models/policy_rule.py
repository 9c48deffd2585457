"""The rules that admins add to the key policy, and the clients that are exempt from one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, Self

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q

from portal.core.algorithms import ALGORITHMS
from portal.core.key_policy.requirements import Requirements
from portal.registry.models.client import Client

MAX_RULES: Final = 50
"""How many rules are in force or planned at most: each registration reads them."""


class PolicyRuleQuerySet(models.QuerySet["PolicyRule"]):
    """Queries for rules."""

    def current(self) -> Self:
        """Return the rules that are saved and not ended: in force, or planned."""
        return self.filter(saved_at__isnull=False, ended_at=None)

    def of_client(self, client: Client | None, now: datetime) -> Self:
        """Return the current rules for the client that it is not exempt from at `now`.

        Without a client, those for all clients.
        """
        if client is None:
            return self.current().filter(of_all=True)
        exemptions = PolicyExemption.objects.open(now).filter(rule=OuterRef("pk"), client=client)
        named = PolicyRule.clients.through.objects.filter(policyrule=OuterRef("pk"), client=client)
        return self.current().filter(Q(of_all=True) | Exists(named), ~Exists(exemptions))


class PolicyRule(models.Model):
    """Requirements for the keys of all clients, or of some, from a date on.

    It is a draft until it is saved, and never changes then: another rule replaces it. `survey` has
    the numbers of keys outside it: see `policy_survey`.
    """

    name = models.CharField(max_length=100)
    of_all = models.BooleanField(default=True)
    """Whether the rule is for all clients, and not only for `clients`."""
    clients = models.ManyToManyField(Client, related_name="+", blank=True)
    applies_from = models.DateTimeField()
    algorithms = models.JSONField(null=True, blank=True)
    """The names of the only algorithms allowed, or None for all."""
    rsa_min_bits = models.PositiveIntegerField(null=True, blank=True)
    longest_days = models.PositiveIntegerField(null=True, blank=True)
    confirmation = models.BooleanField(default=False)
    replace_by = models.DateField(null=True, blank=True)
    """The day that the portal proposes for the replacement of keys outside the rule."""
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    saved_at = models.DateTimeField(null=True, blank=True)
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    survey = models.JSONField(null=True, blank=True)

    objects = PolicyRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="rule_has_a_name"),
            models.CheckConstraint(
                condition=Q(algorithms__isnull=False)
                | Q(rsa_min_bits__isnull=False)
                | Q(longest_days__isnull=False)
                | Q(confirmation=True),
                name="rule_requires_something",
            ),
            models.CheckConstraint(
                condition=Q(saved_at=None, saved_by=None)
                | Q(saved_at__isnull=False, saved_by__isnull=False),
                name="rule_saved_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None)
                | Q(ended_at__isnull=False, ended_by__isnull=False, saved_at__isnull=False),
                name="rule_ended_by_somebody",
            ),
        ]
        indexes = [
            models.Index(
                fields=["-id"],
                name="rule_current",
                condition=Q(saved_at__isnull=False, ended_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def required(self) -> Requirements:
        """What the rule requires, from `applies_from` on."""
        return Requirements(
            algorithms=None if self.algorithms is None else frozenset(self.algorithms),
            rsa_min_bits=self.rsa_min_bits or 0,
            longest=timedelta(days=self.longest_days) if self.longest_days else None,
            confirmation=self.confirmation,
        )

    @property
    def is_draft(self) -> bool:
        """Whether the rule is not saved, so that it applies to nobody."""
        return self.saved_at is None

    @property
    def is_current(self) -> bool:
        """Whether the rule is saved and not ended."""
        return self.saved_at is not None and self.ended_at is None

    def applies(self, now: datetime) -> bool:
        """Return whether new keys must meet the rule at `now`."""
        return self.is_current and self.applies_from <= now

    @property
    def sentences(self) -> list[str]:
        """What the rule requires, in sentences."""
        said = []
        if self.algorithms is not None:
            named = ", ".join(each for each in ALGORITHMS if each in self.algorithms)
            said.append(f"Only these algorithms: {named}.")
        if self.rsa_min_bits:
            said.append(f"RSA keys have at least {self.rsa_min_bits} bits.")
        if self.longest_days:
            said.append(f"A key lives for at most {self.longest_days} days.")
        if self.confirmation:
            said.append("A key is live only after its confirmation.")
        return said


class PolicyExemptionQuerySet(models.QuerySet["PolicyExemption"]):
    """Queries for exemptions."""

    def open(self, now: datetime) -> Self:
        """Return the exemptions that count at `now`."""
        return self.filter(until__gt=now)


class PolicyExemption(models.Model):
    """A client that a rule does not apply to, for a reason and until a date."""

    rule = models.ForeignKey(PolicyRule, models.CASCADE, related_name="exemptions")
    client = models.ForeignKey(Client, models.CASCADE, related_name="+")
    note = models.CharField(max_length=500)
    until = models.DateTimeField()
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    objects = PolicyExemptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "client"], name="exempt_once_from_a_rule"),
            models.CheckConstraint(condition=~Q(note=""), name="exemption_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.client} from {self.rule}"


def rule_facts(rule: PolicyRule) -> dict[str, Any]:
    """Return what a rule says, for the detail of an event."""
    return {
        "rule": rule.pk,
        "name": rule.name,
        "of_all": rule.of_all,
        "client_ids": sorted(rule.clients.values_list("client_id", flat=True)),
        "applies_from": rule.applies_from.isoformat(),
        "algorithms": rule.algorithms,
        "rsa_min_bits": rule.rsa_min_bits,
        "longest_days": rule.longest_days,
        "confirmation": rule.confirmation,
        "replace_by": rule.replace_by.isoformat() if rule.replace_by else None,
    }
