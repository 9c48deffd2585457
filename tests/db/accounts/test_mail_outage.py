"""The outbox: a mail server that is slow or gone delays messages and nothing else."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client as Browser
from django.utils import timezone

from portal.accounts.mail import MESSAGE
from portal.accounts.sign_up import LIFE_S
from portal.work.models import Tally, Task
from portal.work.tasks import LONGEST_PAUSE, claim
from portal.work.worker import Worker
from tests.db.mailed import delivered

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]

PASSWORD = "correct horse battery"  # noqa: S105 - of the cast
SIGN_UP, RESET, EMAIL = "/account/signup/", "/account/password/reset/", "/account/email/"
NEW = {"email": "new@example.com", "password1": PASSWORD, "password2": PASSWORD}
SENDING = [
    (None, SIGN_UP, NEW),
    (None, SIGN_UP, {**NEW, "email": "dev@example.com"}),
    (None, RESET, {"email": "dev@example.com"}),
    (None, RESET, {"email": "nobody@example.com"}),
    ("dev", EMAIL, {"action_add": "", "email": "dev2@example.com"}),
]
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def mail_server(settings: Any) -> Iterator[socket.socket]:
    """A server that lets one connect and says nothing, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.getsockname()
        yield server


def work(minutes: float = 0) -> None:
    """Let a worker do what is due so many minutes from now."""
    now = timezone.now() + timedelta(minutes=minutes)
    worker = Worker(kinds=[MESSAGE.name], clock=lambda: now)
    while worker.step():
        pass


def reset(email: str = "dev@example.com") -> None:
    """Ask for a link to choose a new password."""
    assert Browser().post(RESET, {"email": email}).status_code == 302


@pytest.mark.parametrize(("who", "path", "entered"), SENDING)
def test_no_request_connects_to_the_mail_server(
    browser_of: Any,
    mail_server: socket.socket,
    who: str | None,
    path: str,
    entered: dict[str, str],
) -> None:
    assert browser_of(who).post(path, entered).status_code == 302
    with pytest.raises(BlockingIOError):
        mail_server.accept()
    assert Task.objects.get().kind == MESSAGE.name


def test_message_is_sent_when_the_mail_server_is_back_after_a_day(
    cast: Any, mail_server: socket.socket, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    mail_server.close()
    reset()
    for hour in range(24):
        work(60 * hour)
    task = Task.objects.get()
    assert (task.attempts, task.error) == (24, "ConnectionRefusedError Connection refused")
    assert "attempt 24: ConnectionRefusedError" in caplog.text
    assert "example.com" not in caplog.text
    settings.EMAIL_BACKEND = LOCMEM
    work(24 * 60)
    [message] = mail.outbox
    assert message.to == ["dev@example.com"]
    assert "/account/password/reset/key/" in str(message.body)
    assert not Task.objects.exists()


@pytest.mark.parametrize("email", ["new@example.com", "dev@example.com"])
def test_code_is_not_sent_when_it_has_expired(
    email: str, cast: Any, mail_server: socket.socket, settings: Any
) -> None:
    """A message to a known address, which has no code, shares its fate."""
    mail_server.close()
    Browser().post(SIGN_UP, {**NEW, "email": email})
    work()
    settings.EMAIL_BACKEND = LOCMEM
    work(LIFE_S / 60)
    assert not mail.outbox
    assert not Task.objects.exists()
    assert Tally.objects.values_list("done", "dropped").get() == (0, 1)


def test_neither_address_nor_code_can_be_read_in_the_database(cast: Any) -> None:
    Browser().post(SIGN_UP, NEW)
    row = str(Task.objects.values().get())
    [message] = delivered()
    code = re.search(r"(?m)^[A-Z]{4}-[A-Z]{4}$", str(message.body))
    assert code
    for secret in (code[0], "new@example.com", "code"):
        assert secret not in row
    assert not Task.objects.exists()


def test_message_is_repeated_once_if_its_worker_is_killed_and_then_dropped(cast: Any) -> None:
    reset()
    later = timezone.now()
    for lost in (1, 2):
        # It may be killed after sending, so each of these may have sent the message.
        assert claim([MESSAGE.name], later)
        later += MESSAGE.lease
        assert Task.objects.get().lost == lost - 1
    worker = Worker(kinds=[MESSAGE.name], clock=lambda: later)
    assert worker.step()
    assert not mail.outbox
    assert Tally.objects.get().dropped == 1


@pytest.mark.parametrize(("code", "is_tried_again"), [(550, False), (450, True)])
def test_refused_recipient_is_tried_again_only_if_that_may_help(
    code: int, is_tried_again: bool, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise smtplib.SMTPRecipientsRefused({"dev@example.com": (code, b"no")})

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    reset()
    work()
    assert Task.objects.exists() == is_tried_again


def test_an_unknown_address_costs_as_many_tasks_as_a_known_one(cast: Any) -> None:
    for email in ("dev@example.com", "nobody@example.com"):
        reset(email)
    lives = [task.last_at - task.made_at for task in Task.objects.all() if task.last_at]
    assert len(lives) == 2
    assert abs(lives[0] - lives[1]) < timedelta(seconds=1)
    assert lives[0] > LONGEST_PAUSE
