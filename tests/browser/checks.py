"""What is asked of a page in the browser, whoever looks at it."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_AXE = Axe()


def check_accessible(page: Page) -> None:
    """Assert that axe finds nothing, and that nothing sticks out sideways."""
    # axe is put into the page by the debugger, which the CSP does not hinder.
    found = _AXE.run(page)
    assert found.violations_count == 0, found.generate_report()
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert over <= 0, f"{page.url} is {over}px wider than the screen"
