"""The whole story of a developer, with JavaScript and without."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.core.algorithms import ALGORITHMS, PUBLIC_HALF
from portal.registry.models import Client, ClientKey
from tests.browser.checks import check_accessible
from tests.paths import client_path

PASSWORD = "correct horse battery"  # noqa: S105 - of the cast


def make_key_pair(folder: Path, alg: str) -> Path:
    """Run the very commands that the page shows; return the folder with both halves."""
    folder.mkdir()
    for command in (ALGORITHMS[alg].generate, PUBLIC_HALF):
        subprocess.run(command, shell=True, check=True, cwd=folder, capture_output=True)  # noqa: S602
    return folder


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_from_sign_in_to_revocation(
    sign_in: Any, payments: Client, tmp_path: Path, *, scripts: bool
) -> None:
    page: Page = sign_in(None, java_script_enabled=scripts)
    page.goto("/")
    page.get_by_label("Email").fill("dev@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Payments", level=1)).to_be_visible()

    # A file, made by openssl a moment ago
    rsa = make_key_pair(tmp_path / "rsa", "PS256")
    page.get_by_label("Or choose a file").set_input_files(rsa / "public_key.pem")
    if scripts:
        seen = page.get_by_text("RSA public key, 3072 bits: PS256, PS384 or PS512")
        expect(seen).to_be_visible()
        expect(page.get_by_label("Algorithm")).to_have_value("PS256")
    else:
        page.get_by_label("Algorithm").select_option("PS256")
    page.get_by_label("Label").fill("production")
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text("“production” is live")).to_be_in_viewport()
    assert payments.keys.get().alg == "PS256"

    # A second one, pasted
    ed = make_key_pair(tmp_path / "ed", "EdDSA")
    page.locator("details.add > summary").click()
    page.get_by_role("textbox", name="Public key").fill((ed / "public_key.pem").read_text())
    if scripts:
        expect(page.get_by_text("Ed25519 public key: EdDSA")).to_be_visible()
    else:
        page.get_by_role("button", name="Check it first").click()
        expect(page.get_by_text("Ed25519 public key: EdDSA")).to_be_visible()
    page.get_by_label("Label").fill("laptop")
    page.get_by_role("button", name="Add key").click()
    expect(
        page.get_by_text("Without a kid in the assertion's header, this portal tries each of them")
    ).to_be_visible()
    expect(page.get_by_text("2 of 10 keys")).to_be_visible()

    # Look at it, let it retire, keep it, revoke it
    page.get_by_role("link", name="laptop", exact=True).click()
    kid = payments.keys.get(label="laptop").kid
    expect(page.locator("dd code").first).to_have_text(kid)
    page.get_by_role("link", name="Retire").click()
    page.get_by_label("In 24 hours").check()
    page.get_by_role("button", name="Retire key").click()
    expect(page.locator("h1 .status")).to_have_text("Retiring")
    page.get_by_role("button", name="Keep this key").click()
    expect(page.locator("h1 .status")).to_have_text("Active")
    page.get_by_role("link", name="Revoke").click()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("Choose a reason.")).to_be_visible()
    page.get_by_label("Compromised").check()
    page.get_by_label("Note").fill("Laptop lost.")
    page.get_by_role("button", name="Revoke key").click()
    expect(page.locator("h1 .status")).to_have_text("Revoked")
    assert payments.keys.get(label="laptop").revocation_note == "Laptop lost."


def test_a_wrong_key_shows_what_to_do_and_loses_nothing(
    sign_in: Any, payments: Client, cast: SimpleNamespace, tmp_path: Path
) -> None:
    page: Page = sign_in(cast.dev)
    page.goto(client_path(payments))
    make_key_pair(tmp_path / "short", "PS256")
    command = "openssl genrsa 1024 | openssl rsa -pubout"
    made = subprocess.run(command, shell=True, check=True, capture_output=True, text=True)  # noqa: S602
    page.get_by_label("Label").fill("old one")
    page.get_by_role("textbox", name="Public key").fill(made.stdout)
    expect(page.get_by_text("This is an RSA key of 1024 bits.")).to_be_visible()
    check_accessible(page)
    expect(page.get_by_label("Label")).to_have_value("old one")
    page.get_by_label("Algorithm").select_option("PS256")
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text("This is an RSA key of 1024 bits.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Public key")).to_have_value(made.stdout)
    expect(page.get_by_label("Label")).to_have_value("old one")
    assert not payments.keys.exists()


def test_the_keyboard_alone_registers_a_key(
    sign_in: Any, payments: Client, key: ClientKey, cast: SimpleNamespace, tmp_path: Path
) -> None:
    page: Page = sign_in(cast.dev, "phone")
    page.goto(client_path(payments))
    pem = (make_key_pair(tmp_path / "ed", "EdDSA") / "public_key.pem").read_text()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")

    def tab_to(name: str, most: int = 60) -> None:
        for _ in range(most):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.name || document.activeElement.type") == name:
                return
            if page.locator("details.add:not([open]) > summary:focus").count():
                page.keyboard.press("Enter")
        raise AssertionError(name)

    # The links of the page's head, and the button that opens the form: no key comes before it.
    tab_to("material", most=10)
    page.keyboard.insert_text(pem)
    expect(page.get_by_text("Ed25519 public key: EdDSA")).to_be_visible()
    tab_to("label")
    page.keyboard.press("Control+A")
    page.keyboard.type("by keyboard")
    tab_to("submit")
    page.keyboard.press("Enter")
    expect(page.get_by_text("“by keyboard” is live")).to_be_visible()
    assert payments.keys.latest("pk").label == "by keyboard"


def test_copying_gives_the_whole_value_and_says_so(
    sign_in: Any, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    page: Page = sign_in(cast.dev, permissions=["clipboard-read", "clipboard-write"])
    page.goto(client_path(payments))
    page.get_by_role("button", name="Copy the kid of “First”").click()
    assert page.evaluate("navigator.clipboard.readText()") == key.kid
    expect(page.locator("#announcement")).to_have_text("Copied")
