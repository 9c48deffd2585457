"""Whose an e-mail address is: what a stranger can do with somebody else's, step by step."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth import hashers
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts import sign_up
from portal.accounts.models import User
from tests.db.mailed import delivered
from tests.db.pages import check_page, text_of

PASSWORD = "correct horse battery"  # noqa: S105 - of the cast
OTHER_PASSWORD = "staple battery horse"  # noqa: S105
LOGIN, SIGN_UP, CONFIRM = "/account/login/", "/account/signup/", "/account/signup/confirm/"
EMAIL, EMAIL_CODE = "/account/email/", "/account/confirm-email/"
VICTIM = "victim@example.com"


@pytest.fixture(autouse=True)
def rates(db: None, settings: Any) -> None:
    """Nothing is counted against anybody."""
    settings.RATE_LIMITS = {}


def begin(email: str, password: str = PASSWORD) -> Browser:
    """Return the browser in which somebody has signed up and is asked for the code."""
    browser = Browser()
    entered = {"email": email, "password1": password, "password2": password}
    response = browser.post(SIGN_UP, entered)
    assert response["Location"] == CONFIRM
    check_page(browser.get(CONFIRM))
    return browser


def code() -> str:
    """Return the code in the message that was sent last."""
    found = re.search(r"^[A-Z]{4}-[A-Z]{4}$", str(delivered()[-1].body), re.MULTILINE)
    return found[0] if found else ""


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/clients/").status_code == 200


def sign_in(email: str, password: str = PASSWORD) -> Browser:
    browser = Browser()
    browser.post(LOGIN, {"login": email, "password": password})
    return browser


def never_confirmed(email: str, password: str = OTHER_PASSWORD) -> User:
    """Return an account as versions before this one made at each sign-up."""
    user = User(email=email)
    user.set_password(password)
    user.save()
    EmailAddress.objects.create(user=user, email=email, verified=False, primary=True)
    return user


# --- Signing up ----------------------------------------------------------------------------------


def test_the_code_makes_the_account_and_signs_in() -> None:
    browser = begin(VICTIM)
    assert not User.objects.filter(email=VICTIM).exists()
    browser.post(CONFIRM, {"code": code().lower().replace("-", " ")})
    assert is_signed_in(browser)
    assert is_signed_in(sign_in(VICTIM))
    assert User.objects.get(email=VICTIM).has_confirmed_email


def test_a_stranger_who_signs_up_with_my_address_leaves_nothing() -> None:
    begin(VICTIM, OTHER_PASSWORD)
    assert not User.objects.exists()
    assert not EmailAddress.objects.exists()
    assert not is_signed_in(sign_in(VICTIM, OTHER_PASSWORD))


def test_the_message_has_nothing_to_follow() -> None:
    begin(VICTIM)
    assert code()
    assert "://" not in str(delivered()[0].body)
    assert "Never share the code" in str(delivered()[0].body)


def test_the_code_works_in_no_other_session() -> None:
    strangers = begin(VICTIM, OTHER_PASSWORD)
    theirs = code()
    mine = begin(VICTIM)
    mine.post(CONFIRM, {"code": theirs})
    assert not is_signed_in(mine)
    strangers.post(CONFIRM, {"code": code()})
    assert not is_signed_in(strangers)


def test_a_stranger_who_signs_up_again_and_again_is_not_in_my_way() -> None:
    mine = begin(VICTIM)
    sent = code()
    begin(VICTIM, OTHER_PASSWORD)
    mine.post(CONFIRM, {"code": sent})
    assert is_signed_in(mine)
    assert not is_signed_in(sign_in(VICTIM, OTHER_PASSWORD))


def test_three_wrong_codes_end_it() -> None:
    browser = begin(VICTIM)
    sent = code()
    for _ in range(sign_up.ATTEMPTS):
        response = browser.post(CONFIRM, {"code": "BBBB-BBBB"}, follow=True)
    assert "3 wrong codes" in text_of(response)
    browser.post(CONFIRM, {"code": sent})
    assert not is_signed_in(browser)


def test_a_wrong_code_is_said_beside_the_field() -> None:
    browser = begin(VICTIM)
    response = browser.post(CONFIRM, {"code": "BBBB-BBBB"})
    assert response.status_code == 422
    assert "This is not the code that we sent" in text_of(response)
    browser.post(CONFIRM, {"code": code()})
    assert is_signed_in(browser)


def test_an_old_code_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    browser = begin(VICTIM)
    later = time.time() + sign_up.LIFE_S
    monkeypatch.setattr("portal.accounts.sign_up.time.time", lambda: later)
    assert browser.post(CONFIRM, {"code": code()})["Location"] == SIGN_UP
    assert not User.objects.exists()


def test_an_address_with_an_account_gets_no_second_one(cast: SimpleNamespace) -> None:
    browser = begin("dev@example.com", OTHER_PASSWORD)
    assert "This address\nalready has an account" in str(delivered()[0].body)
    for guess in ("", "-", "BBBB-BBBB"):
        browser.post(CONFIRM, {"code": guess})
    assert not is_signed_in(browser)
    assert not is_signed_in(sign_in("dev@example.com", OTHER_PASSWORD))
    assert is_signed_in(sign_in("dev@example.com"))


def test_an_account_made_meanwhile_is_kept() -> None:
    first, second = begin(VICTIM), None
    sent = code()
    second = begin(VICTIM, OTHER_PASSWORD)
    second.post(CONFIRM, {"code": code()})
    response = first.post(CONFIRM, {"code": sent}, follow=True)
    assert "already has an account" in text_of(response)
    assert is_signed_in(sign_in(VICTIM, OTHER_PASSWORD))


def test_known_and_unknown_addresses_cost_the_same(
    cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can tell by time: as much is hashed, sent and asked of the database."""
    hashed: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def counted(self: Any, password: str, salt: str, *more: Any) -> str:
        hashed.append(password)
        return encode(self, password, salt, *more)

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", counted)

    def cost(email: str) -> tuple[int, int, int, str]:
        hashed.clear()
        delivered().clear()
        with CaptureQueriesContext(connection) as queries:
            browser = begin(email)
        page = text_of(browser.get(CONFIRM)).replace(email, "")
        page = re.sub(r'csrfmiddlewaretoken" value="\w+"', "", page)
        return len(hashed), len(delivered()), len(queries), page

    assert cost("dev@example.com") == cost("nobody@example.com")


# --- One more address ----------------------------------------------------------------------------


def add(browser: Browser, email: str) -> None:
    response = browser.post(EMAIL, {"action_add": "", "email": email})
    assert response["Location"] == EMAIL_CODE


def test_an_address_is_added_by_its_code(cast: SimpleNamespace, browser_of: Any) -> None:
    browser = browser_of("dev")
    add(browser, "dev2@example.com")
    assert not EmailAddress.objects.filter(email="dev2@example.com").exists()
    page = browser.get(EMAIL_CODE)
    check_page(page)
    assert "dev2@example.com" in text_of(page)
    browser.post(EMAIL_CODE, {"code": code()})
    assert is_signed_in(sign_in("dev2@example.com"))


def test_adding_my_address_to_a_strangers_account_finds_nobody(
    cast: SimpleNamespace, browser_of: Any
) -> None:
    add(browser_of("stranger"), VICTIM)
    assert not is_signed_in(sign_in(VICTIM))
    Browser().post("/account/password/reset/", {"email": VICTIM})
    assert "no\naccount has this address" in str(delivered()[-1].body)
    mine = begin(VICTIM)
    mine.post(CONFIRM, {"code": code()})
    assert is_signed_in(mine)


def test_nobody_becomes_me_by_making_my_address_the_main_one(
    cast: SimpleNamespace, browser_of: Any
) -> None:
    """Accounts made by a command had no confirmed address, and might make any the main one."""
    browser = browser_of("stranger")
    add(browser, VICTIM)
    browser.post(EMAIL, {"action_primary": "", "email": VICTIM})
    cast.stranger.refresh_from_db()
    assert cast.stranger.email == "stranger@example.com"


def test_the_address_of_another_account_cannot_be_added(
    cast: SimpleNamespace, browser_of: Any
) -> None:
    browser = browser_of("stranger")
    add(browser, "dev@example.com")
    response = browser.post(EMAIL_CODE, {"code": code()})
    assert "Another account has this address." in text_of(response)


def test_of_two_who_confirm_an_address_at_once_one_gets_it(
    cast: SimpleNamespace, browser_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = browser_of("dev")
    add(browser, "dev2@example.com")

    def meanwhile(form: Any) -> str:
        EmailAddress.objects.create(user=cast.bob, email="dev2@example.com", verified=True)
        monkeypatch.setattr(EmailAddress, "can_set_verified", lambda self: True)
        return str(form.cleaned_data["code"])

    monkeypatch.setattr("portal.accounts.forms.ConfirmEmailForm.clean_code", meanwhile)
    response = browser.post(EMAIL_CODE, {"code": code()}, follow=True)
    assert "Another account has this address." in text_of(response)


def test_an_account_has_few_addresses(cast: SimpleNamespace, browser_of: Any) -> None:
    for number in (1, 2):
        browser = browser_of("dev")
        add(browser, f"dev{number}@example.com")
        browser.post(EMAIL_CODE, {"code": code()})
    assert cast.dev.emailaddress_set.count() == 3
    response = browser.post(EMAIL, {"action_add": "", "email": "dev3@example.com"})
    assert "You have reached the maximum number of addresses" in text_of(response)
    assert not browser.session.get("account_email_verification_code")


def test_sessions_at_the_same_time_add_no_more(cast: SimpleNamespace, browser_of: Any) -> None:
    waiting = []
    for number in range(4):
        browser = browser_of("dev")
        add(browser, f"dev{number}@example.com")
        waiting.append((browser, code()))
    for browser, sent in waiting:
        response = browser.post(EMAIL_CODE, {"code": sent})
    assert "can have at most 3 addresses" in text_of(response)
    assert cast.dev.emailaddress_set.count() == 3


# --- Accounts of before that nobody confirmed ----------------------------------------------------


def test_who_never_confirmed_can_neither_sign_in_nor_reset_the_password() -> None:
    never_confirmed(VICTIM)
    assert "The e-mail address or the password is incorrect" in text_of(
        Browser().post(LOGIN, {"login": VICTIM, "password": OTHER_PASSWORD})
    )
    assert not delivered()
    Browser().post("/account/password/reset/", {"email": VICTIM})
    assert "no\naccount has this address" in str(delivered()[-1].body)


def test_a_new_sign_up_takes_its_place_password_and_all() -> None:
    never_confirmed(VICTIM)
    mine = begin(VICTIM)
    mine.post(CONFIRM, {"code": code()})
    assert is_signed_in(sign_in(VICTIM))
    assert not is_signed_in(sign_in(VICTIM, OTHER_PASSWORD))


def test_it_keeps_nobody_from_adding_the_address(cast: SimpleNamespace, browser_of: Any) -> None:
    never_confirmed("dev2@example.com")
    browser = browser_of("dev")
    add(browser, "dev2@example.com")
    browser.post(EMAIL_CODE, {"code": code()})
    browser.post(EMAIL, {"action_primary": "", "email": "dev2@example.com"})
    cast.dev.refresh_from_db()
    assert cast.dev.email == "dev2@example.com"


def test_who_signed_in_before_is_asked_for_a_code() -> None:
    user = never_confirmed(VICTIM)
    user.last_login = timezone.now()
    user.save()
    browser = sign_in(VICTIM, OTHER_PASSWORD)
    assert not is_signed_in(browser)
    browser.post(EMAIL_CODE, {"code": code()})
    assert is_signed_in(browser)


def test_a_strangers_reset_takes_no_address_from_an_admin(cast: SimpleNamespace) -> None:
    call_command("createsuperuser", email="root@example.com", interactive=False)
    for email in ("root@example.com", "admin@example.com"):
        Browser().post("/account/password/reset/", {"email": email})
        assert "/account/password/reset/key/" in str(delivered()[-1].body)
        assert User.objects.get(email=email).has_confirmed_email


def test_prune_removes_them_after_a_day(cast: SimpleNamespace) -> None:
    old, new = never_confirmed(VICTIM), never_confirmed("new@example.com")
    User.objects.filter(pk=old.pk).update(date_joined=timezone.now() - timedelta(days=1))
    User.objects.filter(pk=cast.dev.pk).update(date_joined=timezone.now() - timedelta(days=9))
    call_command("prune", verbosity=0)
    left = set(User.objects.values_list("email", flat=True))
    assert old.email not in left
    assert {new.email, "dev@example.com"} <= left
