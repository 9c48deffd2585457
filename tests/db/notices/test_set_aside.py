"""What no notice can be given of: it holds up no other notice, and is tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from portal.notices import set_aside
from portal.notices.digest import digest_next
from portal.notices.ends import occasions_of_end
from portal.notices.events import occasions_of
from portal.notices.models import Notice, Position
from portal.notices.occasions import Occasion
from portal.registry import actions
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import Client, ClientKey, Event, Ledger
from portal.work.models import Task
from portal.work.worker import Worker
from tests.db.notices.conftest import said
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

Sent = Callable[..., list[EmailMultiAlternatives]]


def test_event_that_cannot_be_written_about_stops_no_others(
    sent: Sent,
    payments: Client,
    key: ClientKey,
    cast: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sent()

    def broken(event: Event, now: datetime) -> Iterator[Occasion]:
        yield from occasions_of(event, now)
        if event.verb == Verb.CHANGE_KEY:
            raise ValueError(event.detail)

    monkeypatch.setattr(set_aside, "occasions_of", broken)
    ends_at = timezone.now() + timedelta(90)
    actions.change_key(key, label=key.label, expires_at=ends_at, by=cast.dev)
    actions.revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.alice)
    assert [subject[:36] for _, subject in said(sent())] == 2 * [
        "Payments: key “First” was revoked on"
    ]
    assert Position.objects.get().number == Ledger.head().size

    later = timezone.now() + timedelta(hours=2)
    worker = Worker(kinds=[set_aside.SET_ASIDE.name], clock=lambda: later)
    assert worker.step()
    assert Task.objects.get(kind=set_aside.SET_ASIDE.name).error == "ValueError"
    monkeypatch.undo()
    Task.objects.update(due_at=later)
    assert worker.step()
    assert not Task.objects.filter(kind=set_aside.SET_ASIDE.name).exists()
    assert Notice.objects.filter(kind="key_end_moved").count() == 1


def test_ledger_that_became_shorter_is_followed_from_its_end(
    sent: Sent, payments: Client, cast: SimpleNamespace
) -> None:
    sent()
    Position.objects.update(number=Ledger.head().size + 5)
    assert sent() == []
    actions.suspend_client(payments, note="", by=cast.admin)
    assert len(sent()) == 2


def test_key_that_cannot_be_written_about_stops_no_others(
    sent: Sent, payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = (
        register_pem(
            payments,
            material=public_pem(new_private_key()),
            alg="EdDSA",
            label=label,
            by=cast.dev,
            expires_at=timezone.now() + timedelta(40),
        )
        for label in ("First", "Second")
    )
    sent()

    def broken(key: ClientKey, now: datetime) -> Iterator[Occasion]:
        if key.pk == first.pk:
            raise ValueError(key.label)
        return occasions_of_end(key, now)

    monkeypatch.setattr(set_aside, "occasions_of_end", broken)
    assert {
        subject.rpartition(" on ")[0] for _, subject in said(sent(timezone.now() + timedelta(11)))
    } == {"Payments: key “Second” ends in 30 days,"}
    assert Task.objects.get(kind=set_aside.SET_ASIDE.name).subject == f"key {first.pk}"


def test_digest_that_cannot_be_written_delays_no_others(
    sent: Sent, payments: Client, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    for minutes, user in enumerate([cast.alice, cast.dev]):
        Notice.objects.create(
            kind="key_revoked",
            subject="key 1",
            recipient=f"person {user.pk}",
            occasion="event 1",
            sentence="A key was revoked.",
            path="/" if user == cast.dev else "broken",
            made_at=now,
            digest_at=now + timedelta(minutes=minutes),
        )

    def broken(path: str) -> str:
        if path == "broken":
            raise ValueError(path)
        return path

    monkeypatch.setattr("portal.notices.digest.absolute", broken)
    later = now + timedelta(minutes=5)
    assert digest_next(later)
    assert digest_next(later)
    assert not digest_next(later)
    assert [each.recipient for each in Notice.objects.filter(digested_at=None)] == [
        f"person {cast.alice.pk}"
    ]
