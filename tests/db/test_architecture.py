"""Real requests enter the files that docs/architecture.md lists, in that order."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Final

import pytest
from django.test import Client as Browser
from django.urls import get_resolver, reverse

from portal.registry.models import Client, ClientKey
from tests.db.oauth.token_requests import new_signer
from tests.db.publishing.conftest import kids
from tests.keys import new_private_key, public_pem

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def listed(title: str) -> list[str]:
    """Return the files of the numbered list below the heading."""
    section = DOCUMENT.split(f"\n### {title}\n")[1].split("\n#")[0]
    return re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE)


@contextmanager
def entered() -> Iterator[dict[str, None]]:
    """Collect the files of the portal whose functions are called, in the order of first calls."""
    files: dict[str, None] = {}
    get_resolver().url_patterns  # noqa: B018 - imports what the first request would import

    def note(frame: FrameType, event: str, _argument: object) -> None:
        name = frame.f_code.co_filename
        if event == "call" and name.startswith(f"{ROOT}/portal/"):
            files.setdefault(name.removeprefix(f"{ROOT}/"))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(before)


def check_path(title: str, files: dict[str, None]) -> None:
    """Check that the list has at least five files, and that the request entered them in order."""
    expected = listed(title)
    assert len(expected) > 4
    assert [each for each in files if each in expected] == expected


def test_path_of_a_key(payments: Client, browser_of: Callable[[str], Browser]) -> None:
    form = {"material": public_pem(new_private_key("ES256")), "alg": "ES256", "label": "New"}
    browser = browser_of("dev")
    with entered() as files:
        browser.post(reverse("key_register", args=[payments.client_id]), form)
    assert payments.keys.filter(label="New").exists()
    check_path("The path of a key", files)


def test_path_of_an_assertion(payments: Client, cast: SimpleNamespace) -> None:
    signer = new_signer(payments, cast.dev)
    with entered() as files:
        response = signer.ask()
    assert response.status_code == 200
    check_path("The path of an assertion", files)


def test_path_of_a_revocation(
    payments: Client, key: ClientKey, browser_of: Callable[[str], Browser]
) -> None:
    form = {"reason": "compromised", "confirmation": payments.name}
    browser, anybody = browser_of("dev"), Browser()
    jwks = reverse("jwks", args=[payments.client_id])
    assert key.kid in kids(anybody.get(jwks))
    with entered() as files:
        browser.post(reverse("key_revocation", args=[payments.client_id, key.kid]), form)
        response = anybody.get(jwks)
    assert key.kid not in kids(response)
    check_path("The path of a revocation", files)


@pytest.mark.usefixtures("key")
def test_path_of_a_search(payments: Client, browser_of: Callable[[str], Browser]) -> None:
    browser = browser_of("admin")
    with entered() as files:
        response = browser.post(reverse("console_keys"), {"q": payments.name}, follow=True)
    assert payments.name in response.content.decode()
    check_path("The path of a search", files)
