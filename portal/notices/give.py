"""Give notices: one row for each recipient, and a queued message or a place in a digest."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Count

from portal.accounts.mail import queue
from portal.notices.contacts import agreed_contacts, ask_contacts
from portal.notices.kinds import RULES, SECURITY
from portal.notices.messages import notice_message
from portal.notices.models import Notice
from portal.notices.occasions import Occasion
from portal.notices.recipients import Recipient, members_for

MAX_PER_HOUR: Final = 5
"""How many notices an hour have messages of their own; a digest has the rest.

Notices about security are counted apart, so that no others delay them.
"""

_HOUR: Final = timedelta(hours=1)


MAX_NOTICES: Final = 200
"""How many notices one transaction gives, however large a team is: it ends within its lease."""


def give(occasions: Iterable[Occasion], now: datetime, *, most: int | None = None) -> int:
    """Give each occasion's recipients a notice, unless they have it already; return how many.

    Where that is `most`, others may be without theirs: to give the same occasions again goes on.
    The caller holds the lock of the `Position`, in the transaction that also moves it.
    """
    number = 0
    for occasion in occasions:
        number += _give(occasion, now, None if most is None else most - number)
        if number == most:
            break
    return number


def _give(occasion: Occasion, now: datetime, most: int | None) -> int:
    recipients = _recipients(occasion, now)
    same = Notice.objects.filter(
        kind=occasion.kind,
        subject=occasion.subject,
        occasion=occasion.name,
        recipient__in=[each.name for each in recipients],
    )
    known = set(same.values_list("recipient", flat=True))
    new = [each for each in recipients if each.name not in known][:most]
    digests = _digests(occasion, new, now)
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
            digest_at=digests.get(each.name),
        )
        for each in new
    ]
    Notice.objects.bulk_create(rows)
    for each, row in zip(new, rows, strict=True):
        if row.digest_at is None:
            message = notice_message(occasion.letter, each, now)
            queue(message, life=occasion.life, now=now, is_notice=True)
    return len(new)


def _recipients(occasion: Occasion, now: datetime) -> list[Recipient]:
    members, client = members_for(occasion), occasion.client
    if client is None or not RULES[occasion.kind].to_contacts:
        return members
    # Those of a client that is older than this version were never asked.
    ask_contacts(client, by_id=client.created_by_id, now=now)
    return [*members, *agreed_contacts(client)]


def _digests(occasion: Occasion, to: list[Recipient], now: datetime) -> dict[str, datetime]:
    """Return when a digest is to have the notice; without those that get a message of their own."""
    is_security = RULES[occasion.kind].is_security
    names = [each.name for each in to]
    own = Notice.objects.filter(recipient__in=names, made_at__gt=now - _HOUR, digest_at=None)
    counted = own.filter(kind__in=SECURITY) if is_security else own.exclude(kind__in=SECURITY)
    had = counted.values("recipient").annotate(number=Count("pk"))
    many = had.filter(number__gte=MAX_PER_HOUR).values_list("recipient", flat=True)
    return dict.fromkeys(many, now + _HOUR if is_security else next_digest(now))


def next_digest(now: datetime) -> datetime:
    """Return the next time of the daily digest (the setting DIGEST_HOUR, UTC)."""
    today = now.replace(hour=settings.DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)
