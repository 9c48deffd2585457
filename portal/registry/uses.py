"""Count the uses of keys by day, and say how often a key was used (ADR 0029).

The token endpoint only inserts accepted assertions. Workers count them later, each one once: the
counts and the cursor are one transaction, which locks the cursor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Exists, Max, OuterRef
from django.db.models.functions import TruncDate
from django.utils import timezone

from portal.registry.choices import Verb
from portal.registry.models import (
    PORTAL,
    ClientKey,
    Event,
    KeyUse,
    RedeemedAssertion,
    Replacement,
    UseCursor,
    recording,
)
from portal.registry.models.client_key import ENDS
from portal.registry.paging import newest_of
from portal.work.models import Task
from portal.work.tasks import Kind

EVERY: Final = timedelta(minutes=1)
"""How often workers count."""

USES_KEPT: Final = timedelta(days=400)
"""How long the uses of a day are kept."""

MAX_NETWORKS: Final = 8
"""How many networks a day of a key names. Uses from others are counted together."""

BATCH: Final = 20_000
"""How many assertions one transaction counts."""

MAX_UNCOUNTED: Final = 1000
"""How many of a key's assertions that no worker has counted yet a page looks at."""

_WRITERS: Final = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'registry_redeemedassertion'::regclass
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Uses:
    """The uses of a key today (UTC) at the token endpoint, and the last one ever.

    If `is_more`, there were more than `today`.
    """

    today: int
    last_at: datetime | None
    last_network: str
    is_more: bool = False

    @property
    def shown(self) -> str:
        """How often it was used today, as pages show it: "1,204", "at least 1,000"."""
        return f"at least {self.today:,}" if self.is_more else f"{self.today:,}"


@recording()
def count_uses() -> bool:
    """Count the assertions that are next, at most `BATCH`; return whether more can be counted now.

    Their primary keys are not in the order of commit. So the cursor first notes the highest one,
    and the transactions that were adding assertions then. Their assertions are counted too: the
    cursor goes on when all of them have ended. Records the first use of a standing successor.
    """
    UseCursor.objects.get_or_create(pk=1)
    cursor = UseCursor.objects.select_for_update().get(pk=1)
    if cursor.seen == cursor.counted:
        newest = RedeemedAssertion.objects.aggregate(newest=Max("pk"))["newest"] or 0
        # Read after the newest: a transaction that has ended by now is seen by what follows.
        cursor.seen, cursor.pending = max(newest, cursor.seen), _writers()
    elif cursor.pending:
        now = set(_writers())
        cursor.pending = [each for each in cursor.pending if each in now]
    can_count = cursor.seen > cursor.counted and not cursor.pending
    if can_count:
        last = _last_of_batch(cursor)
        new = _summed(cursor.counted, last)
        successors = _first_used({key for key, _ in new})
        _add(new)
        _note_successors(successors)
        cursor.counted = last
    cursor.save(update_fields=["counted", "seen", "pending"])
    return can_count


def _count(_task: Task, now: datetime) -> datetime:
    """Count what can be counted; return when to count again."""
    return now if count_uses() else now + EVERY


COUNT: Final = Kind("uses", "Counts of key uses", _count, is_recurring=True)


def uses_of(key: ClientKey, now: datetime) -> Uses:
    """Return how often the key was used today, counted or not yet."""
    today = now.astimezone(UTC).date()
    after = _counted()
    counted = KeyUse.objects.filter(key=key, day=today).first()
    fresh = _uncounted(key, after, {today: counted.up_to} if counted else {})[today]
    newest = newest_of(RedeemedAssertion.objects.all(), "key", key.pk)
    last_at, last_network = newest.values_list("at", "network").first() or (None, "")
    return Uses(
        today=fresh + (counted.uses if counted else 0),
        last_at=last_at,
        last_network=last_network,
        is_more=fresh == MAX_UNCOUNTED,
    )


def last_use(key: ClientKey) -> datetime | None:
    """Return when the key was last used; None if never."""
    newest = newest_of(RedeemedAssertion.objects.all(), "key", key.pk)
    last: datetime | None = newest.values_list("at", flat=True).first()
    return last


def uses_by_day(keys: Sequence[ClientKey], since: date) -> dict[int, dict[date, int]]:
    """Return the uses of each key (by primary key) for each day from `since` on, counted or not."""
    found: dict[int, Counter[date]] = {key.pk: Counter() for key in keys}
    up_to: dict[int, dict[date, int]] = {key.pk: {} for key in keys}
    after = _counted()
    for use in KeyUse.objects.filter(key__in=keys, day__gte=since):
        found[use.key_id][use.day] = use.uses
        up_to[use.key_id][use.day] = use.up_to
    # After the counts: if a worker counts meanwhile, `up_to` is that of the counts above.
    for key in keys:
        fresh = _uncounted(key, after, up_to[key.pk])
        found[key.pk].update({day: uses for day, uses in fresh.items() if day >= since})
    return {key: dict(uses) for key, uses in found.items()}


def _counted() -> int:
    """Return the primary key up to which all assertions are counted.

    To be read before the counts: a worker may count in between.
    """
    cursor = UseCursor.objects.first()
    return cursor.counted if cursor else 0


def _uncounted(key: ClientKey, after: int, up_to: Mapping[date, int]) -> Counter[date]:
    """Return the uses of the key after this primary key, by day, but for what each day counts."""
    newest = newest_of(RedeemedAssertion.objects.filter(pk__gt=after), "key", key.pk)
    rows = newest.values_list("pk", "at")[:MAX_UNCOUNTED]
    days = ((pk, at.astimezone(UTC).date()) for pk, at in rows)
    return Counter(day for pk, day in days if pk > up_to.get(day, 0))


def _writers() -> list[str]:
    """Return the other transactions that are adding assertions.

    Each holds this lock on the table from before it takes a primary key until it has ended. SQLite
    has only one writer at a time: this transaction.
    """
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(_WRITERS)
        return [name for (name,) in cursor.fetchall()]


def _last_of_batch(cursor: UseCursor) -> int:
    rows = RedeemedAssertion.objects.filter(pk__gt=cursor.counted, pk__lte=cursor.seen)
    full = rows.order_by("pk").values_list("pk", flat=True)[BATCH - 1 : BATCH].first()
    return full or cursor.seen


def _summed(after: int, last: int) -> dict[tuple[int, date], KeyUse]:
    """Return the uses of each key and day among the assertions after one and up to another."""
    rows = RedeemedAssertion.objects.filter(pk__gt=after, pk__lte=last)
    groups = rows.values("key_id", "network", day=TruncDate("at", tzinfo=UTC)).annotate(
        uses=Count("pk"), last_at=Max("at"), up_to=Max("pk")
    )
    found: dict[tuple[int, date], KeyUse] = {}
    for group in groups.order_by("key_id", "day", "network"):
        use = _of_group(**group)
        known = found.get((use.key_id, use.day))
        found[use.key_id, use.day] = _sum(known, use) if known else use
    return found


def _of_group(*, uses: int, network: str, last_at: datetime, **values: Any) -> KeyUse:
    return KeyUse(
        uses=uses, networks={network: uses}, last_at=last_at, last_network=network, **values
    )


def _add(new: dict[tuple[int, date], KeyUse]) -> None:
    """Add the uses to those that are stored. The caller holds the cursor's lock."""
    days = {day for _, day in new}
    stored = KeyUse.objects.filter(key__in={key for key, _ in new}, day__in=days)
    known = {(use.key_id, use.day): use for use in stored}
    summed = [_sum(known[place], use) if place in known else use for place, use in new.items()]
    for use in summed:
        use.networks = _most_used(use.networks)
    KeyUse.objects.bulk_create(
        summed,
        batch_size=500,
        update_conflicts=True,
        unique_fields=["key", "day"],
        update_fields=["uses", "networks", "last_at", "last_network", "up_to"],
    )


def _first_used(keys: set[int]) -> list[ClientKey]:
    """Return those keys that were not expected to sign, and of which no use is counted yet.

    They are keys of clients that always want a successor, unless they replace a key that has not
    ended.
    """
    current = ClientKey.objects.current(timezone.now())
    found = ClientKey.objects.filter(
        ~Exists(KeyUse.objects.filter(key=OuterRef("pk"))),
        ~Exists(Replacement.objects.standing().filter(new=OuterRef("pk"), old__in=current)),
        pk__in=keys,
        client__wants_successor=True,
    )
    return list(found.select_related("client").order_by("pk"))


def _note_successors(keys: list[ClientKey]) -> None:
    """Record each key that signed although another key of its client is in use.

    A key that had ended by then is not in use: its successor is expected to sign.
    """
    yesterday = (timezone.now() - timedelta(days=1)).astimezone(UTC).date()
    for key in keys:
        rows = newest_of(RedeemedAssertion.objects.all(), "key", key.pk, oldest_first=True)
        signed_at = rows.values_list("at", flat=True)[0]
        others = key.client.keys.exclude(pk=key.pk).alias(ends=ENDS).filter(ends__gt=signed_at)
        replaced = Replacement.objects.standing().filter(new=key).values("old")
        uses = KeyUse.objects.filter(key__in=others, day__gte=yesterday).exclude(key__in=replaced)
        other = uses.select_related("key").order_by("-last_at").first()
        if other is not None:
            detail = {"kid": key.kid, "current": other.key.kid}
            Event.objects.record(
                Verb.USE_SUCCESSOR, by=PORTAL, client=key.client, key=key, detail=detail
            )


def _sum(first: KeyUse, second: KeyUse) -> KeyUse:
    last = max(first, second, key=lambda use: use.last_at)
    return KeyUse(
        key_id=first.key_id,
        day=first.day,
        uses=first.uses + second.uses,
        networks=dict(Counter(first.networks) + Counter(second.networks)),
        last_at=last.last_at,
        last_network=last.last_network,
        up_to=max(first.up_to, second.up_to),
    )


def _most_used(networks: dict[str, int]) -> dict[str, int]:
    """Return the most used networks, and under "" how often others were used."""
    named = Counter({name: uses for name, uses in networks.items() if name})
    kept = dict(named.most_common(MAX_NETWORKS))
    rest = sum(networks.values()) - sum(kept.values())
    return kept | ({"": rest} if rest else {})
