"""Compare rules of the key policy, exemptions and calendar addresses with what events record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.db import transaction

from portal.registry.choices import Verb
from portal.registry.models import CalendarFeed, Event, PolicyExemption, PolicyRule
from portal.registry.models.policy_rule import rule_facts

_VERBS: Final = (Verb.CHANGE_POLICY, Verb.MAKE_CALENDAR, Verb.REVOKE_CALENDAR)
_ERASABLE: Final = frozenset({"name"})
"""Texts of a rule that may be erased from its events."""

States = Mapping[str, object]
"""What exists, by a name for people, with what must be as in the events."""


def policy_problems() -> Iterator[str]:
    """Yield a sentence for each rule, exemption and calendar address that contradicts events."""
    if list(_differences()):
        # Again with the rows locked, so that no action is changing them.
        with transaction.atomic():
            list(PolicyRule.objects.select_for_update(no_key=True).values_list("pk"))
            list(CalendarFeed.objects.select_for_update(no_key=True).values_list("pk"))
            found = list(_differences())
        yield from found


def _differences() -> Iterator[str]:
    said, there = _said(), _stored()
    for name in sorted(said.keys() | there.keys()):
        if name not in said:
            yield f"{name} exists, and no event says so."
        elif name not in there:
            yield f"{name} does not exist, but an event says so."
        elif said[name] != there[name]:
            yield f"{name} differs from its events."


def _stored() -> States:
    rules = PolicyRule.objects.current()
    exemptions = PolicyExemption.objects.filter(rule__ended_at=None)
    feeds = CalendarFeed.objects.values_list("client_id", "secret_sha256")
    return {
        **{_rule(rule.pk): _compared(rule_facts(rule)) for rule in rules},
        **{
            _exemption(rule, client): until.isoformat()
            for rule, client, until in exemptions.values_list("rule_id", "client_id", "until")
        },
        **{_calendar(client): sha256 for client, sha256 in feeds},
    }


def _said() -> States:
    rules: dict[int, object] = {}
    exemptions: dict[tuple[int, int], object] = {}
    calendars: dict[int, object] = {}
    events = Event.objects.in_order(_VERBS)
    for verb, client, detail in events.values_list("verb", "client_id", "detail"):
        if verb == Verb.MAKE_CALENDAR:
            calendars[client] = detail.get("secret_sha256")
        elif verb == Verb.REVOKE_CALENDAR:
            calendars.pop(client, None)
        elif detail["what"] == "saved":
            rules[detail["rule"]] = _compared(detail)
            if "replaces" in detail:
                rules.pop(detail["replaces"], None)
                exemptions = {
                    (detail["rule"] if rule == detail["replaces"] else rule, who): until
                    for (rule, who), until in exemptions.items()
                }
        elif detail["what"] == "ended":
            rules.pop(detail["rule"], None)
        elif detail["what"] == "exempted":
            exemptions[detail["rule"], client] = detail["until"]
        else:
            exemptions.pop((detail["rule"], client), None)
    return {
        **{_rule(rule): facts for rule, facts in rules.items()},
        **{
            _exemption(rule, client): until
            for (rule, client), until in exemptions.items()
            if rule in rules
        },
        **{_calendar(client): sha256 for client, sha256 in calendars.items()},
    }


def _compared(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in facts.items()
        if name not in {*_ERASABLE, "what", "replaces", "rule"}
    }


def _rule(pk: int) -> str:
    return f"Rule {pk} of the key policy"


def _exemption(rule: int, client: int) -> str:
    return f"Exemption of client {client} from rule {rule} of the key policy"


def _calendar(client: int) -> str:
    return f"Calendar address of client {client}"
