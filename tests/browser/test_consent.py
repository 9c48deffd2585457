"""A client sends a person to sign in and agree, and gets them back with a code."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, Route, expect

from portal.registry.actions import change_client
from portal.registry.models import AccessToken, AuthorizationCode, Client
from tests.browser.checks import check_accessible
from tests.callback import Callback, callback_server
from tests.db.oauth.token_requests import AUTHORIZE, ISSUER, Signer, body_of, new_signer
from tests.paths import client_path


@pytest.fixture
def callback() -> Iterator[Callback]:
    """The client's page that people come back to."""
    with callback_server() as served:
        yield served


@pytest.fixture
def signer(payments: Client, cast: SimpleNamespace, callback: Callback) -> Signer:
    made = new_signer(payments, cast.alice)
    uris = [callback.uri]
    change_client(payments, name="Payments", contacts=[], redirect_uris=uris, by=cast.alice)
    return made


def address(signer: Signer, callback: Callback, **changes: Any) -> str:
    query = signer.consent_query(redirect_uri=callback.uri, **changes)
    return f"{AUTHORIZE}?{urlencode(query)}"


def fill_in_sign_in(page: Page) -> None:
    """Sign in as bob."""
    page.get_by_label("Email").fill("bob@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()


def wait_until_back(page: Page, callback: Callback) -> dict[str, str]:
    expect(page.get_by_role("heading", name="Back again")).to_be_visible()
    [told] = callback.told
    assert told.pop("iss") == ISSUER
    return told


@pytest.mark.parametrize("scripts", [True, False])
def test_sign_in_agree_and_the_client_has_its_tokens(
    sign_in: Any, signer: Signer, callback: Callback, cast: SimpleNamespace, scripts: bool
) -> None:
    signer.allow(cast.admin, "read", "write")
    page = sign_in(None, java_script_enabled=scripts)
    page.goto(address(signer, callback, scope="read write", state="s p&ä="))
    fill_in_sign_in(page)
    expect(page.get_by_role("heading", name="Allow Payments to act for you?")).to_be_visible()
    expect(page.get_by_text("bob@example.com").first).to_be_visible()
    page.get_by_role("button", name="Allow").click()
    told = wait_until_back(page, callback)
    assert told == {"code": told["code"], "state": "s p&ä="}
    body = body_of(signer.exchange_code(told["code"], redirect_uri=callback.uri))
    assert body["scope"] == "read write"
    assert AccessToken.objects.get().user == cast.bob


@pytest.mark.parametrize("scripts", [True, False])
def test_no_sends_the_person_back_without_a_code(
    sign_in: Any, signer: Signer, callback: Callback, cast: SimpleNamespace, scripts: bool
) -> None:
    page = sign_in(cast.bob, java_script_enabled=scripts)
    page.goto(address(signer, callback))
    page.get_by_role("button", name="Deny", exact=True).click()
    told = wait_until_back(page, callback)
    assert (told["error"], told["state"]) == ("access_denied", "a state")
    assert not AuthorizationCode.objects.exists()


def test_what_is_wrong_with_the_request_is_told_to_the_client_when_the_person_goes_back(
    sign_in: Any, signer: Signer, callback: Callback, cast: SimpleNamespace
) -> None:
    page = sign_in(None)
    page.goto(address(signer, callback, code_challenge_method="plain"))
    fill_in_sign_in(page)
    expect(page.get_by_text("The code_challenge_method must be S256.")).to_be_visible()
    assert not callback.told
    page.get_by_role("link", name="Go back", exact=True).click()
    assert wait_until_back(page, callback)["error"] == "invalid_request"


def test_the_way_back_is_the_same_for_the_keyboard(
    sign_in: Any, signer: Signer, callback: Callback, cast: SimpleNamespace
) -> None:
    page = sign_in(cast.bob)
    page.goto(address(signer, callback))
    page.get_by_role("button", name="Allow").focus()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Deny", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    assert wait_until_back(page, callback)["error"] == "access_denied"


def test_the_client_may_send_the_person_on_to_another_host(
    sign_in: Any, signer: Signer, callback: Callback, cast: SimpleNamespace
) -> None:
    callback.then = callback.uri.replace("127.0.0.1", "localhost").replace("/callback", "/welcome")
    page = sign_in(cast.bob)
    page.goto(address(signer, callback))
    page.get_by_role("button", name="Allow").click()
    assert "code" in wait_until_back(page, callback)
    assert page.url == callback.then


@pytest.mark.parametrize("look", ["light", "phone"])
def test_where_the_browser_does_not_go_on_by_itself_there_is_a_link(
    sign_in: Any, signer: Signer, callback: Callback, cast: SimpleNamespace, look: str
) -> None:
    def stay(route: Route) -> None:
        response = route.fetch()
        headers = {name: value for name, value in response.headers.items() if name != "refresh"}
        route.fulfill(response=response, headers=headers)

    page = sign_in(cast.bob, look)
    page.route(f"**{AUTHORIZE}?*", stay)
    page.goto(address(signer, callback))
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="Returning to 127.0.0.1")).to_be_visible()
    check_accessible(page, look)
    page.get_by_role("link", name="Continue").click()
    assert "code" in wait_until_back(page, callback)


@pytest.mark.parametrize("look", ["light", "phone"])
def test_axe_finds_nothing_and_nothing_overflows(
    sign_in: Any, signer: Signer, callback: Callback, cast: SimpleNamespace, look: str
) -> None:
    name, host = "W" * 100, "a" * 60 + ".example.com"
    signer.allow(cast.admin, "read", "write")
    page = sign_in(cast.alice, look)
    for path in (
        address(signer, callback, scope="read write"),
        address(signer, callback, scope="everything"),
        f"{AUTHORIZE}?client_id=unknown",
        f"{AUTHORIZE}?{urlencode(signer.consent_query())}",
        f"/clients/{signer.client.client_id}/edit/",
        client_path(signer.client),
    ):
        page.goto(path)
        check_accessible(page, look)
    uris = [f"https://{host}/callback"]
    change_client(signer.client, name=name, contacts=[], redirect_uris=uris, by=cast.alice)
    for path in (
        f"{AUTHORIZE}?{urlencode(signer.consent_query(redirect_uri=uris[0]))}",
        f"{AUTHORIZE}?{urlencode(signer.consent_query(redirect_uri=uris[0], scope='everything'))}",
        client_path(signer.client),
    ):
        page.goto(path)
        check_accessible(page, look)
