"""What a notice is made of: its occasion, and the letter that tells people of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.urls import reverse

from portal.core.dates import time_text
from portal.notices.kinds import NoticeKind
from portal.notices.quoting import quoted
from portal.registry.models import Client, ClientKey
from portal.web.templatetags.portal import relative

LIFE: Final = timedelta(days=3)
"""How long a message is of use: a mail server may be gone for a weekend."""

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says. All texts are without links; see `portal.notices.quoting`.

    `action` is the next step, and `path` the path of its page. `sentence` says all that matters.
    """

    subject: str
    sentence: str
    paragraphs: tuple[str, ...]
    facts: Facts
    action: str
    path: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that people are to know.

    `subject` is what it is about, such as `key 7`, and `name` says why now: each recipient gets one
    notice for both. `actor_id` is the person who did it, if a person did. `concerned` are people
    who get it whatever their role.
    """

    kind: NoticeKind
    subject: str
    name: str
    letter: Letter
    client: Client | None = None
    actor_id: int | None = None
    concerned: tuple[int, ...] = ()
    life: timedelta = LIFE


def moment(when: datetime, now: datetime) -> str:
    """Return a time in UTC and its distance: "1 Mar 2026, 08:05 UTC (in 2 days)"."""
    days = round((when - now) / timedelta(days=1))
    if abs(days) < 2:
        distance = relative(when, now).replace("\xa0", " ")
    else:
        # As the subjects count them, and not in weeks and months.
        distance = f"in {days} days" if days > 0 else f"{-days} days ago"
    return f"{time_text(when)} ({distance})"


def key_path(key: ClientKey) -> str:
    """Return the path of the page of a key."""
    return reverse("key", args=[key.client.client_id, key.kid])


def client_path(client: Client) -> str:
    """Return the path of the page of a client, which lists its keys."""
    return reverse("client", args=[client.client_id])


def others_live(key: ClientKey, now: datetime) -> str:
    """Return a sentence about the client's other live keys."""
    labels = _labels(key, now)
    if not labels:
        return "The client has no other live key to sign in with."
    if len(labels) == 1:
        return f"The client has one other live key, {labels[0]}."
    return f"The client has other live keys: {', '.join(labels)}."


def has_others_live(key: ClientKey, now: datetime) -> bool:
    """Return whether the client can sign in with another key."""
    return bool(_labels(key, now))


def _labels(key: ClientKey, now: datetime) -> list[str]:
    others = key.client.keys.live(now).exclude(pk=key.pk).order_by("-pk")
    return [quoted(label) for label in others.values_list("label", flat=True)[:10]]
