"""The guide that clients follow, step by step and word for word, with our host in place of its.

The steps: make a key pair with openssl, give the public key on the Settings page, sign an
assertion, get a code through the browser, and send the guide's token request. PKCE is not in the
guide and has to be (RFC 9700 §2.1.1): it adds `code_challenge` and `code_verifier`.
"""

from __future__ import annotations

import re
import secrets
import subprocess
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import jwt
import pytest
import requests
from django.conf import global_settings
from playwright.sync_api import Page, sync_playwright
from pytest_django import Settings

from portal.accounts.models import User
from portal.registry.actions import create_client
from portal.registry.models import Client
from tests.callback import Callback, callback_server
from tests.chromium import launch_options
from tests.interop.served import Served
from tests.paths import client_path
from tests.waiting import PATIENCE_S

PASSWORD = "correct horse battery"  # noqa: S105 - of somebody who exists for one test

# "Generate private key" and "Extract public key", as the guide has them.
RSA_COMMANDS = (
    "openssl genrsa -out private_key.pem 2048",
    "openssl rsa -in private_key.pem -pubout -out public_key.pem",
)
# The guide recommends EdDSA and has no command for it; these are the Settings page's.
ED25519_COMMANDS = (
    "openssl genpkey -algorithm ED25519 -out private_key.pem",
    "openssl pkey -in private_key.pem -pubout -out public_key.pem",
)


@pytest.fixture
def callback() -> Iterator[Callback]:
    """The client's own web server, where the browser brings the code."""
    with callback_server() as served:
        yield served


@pytest.fixture
def guided(person: User, callback: Callback, settings: Settings) -> Client:
    """A client with one redirect address, and an owner who can sign in."""
    # The portal that is served does not believe the quick hashes of the tests.
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    person.set_password(PASSWORD)
    person.save()
    return create_client(name="Guided", redirect_uris=[callback.uri], by=person)


@pytest.fixture
def page(guided: Client) -> Iterator[Page]:
    """A page of Chromium. It comes after what is written to the database: Playwright keeps an event
    loop in this thread, which Django takes for an asynchronous caller.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        yield page
        browser.close()


@pytest.mark.parametrize(
    ("alg", "commands"), [("PS256", RSA_COMMANDS), ("EdDSA", ED25519_COMMANDS)]
)
def test_the_guide_word_for_word(
    *,
    alg: str,
    commands: tuple[str, ...],
    served: Served,
    callback: Callback,
    guided: Client,
    person: User,
    page: Page,
    tmp_path: Path,
) -> None:
    for command in commands:
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)

    _sign_in(page, served, person)
    _add_key(page, served, guided, alg, tmp_path / "public_key.pem")
    verifier = secrets.token_urlsafe(48)
    code = _code(page, served, guided, callback, verifier)

    grant = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    token = _tokens(served, guided, alg, tmp_path, jti="unique-token-id", **grant)
    assert token["token_type"] == "Bearer"  # noqa: S105 - the name of a type
    assert token["access_token"]
    assert token["refresh_token"]


# The commands for EdDSA are tried above; what follows them depends on no algorithm.
@pytest.mark.parametrize(
    ("alg", "commands"),
    [
        ("PS256", RSA_COMMANDS),
        pytest.param("EdDSA", ED25519_COMMANDS, marks=pytest.mark.exhaustive),
    ],
)
def test_rotation_as_the_guide_has_it(
    *,
    alg: str,
    commands: tuple[str, ...],
    served: Served,
    guided: Client,
    person: User,
    page: Page,
    tmp_path: Path,
) -> None:
    """Add the new key before the old one ends, with the guide's header, which has no kid."""
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        for command in commands:
            subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    grant = {"grant_type": "client_credentials"}

    _sign_in(page, served, person)
    _add_key(page, served, guided, alg, old / "public_key.pem", "old")
    assert _tokens(served, guided, alg, old, **grant)["access_token"]
    page.goto(f"{served.url}{client_path(guided)}")
    page.locator("details.add > summary").click()
    page.get_by_text("without a kid").wait_for()
    _add_key(page, served, guided, alg, new / "public_key.pem", "new")
    assert _tokens(served, guided, alg, old, **grant)["access_token"]
    assert _tokens(served, guided, alg, new, **grant)["access_token"]


def _tokens(
    served: Served, client: Client, alg: str, folder: Path, *, jti: str = "", **grant: str
) -> dict[str, str]:
    """Sign an assertion as the guide has it with the key in the folder, and get tokens for it."""
    now = int(time.time())
    payload = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": f"{served.url}/api/oauth2/token",
        "iat": now,
        "exp": now + 300,
        "jti": jti or secrets.token_urlsafe(16),
    }
    private_key = (folder / "private_key.pem").read_bytes()
    assertion = jwt.encode(payload, private_key, algorithm=alg)
    assert jwt.get_unverified_header(assertion) == {"alg": alg, "typ": "JWT"}
    response = requests.post(
        f"{served.url}/api/oauth2/token",
        data={
            **grant,
            "client_id": client.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        },
        timeout=PATIENCE_S,
    )
    assert response.status_code == 200, response.text
    given: dict[str, str] = response.json()
    return given


def _sign_in(page: Page, served: Served, person: User) -> None:
    page.goto(f"{served.url}/")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)


def _add_key(
    page: Page,
    served: Served,
    client: Client,
    alg: str,
    public_key: Path,
    label: str = "as the guide says",
) -> None:
    page.goto(f"{served.url}{client_path(client)}#add-key")
    page.get_by_label("Or choose a file").set_input_files(public_key)
    page.get_by_text(re.compile("public key.*: ")).first.wait_for()
    page.get_by_label("Algorithm").select_option(alg)
    page.get_by_label("Label").fill(label)
    page.get_by_role("button", name="Add key").click()
    page.get_by_text(f"“{label}” is live").wait_for()


def _code(page: Page, served: Served, client: Client, callback: Callback, verifier: str) -> str:
    """Get a code through the browser; the address to come back to is the client's only one."""
    challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    state = secrets.token_urlsafe(16)
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    page.goto(f"{served.url}/api/oauth2/authorize?{urlencode(asked)}")
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{callback.uri}?**")
    [told] = callback.told
    assert told == {"code": told["code"], "state": state, "iss": served.url}
    return told["code"]
