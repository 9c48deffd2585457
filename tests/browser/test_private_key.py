"""A private key never leaves the browser; where scripts are off, the server stops it."""

from __future__ import annotations

import json
import re
from base64 import b64encode
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
from django.urls import reverse
from playwright.sync_api import Page, Request, expect

from portal.registry.models import BlockedKey, Client, ClientKey
from tests.browser.checks import check_accessible
from tests.cases.read_forms import FOLDER
from tests.keys import new_private_key
from tests.paths import client_path
from tests.unit.core.private import test_private_forms as forms
from tests.unit.core.support import KINDS, certificate_pem, key_of
from tests.unit.core.support import public_pem as public_pem_of

WARNING = "This is a private key. It was not sent."
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
FOREIGN: dict[str, Callable[[], str]] = {
    "RSAParameters in JSON": lambda: json.dumps(forms.parameters()),
    "RSAParameters in XML": lambda: forms.xml("RSAParameters"),
    "CAPI in base64": lambda: b64encode(forms.capi()).decode(),
    "PKCS#8 in hexadecimal digits": lambda: _made(Encoding.DER, PrivateFormat.PKCS8).hex(),
}
BINARY: dict[str, Callable[[], bytes]] = {
    "PKCS#8": lambda: _made(Encoding.DER, PrivateFormat.PKCS8),
    "PKCS#8, encrypted": lambda: _made(Encoding.DER, PrivateFormat.PKCS8, locked=True),
    "PKCS#1": lambda: _made(Encoding.DER, PrivateFormat.TraditionalOpenSSL, alg="PS256"),
    "SEC1": lambda: _made(Encoding.DER, PrivateFormat.TraditionalOpenSSL),
    "JKS": forms.jks,
    "JCEKS": lambda: forms.jks(0xCECECECE),
    "CAPI": forms.capi,
    "CNG": lambda: forms.cng_rsa(b"RSA3"),
    "PKCS#12": lambda: pkcs12.serialize_key_and_certificates(
        b"key", new_private_key("ES256"), None, None, _PASSWORD
    ),
}


def watch(page: Page) -> list[str]:
    """Return the list into which every request from now on is written, but for the page's icon."""
    sent: list[str] = []

    def note(request: Request) -> None:
        if not request.url.endswith("/static/web/icon.svg"):
            sent.append(f"{request.method} {request.url}")

    page.on("request", note)
    return sent


@pytest.fixture
def page(sign_in: Any, payments: Client, cast: SimpleNamespace) -> Page:
    """The Settings page, with dev signed in."""
    opened: Page = sign_in(cast.dev)
    opened.goto(client_path(payments))
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
    expect(page.get_by_text("larger than 32 KiB. It was not sent")).to_be_visible()
    page.wait_for_timeout(500)
    assert sent == []


def test_without_scripts_the_server_stops_it_and_shows_none_of_it(
    sign_in: Any, payments: Client, cast: SimpleNamespace, tmp_path: Path
) -> None:
    page: Page = sign_in(cast.dev, java_script_enabled=False)
    page.goto(client_path(payments))
    pem = _made(Encoding.PEM, PrivateFormat.PKCS8)
    (tmp_path / "key.pem").write_bytes(pem)
    page.get_by_label("Or choose a file").set_input_files(tmp_path / "key.pem")
    page.get_by_label("Label").fill("mine")
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text("This contains a private key.")).to_be_visible()
    expect(page.get_by_role("textbox", name="Public key")).to_have_value("")
    assert pem.splitlines()[1].decode() not in page.content()
    assert BlockedKey.objects.count() == 1


def test_the_browser_knows_every_private_key_that_the_server_knows(page: Page) -> None:
    private: dict[str, str] = {
        f"{name}, {how}": text if isinstance(text, str) else text.decode("latin-1")
        for name, (_kind, make) in forms.BLOBS.items()
        if name != "NaCl"  # that takes a multiplication on its curve
        for how, text in forms.spelled(make()).items()
        if how != "binary"  # that is a file, which has a test of its own
    }
    private |= forms.of_dotnet()
    private |= {kind: make().decode() for kind, make in PRIVATE.items()}
    jwk = forms.jwk_text()
    header = json.dumps({"jwk": json.loads(jwk)})
    private |= {
        "JWK, cut": jwk[:-5],
        "JWK, escaped": jwk.replace('"d"', '"\\u0064"').replace('"p"', '"\\u0070"'),
        "JWK in base64": b64encode(jwk.encode()).decode(),
        "JWK in a header": f"{b64encode(header.encode()).decode()}.e30.",
        "empty members first": jwk.replace("{", '{"q": null, "oth": [], "dp": "", ', 1)[:-5],
    }
    found = page.evaluate(
        "texts => Object.keys(texts).filter((name) => !privateKey.inText(texts[name]))", private
    )
    assert found == []


def test_the_browser_takes_nothing_public_for_private(page: Page) -> None:
    public: dict[str, str] = {
        name: text if isinstance(text, str) else text.decode("latin-1")
        for name, text in forms.public_look_alikes().items()
    }
    public |= {kind: public_pem_of(kind).decode() for kind in KINDS}
    public |= {f"certificate {kind}": certificate_pem(kind).decode() for kind in ("RSA", "P-256")}
    empty: dict[str, Any] = {"d": None, "p": None, "oth": [], "k": None, "key_ops": []}
    public |= {
        f"JWK {kind}": json.dumps(key_of(kind).jwk_members | empty, indent=2) for kind in KINDS
    }
    public |= {
        "a fingerprint": key_of("RSA").spki_sha256,
        "a signature in DER": "MEUCIQDhnW8q2Xh1J0a8Zq3Zr0T5hZ4l8o2nq7Yv1m3Zr0T5hQIgW8q2",
        "a token": "eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJ4IiwiayI6MX0.AAAAAAAAAAAAAAAA",
        "prose": "Please put d: and p: into the request, and the kty too? No: only the key.",
    }
    found = page.evaluate(
        "texts => Object.keys(texts).filter((name) => privateKey.inText(texts[name]))", public
    )
    assert found == ["prose"]  # it names kty, and a member with something after it


@pytest.fixture(
    params=["confirmation", "debugger", "console keys", "blocked keys", "label", "contacts"]
)
def place(
    request: pytest.FixtureRequest,
    sign_in: Any,
    payments: Client,
    key: ClientKey,
    cast: SimpleNamespace,
) -> tuple[Page, str, str]:
    """A page where text is pasted, the name of its field and that of its button."""
    settings = client_path(payments)
    confirmation = reverse("key_confirmation", args=[payments.client_id, key.kid])
    debugger = reverse("assertion_debugger", args=[payments.client_id])
    path, field, button = {
        "confirmation": (confirmation, "What the command printed", "Confirm key"),
        "debugger": (debugger, "Assertion or request", "Examine"),
        "console keys": (reverse("console_keys"), "Find a key", "Search"),
        "blocked keys": (reverse("console_blocked"), "Look up or block a key", "Continue"),
        "label": (f"{settings}#add-key", "Label", "Add key"),
        "contacts": (
            reverse("client_edit", args=[payments.client_id]),
            "Contacts (optional)",
            "Save",
        ),
    }[request.param]
    opened: Page = sign_in(cast.admin if path.startswith("/console") else cast.alice)
    opened.goto(path)
    return opened, field, button


def test_wherever_text_is_pasted_a_private_key_is_stopped_and_nothing_is_sent(
    place: tuple[Page, str, str],
) -> None:
    page, name, button = place
    sent = watch(page)
    for kind, text in {
        "PKCS#8": PRIVATE["PKCS#8"]().decode(),
        "JWK": PRIVATE["JWK"]().decode(),
        **{kind: make() for kind, make in FOREIGN.items()},
    }.items():
        field = page.get_by_label(name, exact=True)
        if len(text) > int(field.get_attribute("maxlength") or len(text)):
            continue  # it does not fit in whole
        field.fill(text)
        expect(page.locator("[data-private-warning]")).to_be_visible()
        expect(page.get_by_text(re.compile("(not|nothing was) sent")).first).to_be_visible()
        expect(field).to_have_value("")
        page.wait_for_timeout(400)
        assert (kind, sent) == (kind, [])
    check_accessible(page)
    # What nobody typed, as when a browser restores a page, is stopped when it is to be sent.
    page.reload()
    sent.clear()
    page.evaluate(
        "([name, text]) => { [...document.querySelectorAll('main textarea, main input')]"
        ".find((each) => each.labels?.[0]?.textContent.trim() === name).value = text; }",
        [name, PRIVATE["PKCS#8"]().decode().replace("\n", " ")],
    )
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator("[data-private-warning]")).to_be_visible()
    page.wait_for_timeout(400)
    assert sent == []
    page.get_by_label(name, exact=True).fill("something else")
    expect(page.locator("[data-private-warning]")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("private_pkcs8.pem", "openssl pkey -in"),
        ("private_openssh", "ssh-keygen -y -f id_ed25519"),
        ("keystore.p12", "openssl pkcs12 -in keystore.p12"),
        ("keystore.jks", "keytool -exportcert"),
    ],
)
def test_command_fits_what_was_stopped(
    payments: Client, cast: SimpleNamespace, sign_in: Any, name: str, command: str
) -> None:
    page = sign_in(cast.dev)
    page.goto(client_path(payments))
    page.get_by_label("Or choose a file").set_input_files(FOLDER / name)
    expect(page.get_by_text(WARNING)).to_be_visible()
    shown = page.locator("[data-private-warning] [data-container]:visible")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text(command)
