"""A mail server that is slow or gone: nobody is told that a message went out, and nobody waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import BoundedSemaphore
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client as Browser

from portal.accounts.models import User
from portal.bulkhead import Bulkhead
from tests.db.pages import check_page, text_of

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


@pytest.fixture
def mail_server(settings: Any) -> Iterator[socket.socket]:
    """A server that takes connections and says nothing, until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.getsockname()
        settings.EMAIL_TIMEOUT = 60
        yield server


def check_not_sent(response: HttpResponse) -> None:
    check_page(response)
    assert response.status_code == 503
    assert response["Retry-After"]
    assert "No e-mail was sent, and nothing was saved." in text_of(response)


@pytest.mark.parametrize(("who", "path", "entered"), SENDING)
def test_with_the_mail_server_gone_nothing_is_said_or_saved(
    browser_of: Any,
    mail_server: socket.socket,
    who: str | None,
    path: str,
    entered: dict[str, str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    mail_server.close()
    people, browser = User.objects.count(), browser_of(who)
    check_not_sent(browser.post(path, entered))
    assert User.objects.count() == people
    assert not {"sign_up", "account_email_verification_code"} & set(browser.session.keys())
    assert "We sent" not in text_of(browser.get("/account/login/", follow=True))
    [line] = [each for each in caplog.messages if "could not be sent" in each]
    assert line.startswith("A message could not be sent: ConnectionRefusedError")
    assert "example.com" not in caplog.text


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_with_a_slow_mail_server_pages_and_clients_are_answered(
    cast: SimpleNamespace, mail_server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One slot for pages, and more sign-ups than that wait for the mail server."""
    for kind, count in (("pages", 1), ("mails", 2), ("clients", 1)):
        few = Bulkhead(count, waiting=BoundedSemaphore(9), patience_s=10.0)
        monkeypatch.setattr(f"portal.bulkhead.{kind}", few)

    def sign_up(_: int) -> Any:
        try:
            return Browser().post(SIGN_UP, NEW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        begun: list[Future[Any]] = [pool.submit(sign_up, each) for each in range(2)]
        # Both have reached it, and wait for its greeting.
        greeted = [mail_server.accept()[0] for _ in range(2)]
        assert Browser().get("/account/login/").status_code == 200
        token = Browser().post("/api/oauth2/token", {"grant_type": "client_credentials"})
        assert token.status_code in {400, 401}
        assert not any(each.done() for each in begun)
        for connection in greeted:
            connection.close()
        for each in begun:
            check_not_sent(each.result(timeout=30))
    assert not User.objects.filter(email=NEW["email"]).exists()
