"""Workers of notices with a clock that the test sets, and what they sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from portal.accounts.mail import NOTICE
from portal.notices.clock import tick
from portal.notices.digest import digest
from portal.notices.follow import follow
from portal.notices.models import Position
from portal.notices.policy import POLICY
from portal.registry.models import Ledger
from portal.work.models import Task
from portal.work.worker import Worker

Sent = list[tuple[str, str]]


def work(now: datetime | None = None) -> None:
    """Do what a worker does at `now`: follow the ledger and the clock, and send messages."""
    now = now or timezone.now()
    for run in (follow, tick, digest):
        while run(Task(), now) <= now:
            pass
    worker = Worker(kinds=[NOTICE.name, POLICY.name], clock=lambda: now)
    while Task.objects.exists() and worker.step():
        pass


@pytest.fixture
def sent(db: None) -> Callable[..., list[EmailMultiAlternatives]]:
    """A function that lets a worker do what is due, and returns what it sent since the last call.

    Without a time, each call is an hour later than the one before, so that no digest begins. Nobody
    gets notices of what was before the first use of the fixture.
    """
    head = {"number": Ledger.head().size, "clock_at": timezone.now()}
    Position.objects.update_or_create(pk=1, defaults=head)

    hours = count()

    def send(now: datetime | None = None) -> list[EmailMultiAlternatives]:
        mail.outbox.clear()
        work(now or timezone.now() + next(hours) * timedelta(hours=1))
        return [each for each in mail.outbox if isinstance(each, EmailMultiAlternatives)]

    return send


def said(messages: list[EmailMultiAlternatives]) -> Sent:
    """Return to whom the messages went and what their subjects say, sorted."""
    return sorted((each.to[0].partition("@")[0], str(each.subject)) for each in messages)
