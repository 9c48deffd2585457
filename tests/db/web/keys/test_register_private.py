"""POST /clients/<client_id>/keys/ with a private key: it leaves no trace but its block."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portal.core.public_key.parse import parse_public_key
from portal.registry.models import BlockedKey, Client, Event
from tests.db.pages import text_of
from tests.db.web.keys.key_forms import good
from tests.keys import new_private_key, private_pem, public_pem
from tests.paths import key_path
from tests.registering import register_pem


@pytest.mark.parametrize("alg", ["EdDSA", "PS256", "ES256"])
@pytest.mark.parametrize("how", ["pasted", "as a file", "beside a public key", "with errors"])
@pytest.mark.parametrize("htmx", [False, True])
def test_a_private_key_leaves_no_trace_but_its_block(
    browser_of: Any,
    paths: SimpleNamespace,
    caplog: pytest.LogCaptureFixture,
    how: str,
    alg: str,
    htmx: bool,
) -> None:
    private = new_private_key(alg)
    pem = private_pem(private)
    file = SimpleUploadedFile("key.pem", pem.encode())
    entered = {
        "pasted": good(material=pem, alg=alg),
        "as a file": good(material="", alg=alg, file=file),
        "beside a public key": good(alg=alg, file=file),
        "with errors": good(material=pem, alg="", label=""),
    }[how]
    headers = {"HX-Request": "true"} if htmx else {}
    with caplog.at_level(logging.DEBUG):
        response = browser_of("dev").post(paths.key_register, entered, headers=headers)
    assert response.status_code == 422
    text = text_of(response)
    assert "This contains a private key." in text
    assert "did not keep any of it" in text
    lines = pem.splitlines()[1:-1]
    assert not [line for line in lines if line in text or line in caplog.text]
    assert not [line for line in lines if line in str(list(Event.objects.values()))]
    fingerprint = parse_public_key(public_pem(private)).spki_sha256
    assert BlockedKey.objects.filter(pk=fingerprint).exists()


@pytest.mark.parametrize("htmx", [False, True])
def test_bare_bytes_are_not_shown_again_and_what_they_may_be_the_private_half_of_is_blocked(
    browser_of: Any, paths: SimpleNamespace, caplog: pytest.LogCaptureFixture, htmx: bool
) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    digits = private.private_bytes_raw().hex()
    headers = {"HX-Request": "true"} if htmx else {}
    with caplog.at_level(logging.DEBUG):
        response = browser_of("dev").post(
            paths.key_register, good(material=digits, alg="EdDSA"), headers=headers
        )
    assert response.status_code == 422
    text = text_of(response)
    assert "These are 32 bytes of unknown type." in text
    assert digits not in text
    assert digits not in caplog.text
    assert digits not in str(list(Event.objects.values()))
    blocked = BlockedKey.objects.get(pk=parse_public_key(public_pem(private)).spki_sha256)
    assert "may not have been a private key" in blocked.note


@pytest.mark.parametrize("page", ["key_register", "key_inspect", "assertion_debugger"])
def test_page_says_which_key_a_private_key_has_ended(
    browser_of: Any, payments: Client, cast: SimpleNamespace, page: str
) -> None:
    private = new_private_key()
    key = register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Ours", by=cast.dev
    )
    entered = {"paste": private_pem(private), **good(material=private_pem(private))}
    text = text_of(browser_of("dev").post(reverse(page, args=[payments.client_id]), entered))
    assert f'<a href="{key_path(key)}">“Ours”</a> of Payments is revoked.' in text
    assert "It was the last live key" in text
