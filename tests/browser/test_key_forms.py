"""Keys in other forms than PEM, in a browser: a file that is no text, and one of several keys."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.registry.models import Client, ClientKey
from tests.browser.checks import check_accessible
from tests.cases.read_forms import FOLDER, FORMS
from tests.paths import client_path


def given(page: Page, payments: Client, file: str) -> Page:
    """Choose the file in the client's form for a key."""
    page.goto(client_path(payments))
    page.get_by_label("Or choose a file").set_input_files(FOLDER / file)
    return page


def add(page: Page, label: str) -> None:
    page.get_by_label("Label").fill(label)
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text(f"“{label}” is")).to_be_visible()


def test_der_file_is_added(payments: Client, cast: SimpleNamespace, sign_in: Any) -> None:
    page = given(sign_in(cast.dev), payments, "spki_p256.der")
    expect(page.get_by_text("Read from DER.")).to_be_visible()
    add(page, "from a file")
    form = next(form for form in FORMS if form.file == "spki_p256.der")
    assert ClientKey.objects.get(label="from a file").spki_sha256 == form.spki_sha256


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_one_of_three_keys_is_chosen(
    payments: Client, cast: SimpleNamespace, sign_in: Any, look: str
) -> None:
    page = given(sign_in(cast.dev, look), payments, "jwks_of_three.json")
    expect(page.get_by_text("This contains 3 keys.")).to_be_visible()
    check_accessible(page)
    page.get_by_label("kid “b”").check()
    expect(page.get_by_text("P-256 public key: ES256")).to_be_visible()
    expect(page.get_by_label("kid “b”")).to_be_checked()
    check_accessible(page)
    add(page, "the second")
    assert ClientKey.objects.get(label="the second").alg == "ES256"


def test_one_of_three_keys_is_chosen_without_java_script(
    payments: Client, cast: SimpleNamespace, sign_in: Any
) -> None:
    page = sign_in(cast.dev, java_script_enabled=False)
    page.goto(client_path(payments))
    page.get_by_label("Public key", exact=True).fill((FOLDER / "jwks_of_three.json").read_text())
    page.get_by_role("button", name="Check it first").click()
    page.get_by_label("kid “c”").check()
    page.get_by_label("Label").fill("the third")
    page.get_by_label("Algorithm").select_option("EdDSA")
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text("“the third” is")).to_be_visible()
    assert ClientKey.objects.get(label="the third").curve == "Ed25519"
