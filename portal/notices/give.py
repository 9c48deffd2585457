"""Give notices: one row for each recipient, and a queued message or a place in a digest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from portal.accounts.mail import queue
from portal.notices.contacts import agreed_contacts, ask_contacts
from portal.notices.kinds import RULES, SECURITY
from portal.notices.messages import notice_message
from portal.notices.models import Notice
from portal.notices.occasions import Occasion
from portal.notices.recipients import Recipient, members_for

MOST_AN_HOUR: Final = 5
"""How many notices an hour have messages of their own; a digest has the rest.

Notices about security are counted apart, so that no others delay them.
"""

_HOUR: Final = timedelta(hours=1)


def give(occasions: Iterable[Occasion], now: datetime) -> None:
    """Give each occasion's recipients a notice, unless they have it already.

    The caller holds the lock of the `Position`, in the transaction that also moves it.
    """
    for occasion in occasions:
        _give(occasion, now)


def _give(occasion: Occasion, now: datetime) -> None:
    recipients = _recipients(occasion, now)
    same = Notice.objects.filter(
        kind=occasion.kind,
        subject=occasion.subject,
        occasion=occasion.name,
        recipient__in=[each.name for each in recipients],
    )
    known = set(same.values_list("recipient", flat=True))
    new = [each for each in recipients if each.name not in known]
    rows = [
        Notice(
            kind=occasion.kind,
            subject=occasion.subject,
            client=None if each.is_concerned else occasion.client,
            recipient=each.name,
            occasion=occasion.name,
            sentence=occasion.letter.sentence,
            path=occasion.letter.path,
            made_at=now,
            digest_at=_digest_at(occasion, each, now),
        )
        for each in new
    ]
    Notice.objects.bulk_create(rows)
    for each, row in zip(new, rows, strict=True):
        if row.digest_at is None:
            queue(notice_message(occasion.letter, each, now), life=occasion.life, now=now)


def _recipients(occasion: Occasion, now: datetime) -> list[Recipient]:
    members, client = members_for(occasion), occasion.client
    if client is None or not RULES[occasion.kind].to_contacts:
        return members
    # Those of a client that is older than this version were never asked.
    ask_contacts(client, by_id=client.created_by_id, now=now)
    return [*members, *agreed_contacts(client)]


def _digest_at(occasion: Occasion, to: Recipient, now: datetime) -> datetime | None:
    """Return when a digest is to have the notice; None if it has a message of its own."""
    is_security = RULES[occasion.kind].is_security
    own = Notice.objects.filter(recipient=to.name, made_at__gt=now - _HOUR, digest_at=None)
    counted = own.filter(kind__in=SECURITY) if is_security else own.exclude(kind__in=SECURITY)
    if counted[:MOST_AN_HOUR].count() < MOST_AN_HOUR:
        return None
    return now + _HOUR if is_security else next_digest(now)


def next_digest(now: datetime) -> datetime:
    """Return the next time of the daily digest (the setting DIGEST_HOUR, UTC)."""
    today = now.replace(hour=settings.DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
