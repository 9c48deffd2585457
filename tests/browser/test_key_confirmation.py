"""A key is confirmed with the very commands that the page shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django import Settings

from portal.core.algorithms import ALGORITHMS, PUBLIC_HALF
from portal.registry.models import Client, ClientKey
from portal.web.keys.file_names import files_of_next_key
from tests.browser.checks import check_accessible
from tests.paths import client_path
from tests.registering import register_pem


def run(command: str, folder: Path) -> str:
    """Run a command in a shell, in the folder, with the Python of the tests."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(  # noqa: S602 - what the page tells people to run
        command,
        shell=True,
        check=True,
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PATH": path},
    )
    return done.stdout


def made(payments: Client, cast: SimpleNamespace, alg: str, folder: Path) -> ClientKey:
    """Register a key that openssl has made in the folder."""
    files = files_of_next_key(payments)
    run(files.put_into(f"{ALGORITHMS[alg].generate} && {PUBLIC_HALF}"), folder)
    pem = (folder / files.public).read_text()
    return register_pem(payments, material=pem, alg=alg, label="Made", by=cast.dev)


WAYS = [
    (alg, way, scripts)
    for alg in ("PS256", "ES256", "EdDSA")
    for way in ("Python", "openssl")
    for scripts in (True, False)
]
# A command depends on the algorithm and the way, and its field only on JavaScript. So this is
# each of the six commands once, and each way with JavaScript and without.
CHOSEN = {
    ("PS256", "Python", True),
    ("PS256", "openssl", False),
    ("ES256", "Python", False),
    ("ES256", "openssl", True),
    ("EdDSA", "Python", True),
    ("EdDSA", "openssl", False),
}


@pytest.mark.parametrize(
    ("alg", "way", "scripts"),
    [pytest.param(*each, marks=[] if each in CHOSEN else pytest.mark.exhaustive) for each in WAYS],
)
def test_the_command_on_the_page_confirms_the_key(
    sign_in: Any,
    payments: Client,
    cast: SimpleNamespace,
    tmp_path: Path,
    settings: Settings,
    live_server: Any,
    *,
    alg: str,
    way: str,
    scripts: bool,
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    key = made(payments, cast, alg, tmp_path)
    page: Page = sign_in(cast.dev, java_script_enabled=scripts)
    page.goto(client_path(payments))
    page.get_by_role("link", name="sign to confirm").click()
    if way == "openssl":
        page.get_by_text("Shell with openssl").click()
    command = page.get_by_label(f"The {way} command", exact=True).inner_text()
    page.get_by_label("What the command printed").fill(run(command, tmp_path))
    page.get_by_role("button", name="Confirm key").click()
    expect(page.get_by_text("“Made” is confirmed")).to_be_visible()
    expect(page.locator("h1 .status")).to_have_text("Active")
    key.refresh_from_db()
    assert key.confirmed_by == cast.dev


@pytest.mark.parametrize("look", ["light", "phone"])
def test_the_page_reads_well_before_and_after_a_mistake(
    sign_in: Any, key: ClientKey, cast: SimpleNamespace, look: str
) -> None:
    page: Page = sign_in(cast.dev, look)
    page.goto(reverse("key_confirmation", args=[key.client.client_id, key.kid]))
    page.get_by_text("Shell with openssl").click()
    page.get_by_text("Header and claims, for another program").click()
    check_accessible(page, look)
    page.get_by_label("What the command printed").fill("e30.e30.AAAA")
    page.get_by_role("button", name="Confirm key").click()
    expect(page.get_by_text("Not confirmed")).to_be_in_viewport()
    page.get_by_text("All checks", exact=True).click()
    check_accessible(page, look)
