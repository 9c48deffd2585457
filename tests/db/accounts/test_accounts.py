"""/account/: signing in, up and out, and what is sent by e-mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import NoReverseMatch, reverse

from portal.accounts.limits import wait_for
from portal.accounts.models import User
from tests.db.mailed import delivered
from tests.db.pages import text_of

PASSWORD = "correct horse battery"  # noqa: S105 - of the cast
LOGIN = "/account/login/"


pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "url",
    [
        LOGIN,
        "/account/signup/",
        "/account/password/reset/",
        "/account/password/reset/done/",
        "/account/password/reset/key/done/",
        "/account/inactive/",
    ],
)
def test_strangers_can_open_what_leads_in(ask: Any, url: str) -> None:
    response = ask(None, "get", url)
    assert response.status_code == 200
    assert "{%" not in text_of(response)


@pytest.mark.parametrize("url", ["email/", "password/change/", "logout/", "reauthenticate/"])
def test_people_can_look_after_their_account(ask: Any, cast: SimpleNamespace, url: str) -> None:
    assert ask("dev", "get", f"/account/{url}").status_code == 200


def test_what_is_not_used_is_not_there() -> None:
    for name in ("account_signup_by_passkey", "account_request_login_code", "account_change_phone"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_sign_in_and_out(cast: SimpleNamespace) -> None:
    browser = Browser()
    response = browser.post(LOGIN, {"login": "Dev@Example.com", "password": PASSWORD})
    assert response["Location"] == "/"
    assert browser.get("/clients/").status_code == 200
    browser.post("/account/logout/")
    assert browser.get("/clients/").status_code == 302


def test_signing_out_by_a_link_asks_first(browser_of: Any) -> None:
    browser = browser_of("dev")
    browser.get("/account/logout/")
    assert browser.get("/clients/").status_code == 200


@pytest.mark.parametrize("email", ["dev@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_sound_the_same(
    ask: Any, cast: SimpleNamespace, email: str
) -> None:
    text = text_of(ask(None, "post", LOGIN, {"login": email, "password": "wrong"}))
    assert "The e-mail address or the password is incorrect." in text
    assert 'autocomplete="current-password"' in text


def test_demo_says_where_the_passwords_are(ask: Any, settings: Any) -> None:
    assert "printed in the terminal" in text_of(ask(None, "get", LOGIN))
    settings.DEMO = False
    assert "printed in the terminal" not in text_of(ask(None, "get", LOGIN))


def test_too_many_wrong_passwords_say_how_long_to_wait(
    ask: Any, cast: SimpleNamespace, settings: Any
) -> None:
    settings.RATE_LIMITS = {"login_failed": "1/5m/key"}
    wrong = {"login": "dev@example.com", "password": "wrong"}
    ask(None, "post", LOGIN, wrong)
    assert "Wait 5 minutes" in text_of(ask(None, "post", LOGIN, wrong))


def test_another_spelling_of_the_host_gives_no_more_tries(
    cast: SimpleNamespace, settings: Any
) -> None:
    settings.RATE_LIMITS = {"login_failed": "1/5m/key"}
    wrong = {"login": "dev@example.com", "password": "wrong"}
    for host in ("testserver", "testserver:1", "TESTSERVER", "testserver."):
        response = Browser().post(LOGIN, wrong, headers={"Host": host})
    assert "Wait 5 minutes" in text_of(response)


def test_links_in_e_mails_go_to_the_public_url(cast: SimpleNamespace) -> None:
    asked = {"email": "dev@example.com"}
    Browser().post("/account/password/reset/", asked, headers={"Host": "TESTSERVER:4444"})
    body = str(delivered()[0].body)
    assert "http://testserver/account/password/reset/key/" in body
    assert "4444" not in body


def test_a_429_page_says_how_long_to_wait(ask: Any, settings: Any) -> None:
    settings.RATE_LIMITS = {"login": "1/2h/ip"}
    ask(None, "post", LOGIN, {})
    response = ask(None, "post", LOGIN, {})
    assert response.status_code == 429
    assert "Wait 2 hours" in text_of(response)


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ("1/30s/ip", "1 minute"),
        ("1/m/ip", "1 minute"),
        ("9/1m/ip,1/90m/ip", "1 hour, 30 minutes"),
        ("1/d/ip", "1 day"),
    ],
)
def test_a_wait_is_said_as_people_do(settings: Any, rate: str, words: str) -> None:
    settings.RATE_LIMITS = {"login": rate}
    assert wait_for("login").replace("\xa0", " ") == words


def test_sign_up_can_be_closed(ask: Any, settings: Any) -> None:
    settings.SIGN_UP = False
    text = text_of(ask(None, "get", "/account/signup/"))
    assert "Sign-up is closed" in text
    assert "Create an account" not in text_of(ask(None, "get", LOGIN))


def test_a_forgotten_password_is_replaced_by_e_mail(cast: SimpleNamespace) -> None:
    browser = Browser()
    response = browser.post("/account/password/reset/", {"email": "dev@example.com"}, follow=True)
    assert "Check your e-mail" in text_of(response)
    link = re.search(r"http://testserver(\S+)", str(delivered()[0].body))
    assert link
    response = browser.get(link[1], follow=True)
    new = "a new and longer one"
    there = response.redirect_chain[-1][0]
    response = browser.post(there, {"password1": new, "password2": new}, follow=True)
    assert "Your password was changed" in text_of(response)
    assert User.objects.get(email="dev@example.com").check_password(new)


def test_an_unknown_address_is_not_given_away(cast: SimpleNamespace) -> None:
    response = Browser().post(
        "/account/password/reset/", {"email": "nobody@example.com"}, follow=True
    )
    assert "Check your e-mail" in text_of(response)


def test_errors_are_tied_to_their_fields(ask: Any, db: None) -> None:
    entered = {"email": "x", "password1": "short", "password2": "other"}
    text = text_of(ask(None, "post", "/account/signup/", entered))
    assert 'aria-invalid="true"' in text
    described = re.search(r'name="email"[^>]*aria-describedby="([^"]*)"', text)
    assert described
    assert f'id="{described[1].split()[-1]}"' in text


def test_owner_of_an_account_hears_of_a_new_password(browser_of: Callable[[str], Browser]) -> None:
    entered = {
        "oldpassword": "correct horse battery",
        "password1": "staple battery horse",
        "password2": "staple battery horse",
    }
    assert browser_of("dev").post("/account/password/change/", entered).status_code == 302
    [message] = delivered()
    assert message.to == ["dev@example.com"]
    assert "your password at the Key portal was changed" in str(message.body)
    assert "IP address: 127.0.0.1" in str(message.body)
