"""Give notices of registered keys that are outside a new rule of the key policy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from django.db import transaction
from django.utils.formats import date_format

from portal.core.dates import date_text
from portal.notices.give import MAX_NOTICES, give
from portal.notices.kinds import NoticeKind
from portal.notices.models import Position
from portal.notices.occasions import Letter, Occasion, client_path
from portal.notices.quoting import quoted, unlinked
from portal.registry.choices import Verb
from portal.registry.models import Client, ClientKey, Event, PolicyExemption, PolicyRule
from portal.registry.policy_rules import keys_outside, outside_of
from portal.registry.policy_survey import pieces_outside
from portal.work.models import Task
from portal.work.tasks import Kind, put, put_now

BATCH: Final = 50
"""How many clients one transaction handles."""

CLIENTS: Final = 5000
"""How many clients one run of the task handles, so that it ends within its lease."""

_NAMED: Final = 10
"""How many keys a message names."""


def queue_policy_notices(event: Event, now: datetime) -> None:
    """If an event puts a rule into force, let a worker tell the teams of the keys outside it.

    It has to read the whole registry, so it is a task of its own. So is each exemption, as its team
    gets the notice when it ends.
    """
    if event.verb != Verb.CHANGE_POLICY:
        return
    rule = event.detail.get("rule")
    subjects = []
    if event.detail.get("what") == "saved":
        # With the exemptions that moved to it from the rule that it replaces.
        exempt = PolicyExemption.objects.filter(rule=rule).values_list("client_id", flat=True)
        subjects = [str(rule), *(f"{rule} {client}" for client in exempt)]
    elif event.client_id is not None:
        subjects = [f"{rule} {event.client_id}"]
    put_now(POLICY, subjects, now)


def give_policy_notices(task: Task, now: datetime) -> datetime | None:
    """Give each client with keys outside the rule of the task a notice, unless it has it.

    The subject is a rule; or a rule and a client that is or was exempt from it; or a rule and ">"
    with the client after which to go on. Returns when to look again: when the rule begins, or the
    exemption ends.
    """
    number, _, client = task.subject.partition(" ")
    rule = PolicyRule.objects.filter(pk=int(number)).first()
    if rule is None or not rule.is_current:
        return None
    clients: set[int] = set()
    if client and not client.startswith(">"):
        exemption = rule.exemptions.open(now).filter(client=int(client)).first()
        if exemption is not None:
            return exemption.until
        clients.add(int(client))
    else:
        for piece in pieces_outside(rule, now):
            clients.update(piece.values_list("client_id", flat=True))
        after = int(client[1:] or 0)
        clients = {each for each in clients if each > after}
    chosen = sorted(clients)[:CLIENTS]
    rest = iter(chosen)
    while batch := list(islice(rest, BATCH)):
        given = MAX_NOTICES
        while given == MAX_NOTICES:
            with transaction.atomic():
                Position.locked()
                given = give(_occasions(rule, batch, now), now, most=MAX_NOTICES)
    if len(clients) > CLIENTS:
        put(POLICY, f"{rule.pk} >{chosen[-1]}", due_at=now)
    return rule.applies_from if rule.applies_from > now else None


def _occasions(rule: PolicyRule, clients: list[int], now: datetime) -> Iterator[Occasion]:
    for client in Client.objects.in_use().filter(pk__in=clients).order_by("pk"):
        found = keys_outside(rule, ClientKey.objects.filter(client=client), now)
        keys = list(found.order_by("-pk")[:_NAMED])
        if keys:
            yield Occasion(
                NoticeKind.POLICY_EXCLUDES,
                f"client {client.pk}",
                f"rule {rule.pk}",
                _letter(rule, client, keys),
                client=client,
            )


def _letter(rule: PolicyRule, client: Client, keys: list[ClientKey]) -> Letter:
    labels = ", ".join(quoted(key.label) for key in keys)
    plural = "s" * (len(keys) > 1)
    day = date_format(rule.replace_by, "j M Y") if rule.replace_by else ""
    proposal = f" The admin proposes to replace it by {day}." if day else ""
    return Letter(
        f"{unlinked(client.name)}: {len(keys)} key{plural} outside the key policy"
        + (f", replace by {day}" if day else ""),
        f"The rule {quoted(rule.name)} of the key policy, from {date_text(rule.applies_from)} on, "
        f"does not allow the key{plural} {labels} of {quoted(client.name)}.",
        (
            f"No rule ends a registered key: it stays valid.{proposal}",
            "New keys have to meet the rule.",
        ),
        tuple(
            (quoted(key.label), " ".join(outside.unmet))
            for key in keys
            for outside in outside_of(key, [rule])
        ),
        "See the client's keys",
        client_path(client),
    )


POLICY: Final = Kind(
    "notices_of_policy",
    "Notices of the key policy",
    give_policy_notices,
    lease=timedelta(minutes=15),
)
