"""Keys in other forms than PEM, in a browser: a file that is no text, and one of several keys."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.registry.models import Client, ClientKey
from tests.browser.checks import check_accessible
from tests.cases.read_forms import FOLDER, FORMS
from tests.keys import new_private_key, public_pem
from tests.paths import client_path, key_path


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


@pytest.mark.parametrize("look", ["light", "phone"])
def test_one_of_three_keys_is_chosen(
    payments: Client, cast: SimpleNamespace, sign_in: Any, look: str
) -> None:
    page = given(sign_in(cast.dev, look), payments, "jwks_of_three.json")
    expect(page.get_by_text("This contains 3 keys.")).to_be_visible()
    check_accessible(page, look)
    page.get_by_label("kid “b”").check()
    expect(page.get_by_text("P-256 public key: ES256")).to_be_visible()
    expect(page.get_by_label("kid “b”")).to_be_checked()
    check_accessible(page, look)
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


def test_text_of_a_chosen_or_dropped_file(
    payments: Client, cast: SimpleNamespace, sign_in: Any, tmp_path: Path
) -> None:
    page = sign_in(cast.dev)
    page.goto(client_path(payments))
    pem = public_pem(new_private_key())
    (tmp_path / "public_key.pem").write_text(pem)
    chosen = page.get_by_label("Or choose a file")
    chosen.set_input_files(tmp_path / "public_key.pem")
    expect(page.get_by_role("textbox", name="Public key")).to_have_value(pem)
    # The browser names the file, which is not sent beside the text.
    assert chosen.evaluate("input => input.files[0].name") == "public_key.pem"
    expect(page.get_by_label("Label")).to_have_value("public_key")
    expect(page.get_by_label("Algorithm")).to_have_value("EdDSA")
    page.get_by_label("Label").fill("mine")
    page.get_by_role("button", name="Add key", exact=True).click()
    expect(page.get_by_text("“mine” is live")).to_be_visible()

    # The form is folded now. A drop beside it opens it.
    dropped = page.evaluate_handle(
        """text => {
            const data = new DataTransfer();
            data.items.add(new File([text], "dropped.pem"));
            return data;
        }""",
        public_pem(new_private_key()),
    )
    for event in ("dragover", "drop"):
        page.dispatch_event("h1", event, {"dataTransfer": dropped})
    expect(page.get_by_text("Ed25519 public key: EdDSA")).to_be_visible()
    expect(page.get_by_label("Label")).to_have_value("dropped")
    # Text that a person then changes is no longer the file's.
    page.get_by_role("textbox", name="Public key").fill("")
    assert chosen.evaluate("input => [input.files.length, input.name]") == [0, "file"]
    (tmp_path / "empty.pem").write_text("")
    chosen.set_input_files(tmp_path / "empty.pem")
    expect(page.get_by_text("This file is empty.")).to_be_visible()


def test_times_have_the_time_of_the_user_as_a_hint(
    payments: Client, key: ClientKey, cast: SimpleNamespace, sign_in: Any
) -> None:
    page = sign_in(cast.dev, locale="en-GB", timezone_id="Asia/Tokyo")
    page.goto(key_path(key))
    hint = page.locator("dd time").first.get_attribute("title")
    assert re.fullmatch(r"Your time: \d+ \w+ \d{4}, \d\d:\d\d:\d\d (JST|GMT\+9)", hint)
