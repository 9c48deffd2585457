"""What needs an admin's attention: a number for each kind, and the list that it counts.

Each number is the count of a list of the console, by its own filter, so it is bounded as the list
is (ADR 0026). Numbers of keys outside a rule were counted by a worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.urls import reverse

from portal.console.charts import Bar, Chart
from portal.console.filters import ClientFilter, KeyFilter
from portal.console.filters.base import ListFilter
from portal.core.dates import date_text
from portal.registry.models import ClientKey, PolicyRule, RefusedRequest
from portal.registry.models.policy_rule import MAX_RULES
from portal.registry.paging import SCAN
from portal.work.overview import COUNTED, failing_tasks
from portal.work.tasks import KINDS

UNUSED_DAYS: Final = 90
_WEEKS: Final = 12
_HOURS: Final = 24


class Level(StrEnum):
    """How urgent something is: a client cannot work, will not, or is less safe than it can be."""

    NOW = "now"
    SOON = "soon"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Item:
    """A kind of thing that needs attention. `text` is its number as shown, such as "10,000+".

    `is_none`: there is none, among all or, if not `is_exact`, among those that were examined.
    """

    level: Level
    title: str
    text: str
    is_none: bool
    advice: str
    url: str
    is_exact: bool = True


def items(now: datetime) -> list[Item]:
    """Return all kinds of things that need attention, the most urgent first; also those with 0."""
    days = settings.KEY_EXPIRY_WARNING.days
    return [
        _counted(
            Level.NOW,
            "Clients whose last request was refused",
            "In the last 24 hours, and none was accepted since. Their pages say why.",
            ClientFilter.parse("only=failing"),
            now,
        ),
        _counted(
            Level.NOW,
            "Clients without a live key",
            "They cannot authenticate. New clients are among them.",
            ClientFilter.parse("only=keyless"),
            now,
        ),
        _failing_tasks(),
        _counted(
            Level.SOON,
            f"Keys that end within {days} days, without a successor",
            "Their clients stop then. Ask their teams to register and confirm the next key.",
            KeyFilter.parse("no_successor=on"),
            now,
        ),
        *_outside(),
        _counted(
            Level.LATER,
            "Keys that were never confirmed",
            "Nobody has shown that they have the private key. One signature confirms it.",
            KeyFilter.parse("unproved=on"),
            now,
        ),
        _counted(
            Level.LATER,
            f"Live keys that were not used for {UNUSED_DAYS} days",
            "A key that nobody needs can be retired: a thief could still use it.",
            KeyFilter.parse(f"status=live&unused={UNUSED_DAYS}"),
            now,
        ),
        _counted(
            Level.LATER,
            "Live keys with a legacy algorithm",
            "RS256 to RS512 use the older RSA padding. The same key can sign with PS256.",
            KeyFilter.parse("status=live&legacy=on"),
            now,
        ),
    ]


_LISTS: Final[dict[type[ListFilter[Any]], str]] = {
    ClientFilter: "console_clients",
    KeyFilter: "console_keys",
}


def _counted(level: Level, title: str, advice: str, form: ListFilter[Any], now: datetime) -> Item:
    if not form.is_valid():
        raise ValueError(f"This filter is invalid: {form.errors}")
    count = form.count(now)
    text = f"{count.number:,}{'' if count.is_exact else '+'}"
    url = f"{reverse(_LISTS[type(form)])}?{form.query()}"
    return Item(level, title, text, not count.number, advice, url, count.is_exact)


def _failing_tasks() -> Item:
    counts = {kind.title: failing_tasks(kind) for kind in KINDS.values()}
    failing = {title: number for title, number in counts.items() if number}
    number, named = sum(failing.values()), ", ".join(failing)
    return Item(
        Level.NOW,
        "Background tasks that fail",
        f"{number:,}{'+' * any(each > COUNTED for each in failing.values())}",
        not number,
        f"E-mails, deliveries and jobs wait: {named}."
        if named
        else "E-mails, deliveries and jobs.",
        reverse("console_jobs"),
    )


def _outside() -> Iterator[Item]:
    keys = reverse("console_keys")
    for rule in PolicyRule.objects.current().order_by("-pk")[:MAX_RULES]:
        number = rule.survey["keys"] if rule.survey else None
        by = f" Their teams are asked to replace them by {_day(rule)}." if rule.replace_by else ""
        yield Item(
            Level.SOON,
            f"Keys outside the rule “{rule.name}”",
            "…" if number is None else f"{number:,}",
            number == 0,
            f"They stay valid.{by}" if rule.survey else "A worker is counting them.",
            f"{keys}?outside={rule.pk}",
        )


def _day(rule: PolicyRule) -> str:
    return f"{rule.replace_by:%-d %b %Y}"


def ends_by_week(now: datetime) -> Chart:
    """Return how many keys expire in each of the next weeks, the first `SCAN` keys that do."""
    last = now + timedelta(weeks=_WEEKS)
    keys = ClientKey.objects.current(now).filter(expires_at__gt=now, expires_at__lte=last)
    found = keys.order_by("expires_at", "pk").values_list("expires_at", flat=True)[:SCAN]
    numbers = [0] * _WEEKS
    for expires_at in found:
        if expires_at is not None:
            numbers[min((expires_at - now) // timedelta(weeks=1), _WEEKS - 1)] += 1
    warned = settings.KEY_EXPIRY_WARNING
    bars = [
        Bar(
            f"from {date_text(now + timedelta(weeks=week))}",
            number,
            is_urgent=timedelta(weeks=week) < warned,
        )
        for week, number in enumerate(numbers)
    ]
    url = f"{reverse('console_keys')}?sort=expiry"
    return Chart(f"Keys that expire in the next {_WEEKS} weeks", bars, "week", url, SCAN)


def refused_by_hour(now: datetime) -> Chart:
    """Return how many token requests were refused in each of the last hours, the newest `SCAN`."""
    first = now - timedelta(hours=_HOURS)
    found = RefusedRequest.objects.filter(at__gt=first, at__lte=now).order_by("-at")
    numbers = [0] * _HOURS
    for at in found.values_list("at", flat=True)[:SCAN]:
        numbers[min((at - first) // timedelta(hours=1), _HOURS - 1)] += 1
    bars = [
        Bar(f"{first + timedelta(hours=hour):%H:%M} UTC", number, is_urgent=True)
        for hour, number in enumerate(numbers)
    ]
    url = f"{reverse('console_refused')}?since={first:%Y-%m-%d}"
    title = f"Token requests that were refused in the last {_HOURS} hours"
    return Chart(title, bars, "hour", url, SCAN)
