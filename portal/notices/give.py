"""Give notices: one row and one queued message for each recipient, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from portal.accounts.mail import queue
from portal.notices.messages import notice_message
from portal.notices.models import Notice
from portal.notices.occasions import Occasion
from portal.notices.recipients import members_for


def give(occasions: Iterable[Occasion], now: datetime) -> None:
    """Give each occasion's recipients a notice, unless they have it already.

    The caller holds the lock of the `Position`, in the transaction that also moves it.
    """
    for occasion in occasions:
        _give(occasion, now)


def _give(occasion: Occasion, now: datetime) -> None:
    recipients = members_for(occasion)
    same = Notice.objects.filter(
        kind=occasion.kind,
        subject=occasion.subject,
        occasion=occasion.name,
        recipient__in=[each.name for each in recipients],
    )
    known = set(same.values_list("recipient", flat=True))
    new = [each for each in recipients if each.name not in known]
    Notice.objects.bulk_create(
        Notice(
            kind=occasion.kind,
            subject=occasion.subject,
            recipient=each.name,
            occasion=occasion.name,
            sentence=occasion.letter.sentence,
            path=occasion.letter.path,
            made_at=now,
        )
        for each in new
    )
    for each in new:
        queue(notice_message(occasion.letter, each, now), life=occasion.life, now=now)
