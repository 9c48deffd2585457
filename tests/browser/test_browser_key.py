"""A key that is made in the browser: its private key reaches the file, and nothing else."""

from __future__ import annotations

import re
import subprocess
from base64 import b64encode
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from playwright.sync_api import Page, Request, expect
from pytest_django import Settings

from portal.registry.actions import begin_replacement
from portal.registry.endpoints import TOKEN_PATH
from portal.registry.models import Client, ClientKey, Replacement
from tests.assertions import claims_of, form_of, sign
from tests.browser.checks import check_accessible
from tests.keys import PrivateKey
from tests.paths import client_path
from tests.waiting import PATIENCE_S

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of a test
# The addresses at which the page keeps a file.
WATCH = """
    window.addresses = [];
    const {createObjectURL, revokeObjectURL} = URL;
    URL.createObjectURL = (blob) => addresses[addresses.push(createObjectURL(blob)) - 1];
    URL.revokeObjectURL = (url) => {
        revokeObjectURL(url);
        addresses = addresses.filter((each) => each !== url);
    };
"""
KEPT = """async () => JSON.stringify([
    {...localStorage}, {...sessionStorage}, document.cookie, history.state, location.href,
    await indexedDB.databases(), await caches.keys(), document.documentElement.outerHTML,
    [...document.querySelectorAll("input, textarea")].map((each) => each.value),
    Object.keys(window).map((name) => typeof window[name] === "string" ? window[name] : ""),
])"""


def opened(page: Page, client: Client) -> Page:
    page.add_init_script(WATCH)
    page.goto(f"{client_path(client)}#add-key")
    page.get_by_text("Make a key in this browser").click()
    expect(page.get_by_label("Kind of key")).to_be_visible()
    return page


def make(page: Page, kind: str, folder: Path, passphrase: str = "") -> Path:
    """Make a key of this algorithm; return its file."""
    page.get_by_label("Kind of key").select_option(kind)
    page.get_by_label("Passphrase (optional)").fill(passphrase)
    page.get_by_label("The passphrase again").fill(passphrase)
    with page.expect_download() as download:
        page.get_by_role("button", name="Make key").click()
    file = folder / download.value.suggested_filename
    download.value.save_as(file)
    return file


def secret_of(private: PrivateKey) -> bytes:
    """Return what makes the private key private, as it is written in PKCS#8."""
    if isinstance(private, rsa.RSAPrivateKey):
        number = private.private_numbers().p
    elif isinstance(private, ec.EllipticCurvePrivateKey):
        number = private.private_numbers().private_value
    else:
        return private.private_bytes_raw()
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def spellings(secret: bytes) -> list[str]:
    """Return the secret in hexadecimal, and in base64 after none, one or two other bytes."""
    whole = [b64encode(bytes(before) + secret).decode()[4:-4] for before in range(3)]
    return [secret.hex(), *whole, *(each.translate(URLSAFE) for each in whole)]


URLSAFE = str.maketrans("+/", "-_")


def written(requests_sent: list[Request]) -> str:
    return "\n".join(f"{each.url} {each.headers} {each.post_data}" for each in requests_sent)


@pytest.mark.parametrize(
    ("kind", "passphrase"),
    [
        ("PS256", ""),
        ("ES256", PASSPHRASE),
        ("EdDSA", ""),
        ("ML-DSA-44", ""),
        # They differ from ES256 in the curve.
        pytest.param("ES384", "", marks=pytest.mark.exhaustive),
        pytest.param("ES512", "", marks=pytest.mark.exhaustive),
    ],
)
def test_private_key_is_in_its_file_alone_and_signs_in(
    sign_in: Any,
    payments: Client,
    cast: SimpleNamespace,
    tmp_path: Path,
    settings: Settings,
    live_server: Any,
    kind: str,
    passphrase: str,
) -> None:
    page = opened(sign_in(cast.dev), payments)
    sent: list[Request] = []
    page.context.on("request", lambda request: sent.append(request))  # noqa: PLW0108 - it is marked
    length = page.evaluate("history.length")
    file = make(page, kind, tmp_path, passphrase)
    assert re.fullmatch(r"private_key_Payments_Key-1-[\w-]+_\d{4}-\d\d-\d\d\.pem", file.name)

    expect(page.locator("#inspection .notice-success")).to_be_visible()

    # Until somebody says that the file is there, the form is not sent.
    add = page.get_by_role("button", name="Add key", exact=True)
    add.click()
    expect(page.get_by_text("First save the private key.")).to_be_visible()
    assert not payments.keys.exists()
    kept = page.evaluate(KEPT)
    assert page.evaluate("addresses.length") == 1
    page.get_by_role("button", name="I have the file").click()
    expect(page.get_by_label("Label")).to_be_focused()
    assert page.evaluate("addresses") == []
    # A refused form comes back, and the page still knows the key.
    page.get_by_label("Label").fill("")
    add.click()
    expect(page.get_by_text("Enter a label")).to_be_visible()
    expect(page.get_by_text("The public key is in the form.")).to_be_visible()
    page.get_by_label("Label").fill("made here")
    add.click()
    confirm = page.get_by_role("button", name="Confirm now with the key in this page")
    expect(confirm).to_be_visible()
    kept += page.evaluate(KEPT)
    assert page.evaluate("history.length") == length
    confirm.click()
    expect(page.get_by_text("is confirmed: the private key")).to_be_visible()
    key = payments.keys.get()
    assert key.confirmed_by == cast.dev

    # openssl and cryptography open the file.
    pem = file.read_bytes()
    assert pem.startswith(b"-----BEGIN ENCRYPTED " if passphrase else b"-----BEGIN PRIVATE ")
    if not kind.startswith("ML-DSA"):  # which takes OpenSSL 3.5
        command = ["openssl", "pkey", "-in", str(file), "-passin", f"pass:{passphrase}", "-pubout"]
        assert subprocess.run(command, check=True, capture_output=True).stdout.decode() == key.pem
    private = load_pem_private_key(pem, passphrase.encode() or None)
    assert isinstance(private, PrivateKey)
    settings.PUBLIC_URL = live_server.url
    assertion = sign(private, kind, claims_of(payments.client_id, live_server.url))
    # The server's thread keeps a connection to the database for as long as this one is open.
    answer = requests.post(
        f"{live_server.url}/{TOKEN_PATH}",
        data=form_of(assertion),
        headers={"Connection": "close"},
        timeout=PATIENCE_S,
    )
    assert answer.status_code == 200, answer.text

    everywhere = written(sent) + kept + page.evaluate(KEPT)
    assert key.pem.split("\n")[1] in everywhere  # so this looks at the right places
    secrets = [
        *spellings(secret_of(private)),
        "PRIVATE KEY-----",
        PASSPHRASE,
        *pem.decode().split("\n")[2:-2],
    ]
    assert not [each for each in secrets if each in everywhere]


def test_key_that_is_to_replace_another_is_confirmed_in_this_page_too(
    sign_in: Any, key: ClientKey, cast: SimpleNamespace, tmp_path: Path
) -> None:
    begin_replacement(key, by=cast.dev)
    page = opened(sign_in(cast.dev), key.client)
    make(page, "ES256", tmp_path)
    page.get_by_role("button", name="I have the file").click()
    page.get_by_role("button", name="Add key", exact=True).click()
    expect(page.get_by_role("link", name="Go on with the replacement")).to_be_visible()
    page.get_by_role("button", name="Confirm now with the key in this page").click()
    expect(page.get_by_text("is confirmed: the private key")).to_be_visible()
    new = Replacement.objects.get().new
    assert new
    assert new.confirmed_by == cast.dev


def test_key_is_discarded_and_without_web_cryptography_there_are_the_commands(
    sign_in: Any, payments: Client, cast: SimpleNamespace, tmp_path: Path
) -> None:
    page = opened(sign_in(cast.dev), payments)
    page.get_by_label("Passphrase (optional)").fill(PASSPHRASE)
    page.get_by_role("button", name="Make key").click()
    invalid = "input => input.validationMessage"
    again = page.get_by_label("The passphrase again")
    assert again.evaluate(invalid) == "The two passphrases differ."
    make(page, "EdDSA", tmp_path)
    material = page.get_by_role("textbox", name="Public key")
    expect(material).not_to_be_empty()
    page.get_by_role("button", name="Discard this key").click()
    expect(material).to_be_empty()
    assert page.evaluate("addresses") == []
    expect(page.get_by_label("Kind of key")).to_be_focused()

    page.add_init_script(
        "delete SubtleCrypto.prototype.generateKey; delete Crypto.prototype.subtle;"
    )
    page.reload()
    page.get_by_text("Make a key in this browser").click()
    expect(page.get_by_text("This takes JavaScript, an address with https")).to_be_visible()
    expect(page.get_by_label("Kind of key")).to_be_hidden()


@pytest.mark.parametrize("look", ["light", "phone"])
def test_axe_finds_nothing_while_a_key_is_made(
    sign_in: Any, payments: Client, cast: SimpleNamespace, tmp_path: Path, look: str
) -> None:
    page = opened(sign_in(cast.dev, look), payments)
    check_accessible(page, look)
    make(page, "EdDSA", tmp_path)
    expect(page.get_by_text("Ed25519 public key: EdDSA")).to_be_visible()
    check_accessible(page, look)
    page.get_by_role("button", name="I have the file").click()
    expect(page.get_by_text("The public key is in the form.")).to_be_visible()
    check_accessible(page, look)
