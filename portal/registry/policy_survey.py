"""Count the keys outside a rule: what `manage.py work` does, before a rule is saved and after.

A page must not read the whole registry (ADR 0026), so it shows these numbers and when they were
counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from portal.registry.models import ClientKey, PolicyRule
from portal.registry.models.client_key import ClientKeyQuerySet
from portal.registry.models.policy_rule import MAX_RULES
from portal.registry.policy_rules import keys_outside
from portal.work.models import Task
from portal.work.tasks import RECURRING, Kind, put

AGAIN_AFTER: Final = timedelta(hours=1)
USED_WITHIN: Final = timedelta(days=1)
"""A client whose key outside the rule was used within this time is in use today."""
_PIECE: Final = 5000
"""How many keys one query examines."""


def survey(task: Task, now: datetime) -> datetime | None:
    """Count the keys outside the rule of the task. The recurring task queues all current rules.

    They are spread over the time until it does so again, so that an admin's draft comes first.
    """
    if task.subject == RECURRING:
        for place, rule in enumerate(PolicyRule.objects.current().order_by("pk")):
            put(SURVEY, str(rule.pk), due_at=now + AGAIN_AFTER * place / MAX_RULES)
        return now + AGAIN_AFTER
    drafted = PolicyRule.objects.filter(pk=int(task.subject)).first()
    if drafted is not None:
        _count(drafted, now)
    return None


def _count(rule: PolicyRule, now: datetime) -> None:
    clients: set[int] = set()
    used: set[int] = set()
    keys = 0
    for outside in pieces_outside(rule, now):
        for key in outside.with_last_used().only("client"):
            keys += 1
            clients.add(key.client_id)
            if key.last_used_at is not None and key.last_used_at > now - USED_WITHIN:
                used.add(key.client_id)
    numbers = {"keys": keys, "clients": len(clients), "used": len(used)}
    counted = numbers | {"at": timezone.now().isoformat()}
    PolicyRule.objects.filter(pk=rule.pk).update(survey=counted)


def pieces_outside(rule: PolicyRule, now: datetime) -> Iterator[ClientKeyQuerySet]:
    """Yield the keys outside the rule, those among 5,000 keys at a time, in no order."""
    last = 0
    while (upper := _end_of_piece(last)) is not None:
        piece = ClientKey.objects.filter(pk__gt=last, pk__lte=upper)
        yield keys_outside(rule, piece, now).order_by()
        last = upper


def _end_of_piece(last: int) -> int | None:
    """Return the primary key up to which the next piece goes, or None if no key is left."""
    pks = ClientKey.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)
    return next(iter(pks[_PIECE - 1 : _PIECE]), None) or pks.last()


SURVEY: Final = Kind(
    "policy",
    "Counts of keys outside the policy",
    survey,
    lease=timedelta(minutes=15),
    is_recurring=True,
)
