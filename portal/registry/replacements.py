"""What is known about the replacement of a key (ADR 0036)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from portal.core.replacement import Cache, Facts, known_at
from portal.registry.choices import Verb
from portal.registry.models import Client, ClientKey, Event, Replacement, Verifier
from portal.registry.models.client_key import ClientKeyQuerySet
from portal.registry.serving import Serving, outdated_until, serving
from portal.registry.uses import last_use
from portal.work.models import Task
from portal.work.tasks import Kind, put

MOST_VERIFIERS: Final = 200
"""How many verifiers admins can list."""

_PROXY_S: Final = 3
"""What nginx adds at most, see `portal.publishing.bound`."""


_LONGEST_PAUSE: Final = timedelta(minutes=5)


def caches() -> list[Cache]:
    """Return the times of the listed verifiers, by name."""
    return [each.cache for each in Verifier.objects.order_by("name")[:MOST_VERIFIERS]]


def shared_seconds() -> int:
    """Return how long caches between the portal and verifiers keep a set."""
    return settings.JWKS_MAX_AGE + (_PROXY_S if settings.ALLAUTH_TRUSTED_PROXY_COUNT else 0)


def facts_of(replacement: Replacement) -> Facts:
    """Return the facts that determine the next step."""
    new = replacement.new
    since = replacement.published_at
    return Facts(
        old=replacement.old.lifecycle,
        new=new.lifecycle if new else None,
        published_at=since,
        known_at=known_at(since, caches(), shared_s=shared_seconds()) if since else None,
        new_used_at=last_use(new) if new else None,
    )


def standing_replacement(key: ClientKey) -> Replacement | None:
    """Return the replacement of the key that was not taken back, if there is one."""
    rows = Replacement.objects.standing().select_related("client", "old__client", "new__client")
    return rows.filter(old=key).first()


def with_replaced(keys: ClientKeyQuerySet) -> ClientKeyQuerySet:
    """Return the keys with `is_replaced`: whether a team is replacing the key."""
    standing = Replacement.objects.standing().filter(old=OuterRef("pk"))
    return keys.annotate(is_replaced=Exists(standing))


def waiting_replacement(client: Client, now: datetime) -> Replacement | None:
    """Return the client's only replacement without a new key; None if there are several.

    A new key that has ended counts as none.
    """
    current = client.keys.current(now).values("pk")
    has_none = Q(new=None) | ~Q(new__in=current)
    rows = client.replacements.standing().filter(has_none, old__in=current)
    found = list(rows.select_related("client", "old")[:2])
    return found[0] if len(found) == 1 else None


class Reports(NamedTuple):
    """What the processes of the portal report; `outdated_until` as the function of this name."""

    serving: Serving | None
    outdated_until: datetime | None = None


def note_published(replacement: Replacement, now: datetime) -> Reports:
    """Return what the processes of the portal report; store when all of them have the new key.

    That is when their answers contain the event since which the key is live. Processes that keep no
    sets in memory (JWKS_MEMORY_MB is 0) report nothing: their answers are what is committed.
    """
    found = serving()
    new = replacement.new
    if replacement.published_at or new is None or not _is_served(new, now):
        return Reports(found)
    verbs = (Verb.CONFIRM_KEY if new.confirmation_required else Verb.REGISTER_KEY, Verb.KEEP_KEY)
    event = Event.objects.filter(key=new, verb__in=verbs).order_by("-pk").first()
    since = event.number if event else None
    if not since or (settings.JWKS_MEMORY_MB and not (found and found.number >= since)):
        return Reports(found)
    outdated = outdated_until(since)
    if not outdated:
        rows = Replacement.objects.filter(pk=replacement.pk, new=new, published_at=None)
        rows.update(published_at=now)
        replacement.refresh_from_db(fields=["published_at"])
    return Reports(found, outdated)


def watch_again(new: ClientKey, now: datetime) -> None:
    """Look again for the publication of a key that had left the JWKS and is back."""
    rows = Replacement.objects.standing().filter(new=new)
    for pk in rows.values_list("pk", flat=True):
        put(PUBLICATION, str(pk), due_at=now)
    rows.update(published_at=None)


def _is_served(key: ClientKey, now: datetime) -> bool:
    client = key.client
    return key.lifecycle.is_live(now) and not client.is_suspended and not client.is_archived


def _watch(task: Task, now: datetime) -> datetime | None:
    """Look whether the new key of a replacement is published; return when to look again."""
    rows = Replacement.objects.standing().select_related("new__client")
    replacement = rows.filter(pk=int(task.subject), published_at=None).first()
    if replacement is None or replacement.new is None:
        return None
    lifecycle = replacement.new.lifecycle
    if lifecycle.is_over(now):
        return None
    note_published(replacement, timezone.now())
    if replacement.published_at:
        return None
    return now + _pause(replacement.new, now)


def _pause(new: ClientKey, now: datetime) -> timedelta:
    """Return when to look next: the longer the key is there, the later, as it may take months."""
    least = timedelta(seconds=1 if new.lifecycle.is_live(now) else 30)
    age = now - max(new.registered_at, new.confirmed_at or new.registered_at)
    return min(max(least, age / 60), _LONGEST_PAUSE)


PUBLICATION: Final = Kind("publication", "Publications of new keys", _watch)
