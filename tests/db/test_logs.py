"""What the log says of a request: one line, and a traceback when it is the code that failed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client as Browser
from django.urls import reverse

from portal.logs import OneLine
from portal.publishing import reading
from portal.registry.models import Client
from tests.paths import client_path

URLENCODED = "application/x-www-form-urlencoded"
FORM = "grant_type=client_credentials"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log, as the handler of the settings writes it."""
    formatter = OneLine("%(levelname)s %(name)s %(message)s")
    return [line for each in caplog.records for line in formatter.format(each).splitlines()]


def without_reference(line: str) -> str:
    """Return the line without the reference that the error page shows."""
    bare, found = re.subn(r" \(reference [a-z2-7]{10}\)", "", line)
    assert found == 1
    return bare


@pytest.fixture
def fail(browser_of: Any, payments: Client, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that opens a page in which something is raised."""

    def open_page(failure: Exception) -> int:
        def broken(*arguments: object) -> None:
            raise failure

        monkeypatch.setattr(Client.objects, "visible_to", broken)
        browser = browser_of("dev")
        browser.raise_request_exception = False
        return int(browser.get(client_path(payments)).status_code)

    return open_page


def test_database_that_does_not_answer_is_a_line_with_the_cause(
    fail: Any, payments: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert fail(OperationalError("connection failed\n\tIs the server running?")) == 503
    [line] = lines(caplog)
    request, cause = client_path(payments), "connection failed Is the server running?"
    assert (
        without_reference(line) == f"ERROR django.request Service Unavailable: {request}: {cause}"
    )


def test_code_that_fails_is_told_with_its_traceback(
    fail: Any, payments: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert fail(ZeroDivisionError("by nothing")) == 500
    first, second, *_, last = lines(caplog)
    request = f"ERROR django.request Internal Server Error: {client_path(payments)}"
    assert without_reference(first) == request
    assert second == "Traceback (most recent call last):"
    assert last == "ZeroDivisionError: by nothing"


def test_what_was_sent_is_in_no_traceback_and_no_mail(
    browser_of: Any,
    payments: Client,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    mailoutbox: list[Any],
    settings: Any,
) -> None:
    # Nothing prints variables: no page of errors, and no mail of Django's to ADMINS.
    settings.ADMINS = [("A", "a@example.com")]

    def broken(material: str, **_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("portal.web.keys.views.inspect_key", broken)
    browser = browser_of("dev")
    browser.raise_request_exception = False
    url = reverse("key_register", args=[payments.client_id])
    response = browser.post(url, {"material": "c2VjcmV0", "label": "c2VjcmV0"})
    assert response.status_code == 500
    told = lines(caplog)
    assert told[-1] == "ZeroDivisionError"
    assert "c2VjcmV0" not in f"{told} {response.content}"
    assert mailoutbox == []


def test_what_somebody_may_not_do_is_a_line(
    fail: Any, payments: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert fail(PermissionDenied("You may not.")) == 403
    path = client_path(payments)
    assert lines(caplog) == [f"WARNING django.request Forbidden (Permission denied): {path}"]


def test_a_client_that_is_refused_is_a_line_with_the_reason(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert Browser().post("/api/oauth2/token", FORM, content_type=URLENCODED).status_code == 401
    [line] = lines(caplog)
    assert line.startswith("INFO portal.registry.actions.authenticate_client Client not ")
    assert "assertion_missing, client unknown, kid none, reference " in line


def test_a_form_without_its_token_is_a_line(db: None, caplog: pytest.LogCaptureFixture) -> None:
    path = "/account/login/"
    assert Browser(enforce_csrf_checks=True).post(path, {}).status_code == 403
    assert lines(caplog) == [
        f"WARNING django.security.csrf Forbidden (CSRF cookie not set.): {path}"
    ]


def test_a_document_without_its_database_is_a_line_with_the_cause(
    db: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **named: object) -> None:
        raise OperationalError("connection failed")

    monkeypatch.setattr(reading, "publish_current", broken)
    assert Browser().get("/clients/nobody/jwks.json").status_code == 503
    [line] = lines(caplog)
    assert line.startswith("ERROR portal.publishing.public_endpoint ")
    assert line.endswith(": connection failed")


def test_another_host_is_refused_and_not_told(db: None, caplog: pytest.LogCaptureFixture) -> None:
    response = Browser().get("/account/login/", headers={"Host": "evil.example"})
    assert response.status_code == 400
    assert lines(caplog) == []


def test_nonsense_is_a_line_without_what_was_sent(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    Browser().get("/account/login/", headers={"Cookie": 'a="\\000"'})
    content = "multipart/form-data; boundary=" + "evil" * 100
    Browser().post("/account/login/", b"x", content_type=content)
    assert lines(caplog) == [
        "WARNING django.request The query or a cookie contains a NUL character.: /account/login/",
        "WARNING django.request Bad request (Unable to parse request body): /account/login/",
    ]


SECRETS = [
    "/account/password/reset/key/1-d5lrb4-0a8e4cd1d2d6a3b2/",
    "/account/password/reset/key/1-d5lrb4-0a8e4cd1d2d6a3b2",
    "/account/confirm-email/MQ:1vPq5i:0a8e4cd1d2d6a3b2/",
]


@pytest.mark.parametrize("path", SECRETS)
@pytest.mark.parametrize("why", ["not found", "too many", "no token", "failure"])
def test_the_secret_of_a_link_is_in_no_line(
    db: None,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    why: str,
) -> None:
    settings.RATE_LIMITS = {"reset_password_from_key": "1/1h/ip"} if why == "too many" else {}
    browser = Browser(enforce_csrf_checks=why == "no token", raise_request_exception=False)
    if why == "failure":
        monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", None)
        browser.cookies["sessionid"] = "a" * 32
    for _ in range(3):
        browser.post(f"{path}more" if why == "not found" else path, {})
    assert "0a8e4cd1d2d6a3b2" in caplog.text
    assert "0a8e4cd1d2d6a3b2" not in "".join(lines(caplog))
