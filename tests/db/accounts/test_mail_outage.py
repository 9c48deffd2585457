"""The outbox: a mail server that is slow or gone delays messages and nothing else."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email.errors import HeaderParseError
from typing import Any

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.mail import MESSAGE, queue
from portal.accounts.sign_up import LIFE_S
from portal.work.models import Tally, Task
from portal.work.tasks import claim
from portal.work.worker import Worker
from tests.db.mailed import MAIL, delivered, kill_worker_while_it_sends, use
from tests.db.pages import text_of
from tests.db.registry.racing import at_once
from tests.mail_server import mail_server

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
NO_HEADER = '"\x0cbcc:x"@example.com'
"""A valid address for Django, which allows a form feed between the quotes."""
LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def silent_server(settings: Any) -> Iterator[socket.socket]:
    """A server that lets one connect and says nothing, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.getsockname()
        yield server


def work(minutes: float = 0) -> None:
    """Let a worker do what is due so many minutes from now."""
    now = timezone.now() + timedelta(minutes=minutes)
    worker = Worker(kinds=MAIL, clock=lambda: now)
    while worker.step():
        pass


def reset(email: str = "dev@example.com") -> None:
    """Ask for a link to choose a new password."""
    assert Browser().post(RESET, {"email": email}).status_code == 302


@pytest.mark.parametrize(("who", "path", "entered"), SENDING)
def test_no_request_connects_to_the_mail_server(
    browser_of: Any,
    silent_server: socket.socket,
    who: str | None,
    path: str,
    entered: dict[str, str],
) -> None:
    assert browser_of(who).post(path, entered).status_code == 302
    with pytest.raises(BlockingIOError):
        silent_server.accept()
    assert Task.objects.get().kind in MAIL


def test_message_is_sent_when_the_mail_server_is_back_after_a_day(
    cast: Any, silent_server: socket.socket, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    silent_server.close()
    queue(EmailMessage("Hello", "Text", to=["dev@example.com"]), life=timedelta(days=3))
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
    assert not Task.objects.exists()


@pytest.mark.parametrize("email", ["new@example.com", "dev@example.com"])
def test_code_is_not_sent_when_it_has_expired(
    email: str, cast: Any, silent_server: socket.socket, settings: Any
) -> None:
    """A message to a known address, which has no code, shares its fate."""
    silent_server.close()
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
        assert claim(MAIL, later)
        later += MESSAGE.lease
        assert Task.objects.get().lost == lost - 1
    worker = Worker(kinds=MAIL, clock=lambda: later)
    assert worker.step()
    assert not mail.outbox
    assert Tally.objects.get().dropped == 1


@pytest.mark.parametrize(
    ("failure", "is_tried_again"),
    [
        (smtplib.SMTPRecipientsRefused({"dev@example.com": (550, b"no")}), False),
        (smtplib.SMTPRecipientsRefused({"dev@example.com": (450, b"no")}), True),
        (smtplib.SMTPDataError(554, b"no"), False),
        (smtplib.SMTPDataError(451, b"no"), True),
        (smtplib.SMTPAuthenticationError(535, b"no"), True),
        (ssl.SSLCertVerificationError("no"), True),
        (HeaderParseError("no"), False),
    ],
)
def test_refused_message_is_tried_again_only_if_that_may_help(
    failure: Exception, is_tried_again: bool, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise failure

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    reset()
    work()
    assert Task.objects.exists() == is_tried_again


def test_message_to_an_address_that_no_header_can_have_is_dropped(
    db: None, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    queue(EmailMessage("Hello", "Text", to=[NO_HEADER]), life=timedelta(days=3))
    with mail_server() as server:
        use(server, settings)
        work()
    assert not Task.objects.exists()
    assert Tally.objects.get().dropped == 1
    assert "example.com" not in caplog.text


@pytest.mark.parametrize(
    ("who", "path", "entered"),
    [
        (None, SIGN_UP, {**NEW, "email": NO_HEADER}),
        (None, RESET, {"email": NO_HEADER}),
        ("dev", EMAIL, {"action_add": "", "email": NO_HEADER}),
    ],
)
def test_forms_refuse_such_an_address(
    browser_of: Any, who: str | None, path: str, entered: dict[str, str]
) -> None:
    assert "Enter a valid email address." in text_of(browser_of(who).post(path, entered))
    assert not Task.objects.exists()


def test_request_does_the_same_for_an_unknown_address_as_for_a_known_one(cast: Any) -> None:
    def done(email: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            reset(email)
        # Without the values: the address, dates, and what is random.
        return [re.sub(r"'[^']*'", "", query["sql"]) for query in queries]

    done("dev@example.com")
    assert done("dev@example.com") == done("nobody@example.com")
    bodies = [str(message.body) for message in delivered()]
    assert ["/account/password/reset/key/" in body for body in bodies] == [True, True, False]
    assert "no\naccount has this address" in bodies[2]


def test_link_is_made_when_it_is_sent(cast: Any) -> None:
    """So it is good for its whole life, and no copy of the database has it."""
    reset()
    cast.dev.set_password("another long password")
    cast.dev.save()
    [message] = delivered()
    link = re.search(r"http://testserver(\S+)", str(message.body))
    assert link
    assert "Choose a new password" in text_of(Browser().get(link[1], follow=True))


def test_link_is_not_sent_to_who_asked_an_hour_ago(cast: Any) -> None:
    reset()
    work(60)
    assert not mail.outbox
    assert not Task.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_five_workers_at_once_send_each_message_once(settings: Any) -> None:
    people = [f"person-{number}@example.com" for number in range(20)]
    for email in people:
        queue(EmailMessage("Hello", "Text", to=[email]), life=timedelta(days=1))
    with mail_server() as server:
        use(server, settings)
        at_once(work, 5)
    sent_to = [re.findall(r"(?m)^To: (.*)$", message)[0] for message in server.messages]
    assert sorted(sent_to) == sorted(people)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_worker_that_is_killed_after_sending_repeats_the_message_once(settings: Any) -> None:
    """The mail server has the message, and the worker is killed before it knows."""
    queue(EmailMessage("Hello", "Text", to=["ann@example.com"]), life=timedelta(days=1))
    with mail_server() as server:
        kill_worker_while_it_sends(server, settings)
        use(server, settings)
        work()
        assert len(server.messages) == 1
        work(MESSAGE.lease / timedelta(minutes=1))
        assert len(server.messages) == 2
    # The worker also queued the tasks that are always there.
    assert not Task.objects.filter(kind=MESSAGE.name).exists()
