"""A real browser at a real server, watched: every error in its console fails the test.

Chromium is Debian's, found on PATH; without it every test here fails.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from portal.accounts.models import User
from tests.db.conftest import cast, key, other, payments, snapshots, steps
from tests.triggers import flush_past_the_triggers
from tests.waiting import PATIENCE_S

__all__ = [
    "cast",
    "flush_past_the_triggers",
    "key",
    "other",
    "payments",
    "snapshots",
    "steps",
]

# Playwright keeps an event loop in this thread, which Django takes for an asynchronous caller.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

# What never comes takes this long; what is slow on a busy machine does not.
expect.set_options(timeout=PATIENCE_S * 1000)

SignIn = Callable[..., Page]
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 800}},
    "dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Where Chromium is, and that root runs it without its sandbox."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "Chromium is missing: apt-get install chromium"
    return {
        "executable_path": found,
        "args": ["--no-sandbox"] if os.geteuid() == 0 else [],
    }


@pytest.fixture(autouse=True)
def _fresh(transactional_db: None) -> None:
    """Tables are empty when a test begins, as the server's thread uses them too."""


@pytest.fixture
def sign_in(browser: Browser, live_server: Any) -> Iterator[SignIn]:
    """A function that gives a page with somebody signed in, or nobody: `sign_in(person, "dark")`.

    Further arguments go to the browser's context, such as `java_script_enabled=False`. What the
    browser complains about, a violated CSP among it, fails the test in the end.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def complain(message: ConsoleMessage) -> None:
        # A refused form is answered with 422, which the browser writes down as a failed load.
        if message.type in {"error", "warning"} and "status of 4" not in message.text:
            complaints.append(message.text)

    def open_page(person: User | None, look: str = "light", **options: Any) -> Page:
        context = browser.new_context(
            base_url=live_server.url, reduced_motion="reduce", **LOOKS[look], **options
        )
        contexts.append(context)
        context.on("console", complain)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        if person:
            cookie = {"name": "sessionid", "value": _session(person), "url": live_server.url}
            context.add_cookies([cookie])  # type: ignore[list-item]  # a TypedDict all right
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


def _session(person: User) -> str:
    """Return the key of a session in which the person is signed in."""
    store = SessionStore()
    store[SESSION_KEY] = str(person.pk)
    store[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    store[HASH_SESSION_KEY] = person.get_session_auth_hash()
    store.create()
    assert store.session_key
    return store.session_key
