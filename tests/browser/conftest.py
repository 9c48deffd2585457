"""Fixtures for a real browser and server. Every error in the browser console fails the test.

Without Chromium every test here fails.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from portal.accounts.models import User
from tests.chromium import launch_options
from tests.db.conftest import cast, key, other, payments, snapshots, steps
from tests.sessions import session_of
from tests.triggers import flush_past_the_triggers
from tests.waiting import PATIENCE_S, wait_until

__all__ = [
    "cast",
    "flush_past_the_triggers",
    "key",
    "other",
    "payments",
    "snapshots",
    "steps",
]

# Playwright runs an event loop in this thread, so Django assumes an asynchronous caller.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# Long enough for a busy machine; only what never appears takes this long.
expect.set_options(timeout=PATIENCE_S * 1000)

SignIn = Callable[..., Page]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """The Chromium that is installed, in place of Playwright's own."""
    return launch_options()


class Running:
    """Counts the requests that the server's threads are answering."""

    def __init__(self) -> None:
        self.number = 0
        self._lock = Lock()

    def begin(self, **_: object) -> None:
        with self._lock:
            self.number += 1

    def end(self, **_: object) -> None:
        with self._lock:
            self.number -= 1


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """The requests of all tests."""
    running = Running()
    request_started.connect(running.begin)
    request_finished.connect(running.end)
    yield running
    request_started.disconnect(running.begin)
    request_finished.disconnect(running.end)


@pytest.fixture(autouse=True)
def _fresh(transactional_db: None, running: Running) -> Iterator[None]:
    """Start each test with empty tables, which the server's thread also uses.

    A page that is closed may have asked for something. Emptying the tables beside that request
    could end one of the two, as a deadlock.
    """
    yield
    wait_until(lambda: running.number == 0, "The server does not finish a request.")


@pytest.fixture
def tolerated() -> list[str]:
    """What a test expects among the errors of the browser: add parts of their texts."""
    # A refused form gets 422, which the browser logs as a failed load.
    return ["status of 4"]


@pytest.fixture
def sign_in(browser: Browser, live_server: Any, tolerated: list[str]) -> Iterator[SignIn]:
    """A function that returns a page, signed in as a user or as nobody: `sign_in(person, "phone")`.

    Further arguments go to the browser's context, such as `java_script_enabled=False`. Errors and
    warnings of the browser, such as a CSP violation, fail the test at its end.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        known = any(part in message.text for part in tolerated)
        if message.type in {"error", "warning"} and not known:
            complaints.append(message.text)

    def open_page(person: User | None, look: str = "light", **options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server.url, reduced_motion="reduce", **LOOKS[look], **options
        )
        contexts.append(context)
        context.on("console", complain)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        if person:
            cookie = {"name": "sessionid", "value": session_of(person), "url": live_server.url}
            context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict all right
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints
