"""A private key never leaves the browser; where scripts are off, the server stops it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from playwright.sync_api import Page, Request, expect

from portal.registry.models import BlockedKey, Client
from tests.browser.checks import check_accessible
from tests.keys import new_private_key

WARNING = "This is a private key, so nothing was sent."
_PASSWORD = BestAvailableEncryption(b"secret")
_PLAIN = NoEncryption()


def _made(
    encoding: Encoding, form: PrivateFormat, *, locked: bool = False, alg: str = "ES256"
) -> bytes:
    return new_private_key(alg).private_bytes(encoding, form, _PASSWORD if locked else _PLAIN)


PRIVATE: dict[str, Callable[[], bytes]] = {
    "PKCS#8": lambda: _made(Encoding.PEM, PrivateFormat.PKCS8),
    "PKCS#8, encrypted": lambda: _made(Encoding.PEM, PrivateFormat.PKCS8, locked=True),
    "PKCS#1": lambda: _made(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, alg="PS256"),
    "SEC1": lambda: _made(Encoding.PEM, PrivateFormat.TraditionalOpenSSL),
    "OpenSSH": lambda: _made(Encoding.PEM, PrivateFormat.OpenSSH),
    "PKCS#8 without its lines": lambda: b"".join(
        _made(Encoding.PEM, PrivateFormat.PKCS8).splitlines()[1:-1]
    ),
    "JWK": lambda: json.dumps({"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}).encode(),
    "JWKS": lambda: json.dumps({"keys": [{"kty": "oct", "k": "AA"}]}).encode(),
    "half a JWK": lambda: b'{"kty": "EC", "d": "AA", ',
    "PuTTY": lambda: b"PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA\n",
}
BINARY: dict[str, Callable[[], bytes]] = {
    "PKCS#8": lambda: _made(Encoding.DER, PrivateFormat.PKCS8),
    "PKCS#8, encrypted": lambda: _made(Encoding.DER, PrivateFormat.PKCS8, locked=True),
    "PKCS#1": lambda: _made(Encoding.DER, PrivateFormat.TraditionalOpenSSL, alg="PS256"),
    "SEC1": lambda: _made(Encoding.DER, PrivateFormat.TraditionalOpenSSL),
    "PKCS#12": lambda: pkcs12.serialize_key_and_certificates(
        b"key", new_private_key("ES256"), None, None, _PASSWORD
    ),
}


def watch(page: Page) -> list[str]:
    """Return the list into which every request from now on is written, but for the page's icon."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if not request.url.endswith("/static/portal/icon.svg"):
            sent.append(f"{request.method} {request.url}")

    page.on("request", note)
    return sent


@pytest.fixture
def page(sign_in: Any, payments: Client, cast: SimpleNamespace) -> Page:
    """The Settings page, with dev signed in."""
    opened: Page = sign_in(cast.dev)
    opened.goto(payments.get_absolute_url())
    return opened


def test_a_pasted_private_key_is_stopped_and_nothing_is_sent(page: Page) -> None:
    sent = watch(page)
    area = page.get_by_role("textbox", name="Public key")
    for kind, make in PRIVATE.items():
        page.reload()
        sent.clear()
        area.fill(make().decode())
        expect(page.get_by_text(WARNING)).to_be_visible()
        expect(area).to_have_value("")
        page.wait_for_timeout(500)
        assert (kind, sent) == (kind, [])
    check_accessible(page)


def test_a_chosen_private_key_is_stopped_and_nothing_is_sent(page: Page, tmp_path: Path) -> None:
    sent = watch(page)
    chooser = page.get_by_label("Or choose a file")
    for make in (PRIVATE["PKCS#8"], PRIVATE["JWK"], *BINARY.values()):
        page.reload()
        sent.clear()
        (tmp_path / "key").write_bytes(make())
        chooser.set_input_files(tmp_path / "key")
        expect(page.get_by_text(WARNING)).to_be_visible()
        expect(chooser).to_have_value("")
        page.wait_for_timeout(500)
        assert sent == []


def test_a_large_file_is_stopped_and_nothing_is_sent(page: Page, tmp_path: Path) -> None:
    sent = watch(page)
    (tmp_path / "large").write_bytes(b"x" * (32 * 1024 + 1))
    page.get_by_label("Or choose a file").set_input_files(tmp_path / "large")
    expect(page.get_by_text("larger than 32 KiB, so nothing was sent")).to_be_visible()
    page.wait_for_timeout(500)
    assert sent == []


def test_without_scripts_the_server_stops_it_and_shows_none_of_it(
    sign_in: Any, payments: Client, cast: SimpleNamespace, tmp_path: Path
) -> None:
    page: Page = sign_in(cast.dev, java_script_enabled=False)
    page.goto(payments.get_absolute_url())
    pem = _made(Encoding.PEM, PrivateFormat.PKCS8)
    (tmp_path / "key.pem").write_bytes(pem)
    page.get_by_label("Or choose a file").set_input_files(tmp_path / "key.pem")
    page.get_by_label("Label").fill("mine")
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text("There is a private key in this.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Public key")).to_have_value("")
    assert pem.splitlines()[1].decode() not in page.content()
    assert BlockedKey.objects.count() == 1
