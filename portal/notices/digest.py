"""The digest: one message for many notices to the same recipient."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.urls import reverse

from portal.accounts.mail import queue
from portal.core.dates import date_text
from portal.notices.addresses import token_of
from portal.notices.kinds import SECURITY
from portal.notices.messages import absolute, message_to
from portal.notices.models import AskedAddress, Mute, Notice, Position
from portal.notices.occasions import LIFE
from portal.notices.quoting import quoted
from portal.notices.recipients import Recipient, reachable
from portal.work.models import Task
from portal.work.tasks import Kind

EVERY: Final = timedelta(minutes=1)
"""How often the task looks for digests that are due."""

LISTED: Final = 50
"""How many notices a digest lists. It says how many more there are."""


def digest(_task: Task, now: datetime) -> datetime:
    """Send one digest that is due; return when to look again."""
    return now if digest_next(now) else now + EVERY


@transaction.atomic
def digest_next(now: datetime) -> bool:
    """Send the digest that has been due for longest; return whether there was one.

    It has all notices of its recipient that wait for a digest, also those that are due later.
    """
    Position.locked()
    waiting = Notice.objects.filter(digest_at__isnull=False, digested_at=None)
    first = waiting.filter(digest_at__lte=now).order_by("digest_at").first()
    if first is None:
        return False
    own = waiting.filter(recipient=first.recipient)
    recipient = _recipient(first.recipient)
    if recipient:
        wanted = own.exclude(kind__in=_muted(first.recipient)).order_by("made_at", "pk")
        lines = [(each.sentence, absolute(each.path)) for each in wanted[:LISTED]]
        number = wanted.count()
        context = {
            "lines": lines,
            "number": number,
            "more": number - len(lines),
            "url": absolute(reverse("notices")),
        }
        subject = f"{number} notices about clients and keys, {date_text(now)}"
        if lines:
            queue(message_to(recipient, "digest", subject, context, now), life=LIFE, now=now)
    own.update(digested_at=now)
    return True


def _recipient(name: str) -> Recipient | None:
    """Return the recipient with this name; None if they get no notices any more."""
    what, pk = name.split(" ")
    if what == "person":
        user = reachable().filter(pk=pk).first()
        why = "there were many notices for you, as a member of clients"
        return Recipient(name, user.email, why) if user else None
    asked = AskedAddress.objects.filter(pk=pk, agreed_at__isnull=False).select_related("client")
    contact = asked.first()
    if contact is None:
        return None
    why = f"this address is a contact of {quoted(contact.client.name)}"
    return Recipient(name, contact.email, why, token_of(contact))


def _muted(name: str) -> list[str]:
    """Return the kinds that the recipient does not want any more."""
    what, pk = name.split(" ")
    if what != "person":
        return []
    muted = Mute.objects.filter(user=int(pk)).exclude(kind__in=SECURITY)
    return list(muted.values_list("kind", flat=True))


DIGEST: Final = Kind("digests", "Digests of notices", digest, is_standing=True)
