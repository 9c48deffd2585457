"""The assertion debugger, with and without JavaScript."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from portal.registry.models import Client, ClientKey
from tests.assertions import claims_of, sign
from tests.browser.checks import check_accessible
from tests.keys import new_private_key, private_pem, public_pem
from tests.paths import client_path
from tests.registering import register_pem

FIELD = "Assertion or request"


@pytest.fixture
def pastes(payments: Client, key: ClientKey, cast: SimpleNamespace, settings: Any) -> list[str]:
    """A good assertion, one that is wrong in two ways, and something that is none."""
    private = new_private_key()
    signing = register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Signing", by=cast.dev
    )
    good = claims_of(payments.client_id, settings.PUBLIC_URL)
    wrong = claims_of(payments.client_id, f"{settings.PUBLIC_URL}/")
    return [
        sign(private, "EdDSA", good, kid=signing.kid),
        sign(private, "EdDSA", wrong, kid=key.kid),
        "nothing",
    ]


def examine(page: Page, paste: str) -> None:
    """Paste, and send by the keyboard alone."""
    page.get_by_label(FIELD).fill(paste)
    page.get_by_label(FIELD).press("Tab")
    page.keyboard.press("Enter")


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_settings_page_to_a_good_assertion(
    sign_in: Any, payments: Client, pastes: list[str], cast: SimpleNamespace, scripts: bool
) -> None:
    page = sign_in(cast.viewer, java_script_enabled=scripts)
    page.goto(client_path(payments))
    page.get_by_role("link", name="Debug an assertion").click()
    examine(page, pastes[1])
    expect(page.get_by_text("Fix first: aud is not this server.")).to_be_visible()
    expect(page.get_by_text("The kid names “First”, but “Signing” signed.")).to_be_visible()
    # The server sends no paste back; with JavaScript the field is simply left alone.
    expect(page.get_by_label(FIELD)).to_have_value(pastes[1] if scripts else "")
    examine(page, pastes[0])
    expect(page.get_by_text("All checks pass.")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_private_key_leaves_the_field(
    sign_in: Any, payments: Client, cast: SimpleNamespace, scripts: bool
) -> None:
    page = sign_in(cast.dev, java_script_enabled=scripts)
    page.goto(reverse("assertion_debugger", args=[payments.client_id]))
    examine(page, private_pem())
    # The browser keeps it; without JavaScript the server refuses it.
    said = "This is a private key. It was not sent." if scripts else "This contains a private key"
    expect(page.get_by_text(said)).to_be_visible()
    expect(page.get_by_label(FIELD)).to_have_value("")


@pytest.mark.parametrize("look", ["light", "phone"])
def test_axe_finds_nothing_and_nothing_overflows(
    sign_in: Any, payments: Client, pastes: list[str], cast: SimpleNamespace, look: str
) -> None:
    page = sign_in(cast.dev, look)
    page.goto(reverse("assertion_debugger", args=[payments.client_id]))
    check_accessible(page, look)
    for paste in (*pastes, "", private_pem()):
        page.goto(reverse("assertion_debugger", args=[payments.client_id]))
        examine(page, paste)
        page.locator("#verdict .notice").first.wait_for()
        check_accessible(page, look)
