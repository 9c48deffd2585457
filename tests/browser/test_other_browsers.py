"""The developer's story in Firefox and in WebKit, where other tests use Chromium."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from portal.registry.models import BlockedKey, Client
from tests.keys import new_private_key, private_pem, public_pem
from tests.webdriver import Page, firefox, webkit

PASSWORD = "correct horse battery"  # noqa: S105 - of the cast
PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of a test
PASTED = "//textarea[@name='material']"


def text(words: str) -> str:
    """Return the XPath of the elements that contain this text themselves."""
    return f'//*[text()[contains(., "{words}")]]'


def button(name: str) -> str:
    """Return the XPath of the buttons and links of this name in the page's content."""
    return f'//main//*[self::button or self::a][normalize-space()="{name}"]'


@pytest.mark.parametrize("browser_of", [firefox, webkit])
def test_from_sign_in_to_revocation_and_to_a_key_made_here(
    browser_of: Callable[[Path], AbstractContextManager[Page]],
    live_server: Any,
    payments: Client,
    tmp_path: Path,
) -> None:
    private = new_private_key("EdDSA")
    pem = private_pem(private)
    with browser_of(tmp_path) as page:
        page.goto(live_server.url)
        page.fill("//input[@name='login']", "dev@example.com")
        page.fill("//input[@name='password']", PASSWORD)
        page.click(button("Sign in"))

        # The private key is stopped, and is not sent.
        page.fill(PASTED, pem)
        page.wait_for(text("This is a private key. It was not sent."))
        assert page.value(PASTED) == ""

        # The public key is looked at while the form is open, then added.
        page.fill(PASTED, public_pem(private))
        page.wait_for(text("Ed25519 public key: EdDSA"))
        page.fill("//input[@name='label']", "laptop")
        page.click(button("Add key"))
        page.wait_for(text("“laptop” is live"))

        page.click(button("laptop"))
        page.click(button("Revoke"))
        page.click('//label[contains(., "Compromised")]')
        page.fill("//input[@name='confirmation']", payments.name)  # it is the only live key
        page.click(button("Revoke key"))
        page.wait_for("//h1" + text("Revoked"))

        # A key that the browser makes is confirmed there, and is in a file.
        page.goto(live_server.url)
        page.click('//summary[contains(., "Make a key in this browser")]')
        page.fill("//input[@id='make-passphrase']", PASSPHRASE)
        page.fill("//input[@id='make-again']", PASSPHRASE)
        page.click(button("Make key and save its file"))
        page.wait_for(text("RSA public key, 3072 bits"))
        page.click(button("I have the file"))
        page.click(button("Add key"))
        page.click(button("Confirm now with the key in this page"))
        page.wait_for(text("is confirmed: the private key"))
    assert payments.keys.get(label="laptop").revocation_reason == "compromised"
    [file] = tmp_path.rglob("private_key_*.pem")
    made = load_pem_private_key(file.read_bytes(), PASSPHRASE.encode())
    assert isinstance(made, rsa.RSAPrivateKey)
    assert payments.keys.get(confirmed_at__isnull=False).pem == public_pem(made)
    # The server blocks each private key that it sees.
    assert not BlockedKey.objects.exists()
