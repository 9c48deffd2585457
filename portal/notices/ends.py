"""What notices say about the end of a key that no successor follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from portal.core.dates import date_text, time_text
from portal.notices.kinds import NoticeKind
from portal.notices.models import Notice
from portal.notices.occasions import LIFE, Facts, Letter, Occasion, client_path, moment, others_live
from portal.notices.quoting import quoted, unlinked
from portal.registry.choices import Verb
from portal.registry.models import Client, ClientKey, Event, RedeemedAssertion
from portal.registry.successors import (
    DAYS_BEFORE,
    has_successor_in_use,
    keys_ending,
    successors,
    unconfirmed_successors,
)

DAYS: Final = (*DAYS_BEFORE, 0)
"""How many days before its end there is a notice of it, and at its end."""

FIRST: Final = timedelta(days=max(DAYS))

_LATE: Final = timedelta(days=3)
"""For how long after its end a key is worth a notice, when no worker was running."""


def occasions_of_end(key: ClientKey, now: datetime) -> Iterator[Occasion]:
    """Yield the notice that is due about the end of a key; after a pause only the nearest one.

    None if a successor is in use, or if the end was set later than the notice would have been due:
    the notice of that says it. When the key has ended, there is one more if its client always wants
    a successor, and none stands by now.
    """
    ends_at = key.lifecycle.ends_at
    if ends_at is None or now - ends_at > _LATE:
        return
    yield from _switched(key, ends_at, now)
    if has_successor_in_use(key, now):
        return
    left = (each for each in DAYS if ends_at - now <= timedelta(days=each))
    # None, if another worker's clock is ahead.
    days = min(left, default=max(DAYS))
    if _end_set_at(key) >= ends_at - timedelta(days=days):
        return
    has_ended = days == 0
    what = f"has ended, on {time_text(ends_at)}" if has_ended else f"ends {_within(days, ends_at)}"
    later = [ends_at - timedelta(days=each) for each in DAYS if each < days]
    yield Occasion(
        NoticeKind.KEY_ENDING,
        f"key {key.pk}",
        f"end {ends_at.isoformat()} {days}",
        Letter(
            f"{unlinked(key.client.name)}: key {quoted(key.label)} {what}",
            f"The key {quoted(key.label)} of {quoted(key.client.name)} "
            f"{'ended' if has_ended else 'ends'} on {time_text(ends_at)}, and no successor is in "
            "use.",
            *_rest(key, ends_at, now),
        ),
        client=key.client,
        # The next notice makes this one useless.
        life=max(timedelta(hours=1), min(LIFE, later[0] - now)) if later else LIFE,
    )


def occasions_of_lost_successor(event: Event, now: datetime) -> Iterator[Occasion]:
    """Yield a notice of each key that ends soon and that this event has left without successor."""
    lost = event.key
    if lost is None or lost.confirmed_at is None or lost.client.is_archived:
        return
    yield from _lost_standing(lost, event, now)
    until = _end_before(event)
    for key in keys_ending((now, now + FIRST)).filter(client=lost.client).exclude(pk=lost.pk):
        ends_at = key.lifecycle.ends_at
        followed = ends_at and (until is None or until > ends_at)
        if not followed or not ends_at or successors(key, now).exists():
            continue
        yield Occasion(
            NoticeKind.NO_SUCCESSOR,
            f"key {key.pk}",
            f"event {event.number}",
            Letter(
                f"{unlinked(key.client.name)}: key {quoted(key.label)} has no successor, and ends "
                f"on {date_text(ends_at)}",
                f"The key {quoted(key.label)} of {quoted(key.client.name)} ends on "
                f"{time_text(ends_at)}, and {quoted(lost.label)} no longer follows it.",
                *_rest(key, ends_at, now),
            ),
            client=key.client,
            actor_id=event.actor_user_id,
        )


def _lost_standing(lost: ClientKey, event: Event, now: datetime) -> Iterator[Occasion]:
    """Yield a notice if the client always wants a successor, and this event left it none.

    It ended the only one, or the last key in use, so that the only one takes over.
    """
    client = lost.client
    if not client.wants_successor or not lost.lifecycle.is_over(now):
        return
    # The successor may have signed since: it took over at once.
    used = RedeemedAssertion.objects.filter(at__lte=event.at)
    standing, in_use = _standing(client, used, now)
    was_standing = not used.filter(key=lost).exists()
    if (standing or not in_use) if was_standing else (in_use or len(standing) != 1):
        return
    yield _none_stands_by(
        lost, event.at, standing, f"event {event.number}", actor_id=event.actor_user_id, now=now
    )


def _switched(lost: ClientKey, ended_at: datetime, now: datetime) -> Iterator[Occasion]:
    """Yield a notice if the date of this key has left its client without the successor it wants.

    The team switched to the successor as planned, so no event says it. Not if the end was set at
    the last moment, or if the team heard it since the last key was registered.
    """
    client = lost.client
    if not client.wants_successor or client.is_archived or ended_at > now:
        return
    used = RedeemedAssertion.objects.filter(at__lte=now)
    standing, in_use = _standing(client, used, now)
    takes_over = not in_use and len(standing) == 1 and used.filter(key=lost).exists()
    if not (takes_over or (in_use and not standing)) or _end_set_at(lost) >= ended_at:
        return
    found = _none_stands_by(
        lost, ended_at, standing, f"end {ended_at.isoformat()}", actor_id=None, now=now
    )
    known = Notice.objects.filter(kind=found.kind, subject=found.subject)
    since = client.keys.live(now).latest("registered_at").registered_at
    if not known.filter(made_at__gte=since).exclude(occasion=found.name).exists():
        yield found


def _standing(
    client: Client, used: QuerySet[RedeemedAssertion], now: datetime
) -> tuple[list[ClientKey], bool]:
    """Return at most two keys that stand by, as these uses say, and whether others are live."""
    live = client.keys.live(now)
    never_used = live.filter(~Exists(used.filter(key=OuterRef("pk"))), confirmed_at__isnull=False)
    standing = list(never_used[:2])
    return standing, live.exclude(pk__in=[each.pk for each in standing]).exists()


def _none_stands_by(
    lost: ClientKey,
    ended_at: datetime,
    standing: list[ClientKey],
    name: str,
    *,
    actor_id: int | None,
    now: datetime,
) -> Occasion:
    client = lost.client
    takes_over = f"{quoted(standing[0].label)} takes over, and no" if standing else "No"
    return Occasion(
        NoticeKind.NO_SUCCESSOR,
        f"client {client.pk}",
        name,
        Letter(
            f"{unlinked(client.name)}: no successor stands by since {time_text(ended_at)}",
            f"{quoted(lost.label)} ended on {time_text(ended_at)}. {takes_over} other confirmed "
            f"key of {quoted(client.name)} stands by.",
            ("An emergency revocation of the key in use would stop the client.",),
            (("When", moment(ended_at, now)),),
            "Register a successor",
            f"{client_path(client)}#add-key",
        ),
        client=client,
        actor_id=actor_id,
    )


def _within(days: int, ends_at: datetime) -> str:
    number = "1 day" if days == 1 else f"{days} days"
    return f"in {number}, on {date_text(ends_at)}"


def _rest(
    key: ClientKey, ends_at: datetime, now: datetime
) -> tuple[tuple[str, ...], Facts, str, str]:
    """Return the paragraphs, the facts and the next step of a letter."""
    paragraph = (
        f"When a key ends, it leaves the JWKS and its client can no longer sign in with it. "
        f"{others_live(key, now)}"
    )
    facts = (("Ends", moment(ends_at, now)), ("kid", key.kid))
    args = [key.client.client_id, key.kid]
    if idle := next(iter(successors(key, now)), None):
        hint = f"{quoted(idle.label)} can follow it. Let the program sign with that key before."
        return (paragraph, hint), facts, "Replace the key", reverse("key_replacement", args=args)
    if nearly := next(iter(unconfirmed_successors(key, now)), None):
        hint = f"{quoted(nearly.label)} ends later, and can follow it once it is confirmed."
        path = reverse("key_confirmation", args=[key.client.client_id, nearly.kid])
        return (paragraph, hint), facts, f"Confirm {quoted(nearly.label)}", path
    hint = "Register a new key, confirm it, and let the program sign with it before that."
    if key.lifecycle.is_over(now):
        return (paragraph, hint), facts, "Register a new key", f"{client_path(key.client)}#add-key"
    return (paragraph, hint), facts, "Replace the key", reverse("key_replacement", args=args)


def _end_set_at(key: ClientKey) -> datetime:
    """Return when somebody last decided when the key ends."""
    decides = Q(verb__in=[Verb.REGISTER_KEY, Verb.RETIRE_KEY])
    decides |= Q(verb=Verb.CHANGE_KEY, detail__has_key="expires_at")
    event = key.events.filter(decides).order_by("-pk").first()
    return event.at if event else key.registered_at


def _end_before(event: Event) -> datetime | None:
    """Return when the key of this event would have ended without it; None if never."""
    key = event.key
    if key is None:
        return None
    if event.verb == Verb.CHANGE_KEY:
        before = (event.detail.get("expires_at") or {}).get("before")
        return parse_datetime(before) if before else None
    dates = [key.expires_at] if event.verb == Verb.RETIRE_KEY else [key.expires_at, key.retires_at]
    return min(filter(None, dates), default=None)
