"""A request of htmx that fails: the error is beside the button, and nothing typed is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Locator, Page, expect

from portal.registry.models import Client
from tests.browser.checks import check_accessible
from tests.browser.test_developer import PASSWORD
from tests.keys import new_private_key, public_pem
from tests.paths import client_path

PEM = public_pem(new_private_key())


def error_beside(button: Locator, text: str) -> Locator:
    """Return the error, which is visible, has the focus and follows the button's row."""
    error = button.locator("xpath=../following-sibling::*[@data-request-error]")
    expect(error).to_contain_text(text)
    expect(error).to_be_in_viewport()
    expect(error).to_be_focused()
    expect(button.page.locator("[data-request-error]")).to_have_count(1)
    return error


@pytest.fixture
def page(sign_in: Any, payments: Client, cast: SimpleNamespace) -> Page:
    """The Settings page, with its form filled in."""
    page: Page = sign_in(cast.dev, "phone")
    page.goto(client_path(payments))
    page.get_by_role("textbox", name="Public key").fill(PEM)
    expect(page.get_by_label("Algorithm")).to_have_value("EdDSA")
    page.get_by_label("Label").fill("typed with care")
    return page


def test_after_signing_in_elsewhere_the_same_press_works(page: Page, payments: Client) -> None:
    Session.objects.all().delete()
    button = page.get_by_role("button", name="Add key", exact=True)
    button.click()
    error = error_beside(button, "You were signed out.")
    expect(error).to_contain_text("then press “Add key” again")
    check_accessible(page)
    expect(page.get_by_label("Label")).to_have_value("typed with care")
    expect(page.get_by_role("textbox", name="Public key")).to_have_value(PEM)
    # Typing on, which sends the key to be inspected, says it beside the field.
    page.get_by_role("textbox", name="Public key").press("End")
    page.get_by_role("textbox", name="Public key").press("Enter")
    expect(page.locator("[data-drop] [data-request-error]")).to_contain_text("signed out")

    with page.context.expect_page() as opened:
        page.get_by_role("link", name="sign in in another tab").click()
    other = opened.value
    other.get_by_label("Email").fill("dev@example.com")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", name="Payments", level=1)).to_be_visible()

    button.click()
    expect(page.get_by_text("“typed with care” is live")).to_be_visible()
    assert payments.keys.get().label == "typed with care"


def test_errors_of_server_proxy_and_network_are_beside_the_button(
    page: Page, payments: Client, monkeypatch: pytest.MonkeyPatch, tolerated: list[str]
) -> None:
    tolerated += ["net::ERR_FAILED", "htmx:", "status of 5"]
    address = f"**{client_path(payments)}keys/"
    button = page.get_by_role("button", name="Add key", exact=True)
    page.route(address, lambda route: route.abort())
    button.click()
    error_beside(button, "The portal cannot be reached")
    page.unroute(address)
    page.route(address, lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>"))
    button.click()
    error_beside(button, "The portal did not answer (status 502)")
    page.unroute(address)

    def broken(*arguments: object, **named: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr("portal.web.keys.views.register_key", broken)
        button.click()
        expect(error_beside(button, "went wrong on our side").locator("code")).to_be_visible()
    check_accessible(page)
    expect(page.get_by_label("Label")).to_have_value("typed with care")
    button.click()
    expect(page.get_by_text("“typed with care” is live")).to_be_visible()
