"""From the notice on the Settings page to the reason, with and without JavaScript."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from portal.registry.models import Client, ClientKey
from tests.browser.checks import check_accessible
from tests.db.recorded_requests import accept, reference_of, refuse
from tests.paths import client_path


@pytest.mark.parametrize("scripts", [True, False])
def test_a_refusal_is_found_from_the_settings_page(
    sign_in: Any, payments: Client, key: ClientKey, cast: SimpleNamespace, scripts: bool
) -> None:
    accept(key, 1, ago=timedelta(minutes=9))
    refuse(payments, 2, reason="invalid_grant", key=key, kid=key.kid, ago=timedelta(minutes=5))
    page = sign_in(cast.viewer, java_script_enabled=scripts)
    page.goto(client_path(payments))
    page.get_by_role("link", name="See why").click()
    expect(page.get_by_role("heading", name="Invalid code or refresh token")).to_be_visible()
    page.get_by_role("link", name="Token requests of Payments").click()
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="Accepted", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("link", name="Authenticated").click()
    expect(page.get_by_role("link", name=key.label)).to_be_visible()


@pytest.mark.parametrize("look", ["light", "phone"])
def test_axe_finds_nothing_and_nothing_overflows(
    sign_in: Any, payments: Client, key: ClientKey, cast: SimpleNamespace, look: str
) -> None:
    page = sign_in(cast.admin, look)
    url = reverse("token_requests", args=[payments.client_id])
    page.goto(url)
    check_accessible(page, look)

    def add_refused(numbers: range) -> None:
        for number in numbers:
            refuse(payments, number, kid="k" * 43, seen="s" * 200, expected="e" * 200)

    add_refused(range(3))
    accept(key, 60)
    refuse(None, 61, reason="client_unknown")
    for path in (
        f"{url}?only=refused",
        client_path(payments),
        *(reverse("token_request", args=[payments.client_id, reference_of(n)]) for n in (1, 60)),
        reverse("token_request_reference", args=[reference_of(61)]),
        reverse("console_refused"),
        f"{reverse('console_refused')}?q=nothing",
    ):
        page.goto(path)
        check_accessible(page, look)
    add_refused(range(3, 60))
    page.goto(url)
    check_accessible(page, look)
