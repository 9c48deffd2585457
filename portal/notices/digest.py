"""The digest: one message for many notices to the same recipient."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import QuerySet
from django.urls import reverse

from portal.accounts.mail import queue
from portal.core.dates import date_text
from portal.notices.addresses import token_of
from portal.notices.contacts import listed
from portal.notices.kinds import SECURITY
from portal.notices.messages import absolute, message_to
from portal.notices.models import AskedAddress, Notice, Position
from portal.notices.occasions import LIFE
from portal.notices.quoting import quoted
from portal.notices.recipients import Recipient, notices_of, reachable
from portal.work.models import Task
from portal.work.tasks import Kind

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(minutes=1)
"""How often the task looks for digests that are due."""

LATER: Final = timedelta(hours=1)
"""When a digest is tried again that could not be written."""

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
    try:
        with transaction.atomic():
            _send(first.recipient, own, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # The digests of others do not wait for it.
        logger.exception("The digest of %s is tried again in an hour", first.recipient)
        own.filter(digest_at__lte=now).update(digest_at=now + LATER)
    return True


def _send(name: str, own: QuerySet[Notice], now: datetime) -> None:
    recipient, readable = _recipient(name)
    if recipient:
        wanted = readable.filter(pk__in=own.values("pk")).order_by("made_at", "pk")
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
            message = message_to(recipient, "digest", subject, context, now)
            queue(message, life=LIFE, now=now, is_notice=True)
    own.update(digested_at=now)


def _recipient(name: str) -> tuple[Recipient | None, QuerySet[Notice]]:
    """Return the recipient with this name and the notices that they may still get, if any."""
    what, pk = name.split(" ")
    if what == "person":
        user = reachable().filter(pk=pk).first()
        if user is None:
            return None, Notice.objects.none()
        muted = user.mutes.exclude(kind__in=SECURITY).values("kind")
        why = "there were many notices for you, as a member of clients"
        return Recipient(name, user.email, why), notices_of(user).exclude(kind__in=muted)
    asked = AskedAddress.objects.filter(pk=pk, agreed_at__isnull=False, client__deleted=False)
    contact = asked.select_related("client").first()
    if contact is None or contact.email not in listed(contact.client):
        return None, Notice.objects.none()
    why = f"this address is a contact of {quoted(contact.client.name)}"
    recipient = Recipient(name, contact.email, why, token_of(contact))
    return recipient, Notice.objects.filter(recipient=name)


DIGEST: Final = Kind("digests", "Digests of notices", digest, is_recurring=True)
