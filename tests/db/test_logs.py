"""What the log says of a request: one line, and a traceback when it is the code that failed."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.test import Client as Browser
from django.urls import URLResolver, get_resolver, reverse

from portal.accounts.models import User
from portal.logs import JsonLine, OneLine, log_facts
from portal.publishing import reading
from portal.registry.models import Client
from tests.paths import client_path

URLENCODED = "application/x-www-form-urlencoded"
FORM = "grant_type=client_credentials"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The log, as the handler of the settings writes it, without the id that each line has."""
    formatter = OneLine("%(levelname)s %(name)s %(message)s")
    written = "\n".join(formatter.format(each) for each in caplog.records)
    bare, found = re.subn(r" \(request [0-9a-f]{16}\)$", "", written, flags=re.MULTILINE)
    assert found == len(caplog.records)
    return bare.splitlines()


def members(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    """The log as JSON."""
    return [json.loads(JsonLine().format(each)) for each in caplog.records]


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
    assert line == f"ERROR django.request Service Unavailable: {request}: {cause}"


def test_code_that_fails_is_told_with_its_traceback(
    fail: Any, payments: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert fail(ZeroDivisionError("by nothing")) == 500
    first, second, *_, last = lines(caplog)
    request = f"ERROR django.request Internal Server Error: {client_path(payments)}"
    assert first == request
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
    assert "reason assertion_missing, client unknown, kid none, reference " in line


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
    assert "0a8e4cd1d2d6a3b2" not in f"{lines(caplog)} {members(caplog)}"


SECRET_PARTS = {"token", "secret", "key"}
"""The names of parts of a path that nobody may read."""


def secret_paths(resolver: URLResolver, before: str = "/") -> Iterator[str]:
    """Return the path of each route with such a part, up to it."""
    for each in resolver.url_patterns:
        text = before + str(each.pattern).removeprefix("^")
        if isinstance(each, URLResolver):
            yield from secret_paths(each, text)
        elif SECRET_PARTS & set(re.findall(r"(?:<\w+:|\(\?P<)(\w+)>", text)):
            yield re.split(r"<|\(", text)[0]


def test_no_log_has_the_secret_part_of_any_path() -> None:
    nginx = Path(__file__).parents[2] / "deploy" / "nginx.conf"
    logged = nginx.read_text("utf-8").split("map $uri $logged_path {")[1].split("}")[0]
    hidden = re.findall(r"~\^(\S+) \1;", logged)
    paths = list(secret_paths(get_resolver()))
    assert len(paths) > 3
    for path in paths:
        record = logging.makeLogRecord({"msg": f"Not Found: {path}a-secret/"})
        assert "a-secret" not in OneLine().format(record), path
        assert path.startswith(tuple(hidden)), path


# --- Ids and JSON --------------------------------------------------------------------------------


GIVEN = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize("path", ["/nowhere", "/clients/nobody/jwks.json", "/account/login/"])
def test_a_request_keeps_the_id_that_it_came_with(db: None, path: str) -> None:
    response = Browser().get(path, headers={"X-Request-ID": GIVEN})
    assert response.headers["X-Request-ID"] == GIVEN


@pytest.mark.parametrize(
    "given", ["short", "a" * 65, "two words", "line\nbreak", "{json}99", "é" * 9]
)
def test_an_id_that_is_unfit_for_a_log_is_replaced(db: None, given: str) -> None:
    response = Browser().get("/nowhere", HTTP_X_REQUEST_ID=given)
    assert re.fullmatch(r"[0-9a-f]{16}", response.headers["X-Request-ID"])


def test_a_line_of_json_has_the_id_the_facts_and_nothing_else(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    response = Browser().post("/api/oauth2/token", FORM, content_type=URLENCODED)
    [line] = members(caplog)
    message, reference = line.pop("message"), line.pop("reference")
    assert reference in message
    assert reference in response.json()["error_description"]
    assert datetime.fromisoformat(line.pop("time")).tzinfo
    assert line == {
        "level": "INFO",
        "logger": "portal.registry.actions.authenticate_client",
        "request_id": response.headers["X-Request-ID"],
        "reason": "assertion_missing",
        "client": "unknown",
        "kid": "none",
    }


def test_json_has_the_traceback_of_a_bug_and_no_request(
    fail: Any, payments: Client, caplog: pytest.LogCaptureFixture
) -> None:
    assert fail(ZeroDivisionError("by nothing")) == 500
    [line] = members(caplog)
    assert line.pop("traceback").endswith("ZeroDivisionError: by nothing")
    assert set(line) == {"time", "level", "logger", "message", "request_id"}


def test_a_fact_with_line_breaks_and_quotes_stays_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log_facts(logging.getLogger("test"), logging.ERROR, "It", found='a"\nERROR b', left_out=None)
    assert len(JsonLine().format(caplog.records[0]).splitlines()) == 1
    [line] = members(caplog)
    assert line["found"] == 'a"\nERROR b'
    assert "left_out" not in line


def test_sign_ins_are_logged_by_number_and_refusals_with_their_reason(
    cast: SimpleNamespace, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    settings.RATE_LIMITS = {"login_failed": "1/1h/key"}
    User.objects.filter(pk=cast.bob.pk).update(is_active=False)
    for name, password in (
        ("dev", "correct horse battery"),
        ("bob", "correct horse battery"),
        ("alice", "my wrong password"),
        ("alice", "correct horse battery"),
    ):
        form = {"login": f"{name}@example.com", "password": password}
        Browser().post("/account/login/", form)
    told = [line for line in lines(caplog) if "ign" in line]
    about = "INFO portal.accounts.sign_in_log"
    assert told == [
        f"{about} Signed in: user {cast.dev.pk}",
        f"{about} Sign-in refused: reason deactivated, user {cast.bob.pk}",
        f"{about} Sign-in refused: reason address_or_password",
        f"{about} Sign-in refused: reason too_many_attempts",
    ]
    assert "@example.com" not in caplog.text
