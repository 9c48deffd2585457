"""What people see when something is refused or breaks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client as Browser
from django.test import RequestFactory

from portal.logs import OneLine
from portal.registry.models import Client
from portal.web import errors
from portal.wsgi import django
from tests.db.pages import check_page, text_of
from tests.paths import client_path


def test_a_404_helps(ask: Any, cast: SimpleNamespace) -> None:
    text = text_of(ask("dev", "get", "/no/such/page"))
    assert "Page not found" in text
    assert "ask them to add you" in text


def test_htmx_gets_a_notice_instead_of_a_page(ask: Any, cast: SimpleNamespace) -> None:
    text = text_of(ask("dev", "get", "/no/such/page", htmx=True))
    assert "notice-error" in text
    assert "<html" not in text


def test_a_bad_request_is_answered_kindly(ask: Any, cast: SimpleNamespace, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 2
    response = ask("dev", "post", "/clients/new/", {"a": "1", "b": "2", "c": "3"})
    assert response.status_code == 400
    assert "Go back, reload the page" in text_of(response)


@pytest.mark.parametrize("charset", ["rot13", "undefined", "unicode_escape", "utf-16"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_charset_that_a_request_claims_does_not_matter(
    db: None, charset: str, method: str
) -> None:
    path = "/account/login/?next=/%5Cud800"
    environ = RequestFactory().generic(method, path, b"--b--\r\n").environ
    environ["CONTENT_TYPE"] = f"multipart/form-data; charset={charset}; boundary=b"
    answered: list[str] = []
    django(environ, lambda status, _headers, *_more: answered.append(status))
    assert answered == ["200 OK" if method == "GET" else "403 Forbidden"]


@pytest.mark.parametrize("query", ["q=%00", "q=a%00b", "%00", "page=1&%00=1"])
def test_a_nul_in_the_query_is_refused(ask: Any, cast: SimpleNamespace, query: str) -> None:
    assert ask("dev", "get", f"/clients/?{query}").status_code == 400


def test_a_nul_in_a_cookie_is_refused(db: None, settings: Any) -> None:
    cookie = f'{settings.SESSION_COOKIE_NAME}="{"a" * 20}\\000{"a" * 11}"'
    response = Browser().get("/account/login/", headers={"Cookie": cookie})
    assert response.status_code == 400
    check_page(response)


@pytest.mark.parametrize("htmx", [False, True])
def test_a_crash_says_that_it_is_not_your_doing(
    browser_of: Any, payments: Client, monkeypatch: pytest.MonkeyPatch, htmx: bool
) -> None:
    browser = browser_of("dev")
    browser.raise_request_exception = False

    def broken(*arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Client.objects, "visible_to", broken)
    headers = {"HX-Request": "true"} if htmx else {}
    response = browser.get(client_path(payments), headers=headers)
    assert response.status_code == 500
    check_page(response)
    assert "Your last action may not have been saved" in text_of(response)
    assert "ZeroDivision" not in text_of(response)


@pytest.mark.parametrize("htmx", [False, True])
def test_reference_of_an_error_is_on_the_page_and_in_the_log(
    browser_of: Any,
    payments: Client,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    htmx: bool,
) -> None:
    settings.RATE_LIMITS = {"write": "1/1h/user"}
    browser = browser_of("alice")
    headers = {"HX-Request": "true"} if htmx else {}
    path = f"{client_path(payments)}team/"
    large = browser.generic("POST", path, headers=headers, CONTENT_LENGTH="9" * 9)
    browser.post(path)
    late = browser.post(path, headers=headers)
    assert [large.status_code, late.status_code] == [413, 429]
    formatter = OneLine("%(message)s")
    logged = [formatter.format(record) for record in caplog.records]
    for response in (large, late):
        assert response.headers.get("Portal-Notice") == ("error" if htmx else None)
        reference = response.headers["X-Request-ID"]
        assert f'data-copy="{reference}"' in text_of(response)
        assert [line for line in logged if line.endswith(f"{path} (request {reference})")]


def test_expired_session_leaves_the_page_of_htmx_alone(ask: Any, payments: Client) -> None:
    path = f"{client_path(payments)}keys/"
    response = ask(None, "post", path, {}, htmx=True)
    assert response.status_code == 403
    assert response["Portal-Notice"] == "error"
    assert "You were signed out." in text_of(response)
    assert "<form" not in text_of(response)
    assert ask(None, "post", path, {})["Location"].startswith("/account/login/")


def test_answer_to_an_old_token_has_the_current_one(
    payments: Client, cast: SimpleNamespace
) -> None:
    """The token changes at sign-in: the page of another tab has the old one."""
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    path = f"{client_path(payments)}keys/inspection/"
    headers = {"HX-Request": "true", "Portal-User": str(cast.dev.pk)}
    old = browser.post(path, {"csrfmiddlewaretoken": "a" * 64}, headers=headers)
    assert old.status_code == 403
    again = browser.post(path, {"csrfmiddlewaretoken": old["X-CSRFToken"]}, headers=headers)
    assert again.status_code == 200
    # The page of another user would act as this one.
    headers["Portal-User"] = str(cast.alice.pk)
    refused = browser.post(path, {"csrfmiddlewaretoken": "a" * 64}, headers=headers)
    assert "X-CSRFToken" not in refused.headers
    browser.logout()
    nobody = browser.post(path, {"csrfmiddlewaretoken": "a" * 64}, headers=headers)
    assert "You were signed out." in text_of(nobody)


def test_the_page_for_a_crash_needs_no_session_and_no_database() -> None:
    request: HttpRequest = RequestFactory().get("/")
    assert "went wrong on our side" in text_of(errors.server_error(request))


def test_a_body_that_says_it_is_too_large_is_never_read(db: None) -> None:
    class Unread:
        def read(self, *arguments: object) -> bytes:
            raise AssertionError

        readline = read

    stated: dict[str, Any] = {"CONTENT_LENGTH": "9" * 30, "wsgi.input": Unread()}
    response = Browser().generic("POST", "/account/login/", b"", **stated)
    assert response.status_code == 413
    check_page(response)


@pytest.mark.parametrize("length", ["-1", "abc", "1e3", "٣"])
def test_a_length_that_is_no_number_is_refused(db: None, length: str) -> None:
    response = Browser().generic("POST", "/account/login/", b"", CONTENT_LENGTH=length)
    assert response.status_code == 413
