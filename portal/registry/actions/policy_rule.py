"""Draft, save and end the rules of the key policy, and exempt clients from one.

A saved rule never changes: to change it, save another one that replaces it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import User
from portal.core.algorithms import ALGORITHMS
from portal.registry.choices import Verb
from portal.registry.errors import RuleNotPossible, UnfitInput
from portal.registry.models import Client, Event, PolicyExemption, PolicyRule, recording
from portal.registry.models.policy_rule import MAX_RULES, rule_facts
from portal.registry.policy_survey import SURVEY
from portal.registry.validation import clean_line, clean_note
from portal.work.tasks import put

MAX_CLIENTS: Final = 200
"""How many clients a rule can name."""
MAX_EXEMPTIONS: Final = 200
"""How many clients can be exempt from a rule."""
MAX_DAYS: Final = 3650
"""The longest life that a rule can allow, in days."""


@dataclass(frozen=True, slots=True)
class RuleValues:
    """What a rule says. `clients` None: it is for all clients. None elsewhere: no requirement."""

    name: str
    applies_from: datetime
    clients: Collection[Client] | None = None
    algorithms: Collection[str] | None = None
    rsa_min_bits: int | None = None
    longest_days: int | None = None
    confirmation: bool = False
    replace_by: date | None = None


@transaction.atomic
def draft_rule(values: RuleValues, *, by: User, replaces: PolicyRule | None = None) -> PolicyRule:
    """Store a rule that applies to nobody yet, and count the keys outside it in the background.

    A draft that nobody saves is deleted after a day. Raises `UnfitInput`.
    """
    name = clean_line(values.name, field="name")
    _check(values)
    rule = PolicyRule.objects.create(
        name=name,
        of_all=values.clients is None,
        applies_from=values.applies_from,
        algorithms=None
        if values.algorithms is None
        else [each for each in ALGORITHMS if each in values.algorithms],
        rsa_min_bits=values.rsa_min_bits,
        longest_days=values.longest_days,
        confirmation=values.confirmation,
        replace_by=values.replace_by,
        made_by=by,
        replaces=replaces,
    )
    if values.clients is not None:
        rule.clients.set(values.clients)
    put(SURVEY, str(rule.pk), due_at=timezone.now())
    return rule


@recording()
def save_rule(rule: PolicyRule, *, by: User) -> PolicyRule:
    """Put a draft into force, from its date on, in place of the rule that it replaces.

    Exemptions from that rule become exemptions from this one. A rule that is in force is replaced
    only by one that begins now: until another date neither would count. Raises `RuleNotPossible`.
    """
    now = timezone.now()
    rule = _lock(rule)
    if not rule.is_draft:
        raise RuleNotPossible(f"“{rule.name}” is already saved.")
    replaced = _lock(rule.replaces) if rule.replaces else None
    if replaced is not None and not replaced.is_current:
        raise RuleNotPossible(f"“{replaced.name}” has ended since. Discard this draft.")
    if replaced is not None and replaced.applies(now) and rule.applies_from > now:
        message = (
            f"“{replaced.name}” is in force, so a rule in its place must begin now. To require "
            "more from a later day, add another rule: a key must meet all rules."
        )
        raise RuleNotPossible(message)
    if replaced is None and PolicyRule.objects.current().count() >= MAX_RULES:
        raise RuleNotPossible(f"The policy has {MAX_RULES} rules. End one first.")
    rule.saved_at, rule.saved_by = now, by
    rule.save(update_fields=["saved_at", "saved_by"])
    detail = {"what": "saved", **rule_facts(rule)}
    if replaced is not None:
        _end(replaced, by)
        replaced.exemptions.update(rule=rule)
        detail["replaces"] = replaced.pk
    put(SURVEY, str(rule.pk), due_at=now)
    Event.objects.record(Verb.CHANGE_POLICY, by=by, detail=detail)
    return rule


@recording()
def end_rule(rule: PolicyRule, *, by: User) -> PolicyRule:
    """End a rule: new keys need not meet it. Idempotent."""
    rule = _lock(rule)
    if not rule.is_current:
        return rule
    _end(rule, by)
    Event.objects.record(Verb.CHANGE_POLICY, by=by, detail={"what": "ended", **rule_facts(rule)})
    return rule


@recording()
def exempt_client(
    rule: PolicyRule, client: Client, *, note: str, until: datetime, by: User
) -> PolicyExemption:
    """Let the rule not apply to the client until a date, for a reason. Replaces an exemption.

    Raises `RuleNotPossible` or `UnfitInput`.
    """
    note = clean_note(note)
    if not note:
        raise UnfitInput("Enter the reason, for later reference.", field="note")
    if until <= timezone.now():
        raise UnfitInput("This date is in the past. Choose a later one.", field="until")
    rule = _lock(rule)
    if not rule.is_current:
        raise RuleNotPossible(f"“{rule.name}” is not in force.")
    others = rule.exemptions.open(timezone.now()).exclude(client=client)
    if others.count() >= MAX_EXEMPTIONS:
        message = (
            f"{MAX_EXEMPTIONS} clients are exempt from “{rule.name}”. Change the rule instead."
        )
        raise RuleNotPossible(message)
    exemption, _ = PolicyExemption.objects.update_or_create(
        rule=rule, client=client, defaults={"note": note, "until": until, "made_by": by}
    )
    detail = {"what": "exempted", **_named(rule), "note": note, "until": until.isoformat()}
    Event.objects.record(Verb.CHANGE_POLICY, by=by, client=client, detail=detail)
    return exemption


@recording()
def end_exemption(exemption: PolicyExemption, *, by: User) -> None:
    """Let the rule apply to the client again. Idempotent."""
    rule = _lock(exemption.rule)
    number, _ = PolicyExemption.objects.filter(pk=exemption.pk).delete()
    if number:
        detail = {"what": "exemption_ended", **_named(rule)}
        Event.objects.record(Verb.CHANGE_POLICY, by=by, client=exemption.client, detail=detail)


def _lock(rule: PolicyRule) -> PolicyRule:
    locked = PolicyRule.objects.select_for_update(no_key=True, of=("self",))
    found = locked.filter(pk=rule.pk).first()
    if found is None:
        raise RuleNotPossible(f"“{rule.name}” was not saved within a day. Draft it again.")
    return found


def _end(rule: PolicyRule, by: User) -> None:
    rule.ended_at, rule.ended_by = timezone.now(), by
    rule.save(update_fields=["ended_at", "ended_by"])


def _named(rule: PolicyRule) -> dict[str, object]:
    return {"rule": rule.pk, "name": rule.name}


def _check(values: RuleValues) -> None:
    """Raise `UnfitInput` for values that no key, or no client, could meet."""
    if values.clients is not None and not 0 < len(values.clients) <= MAX_CLIENTS:
        message = f"Name between 1 and {MAX_CLIENTS} clients, or let the rule be for all."
        raise UnfitInput(message, field="clients")
    if values.algorithms is not None and not set(ALGORITHMS) & set(values.algorithms):
        raise UnfitInput("Choose at least one algorithm.", field="algorithms")
    bits = values.rsa_min_bits
    least, most = settings.RSA_MIN_BITS, settings.RSA_MAX_BITS
    if bits is not None and not least <= bits <= most:
        message = (
            f"The settings accept RSA keys from {least} to {most} bits. Choose a size of these."
        )
        raise UnfitInput(message, field="rsa_min_bits")
    if values.longest_days is not None and not 1 <= values.longest_days <= MAX_DAYS:
        message = f"Enter a number of days from 1 to {MAX_DAYS}."
        raise UnfitInput(message, field="longest_days")
    nothing = (None, None, None, False)
    if (values.algorithms, bits, values.longest_days, values.confirmation) == nothing:
        message = "This rule requires nothing. Set at least one requirement."
        raise UnfitInput(message, field="longest_days")
