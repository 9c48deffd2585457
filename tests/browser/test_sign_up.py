"""Signing up and adding an address: enter the code from the e-mail."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from tests.browser.checks import check_accessible
from tests.db.mailed import delivered

PASSWORD = "correct horse battery"  # noqa: S105 - of the cast


def code() -> str:
    found = re.search(r"^[A-Z]{4}-[A-Z]{4}$", str(delivered()[-1].body), re.MULTILINE)
    assert found
    return found[0]


@pytest.mark.parametrize("look", ["light", "phone"])
def test_a_new_person_types_the_code(sign_in: Any, look: str) -> None:
    page = sign_in(None, look)
    page.goto("/account/signup/")
    page.get_by_label("Email").fill("new@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password (again)").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    check_accessible(page, look)
    page.get_by_label("Code").fill("BBBB-BBBB")
    page.get_by_role("button", name="Confirm").click()
    assert page.get_by_text("This is not the code that we sent.").is_visible()
    check_accessible(page, look)
    page.get_by_label("Code").fill(code())
    page.get_by_role("button", name="Confirm").click()
    assert page.get_by_text("You are signed in as new@example.com.").is_visible()


def test_a_person_adds_an_address(sign_in: Any, cast: SimpleNamespace) -> None:
    page = sign_in(cast.dev)
    page.goto("/account/email/")
    page.get_by_label("Email").fill("dev2@example.com")
    page.get_by_role("button", name="Add").click()
    check_accessible(page)
    page.get_by_label("Code").fill(code())
    page.get_by_role("button", name="Confirm").click()
    page.goto("/account/email/")
    assert page.get_by_label("dev2@example.com").is_visible()
