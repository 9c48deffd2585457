"""What every page must satisfy in the browser, for every user."""

from __future__ import annotations

import os
from typing import Final

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_SCRIPT: Final = Axe().axe_script
# Without the long lists of what is right, which would be written as JSON and read.
_RUN: Final = """options => axe.run(options).then(
    results => ({...results, passes: [], incomplete: [], inapplicable: []})
)"""

RULES: Final = {"dark": ["color-contrast"], "phone": ["scrollable-region-focusable"]}
"""The rules of axe whose outcome depends on colours or on the width of the screen.

A page that is light already passes all others. `make test-all` sets ALL_RULES and asks all rules
everywhere, which takes most of the time of these tests.
"""


def check_accessible(page: Page, look: str | None = None) -> None:
    """Assert that axe finds nothing, and that nothing sticks out sideways.

    "light" is for a page of every look: the colours of a dark screen are checked in the same page.
    With "phone" axe checks only the rules that such a look changes.
    """
    _check_rules(page, look)
    if look == "light":
        page.emulate_media(color_scheme="dark")
        _check_rules(page, "dark")
        page.emulate_media(color_scheme="light")
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, f"{page.url} is {over}px wider than the screen"


def _check_rules(page: Page, look: str | None) -> None:
    options: dict[str, object] = {"resultTypes": ["violations"]}
    if look in RULES and not os.environ.get("ALL_RULES"):
        options["runOnly"] = RULES[look]
    if not page.evaluate("'axe' in window"):
        # axe is put into the page by the debugger, which the CSP does not hinder.
        page.evaluate(_SCRIPT)
    found = AxeResults(page.evaluate(_RUN, options))
    assert found.violations_count == 0, found.generate_report()
