"""The programs that sign in with a key, in the browser."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import expect

from portal.registry.models import ClientKey
from portal.web.keys.key_stores import FILE
from portal.web.keys.snippets import LANGUAGES
from tests.browser.checks import check_accessible
from tests.paths import key_path


@pytest.mark.parametrize("java_script", [True, False])
def test_a_tab_leads_to_its_program_and_the_browser_leads_back(
    *, sign_in: Any, key: ClientKey, cast: SimpleNamespace, java_script: bool
) -> None:
    page = sign_in(cast.viewer, java_script_enabled=java_script)
    page.goto(f"{key_path(key)}snippets/")
    page.get_by_role("link", name="Shell openssl").click()
    page.wait_for_url("**/snippets/?language=shell")
    expect(page.get_by_role("heading", name="Shell with openssl")).to_be_visible()
    expect(page.locator("[aria-current=page]")).to_contain_text("Shell")
    if java_script:
        expect(page.locator("#language-shell")).to_be_focused()
    page.go_back()
    expect(page.get_by_role("heading", name="Python with PyJWT")).to_be_visible()


@pytest.mark.parametrize("look", ["light", "phone"])
def test_axe_finds_nothing_in_any_language(
    sign_in: Any, key: ClientKey, cast: SimpleNamespace, look: str
) -> None:
    page = sign_in(cast.viewer, look)
    # The shell programs for key services differ only in the program.
    for language in [*(name for name, each in LANGUAGES.items() if each.store == FILE), "aws-kms"]:
        page.goto(f"{key_path(key)}snippets/?language={language}")
        check_accessible(page, look)
