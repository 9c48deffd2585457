"""A private key in a field that is for something else: nothing is saved, and it is blocked."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from portal.core.public_key.parse import parse_public_key
from portal.registry.models import BlockedKey, Client, ClientKey, Event
from tests.db.pages import text_of
from tests.db.web.keys.key_forms import good
from tests.keys import new_private_key, private_pem, public_pem
from tests.registering import register_pem


def on_one_line(pem: str) -> str:
    return "".join(pem.splitlines()[1:-1])


@pytest.fixture(params=["label", "contacts", "note", "console note", "client name"])
def form(
    request: pytest.FixtureRequest, payments: Client, key: ClientKey
) -> tuple[str, str, str, dict[str, Any]]:
    """Who sends it, where to, the name of the field, and the rest of the form."""
    edit = {"name": "Payments", "contacts": "", "redirect_uris": ""}
    forms = {
        "label": ("dev", reverse("key_register", args=[payments.client_id]), "label", good()),
        "contacts": ("alice", reverse("client_edit", args=[payments.client_id]), "contacts", edit),
        "note": (
            "alice",
            reverse("key_revocation", args=[payments.client_id, key.kid]),
            "note",
            {"reason": "superseded", "confirmation": "Payments"},
        ),
        "console note": (
            "admin",
            reverse("console_blocked_key", args=["a" * 64]),
            "note",
            {},
        ),
        "client name": ("dev", reverse("client_new"), "name", {"contacts": ""}),
    }
    found: tuple[str, str, str, dict[str, Any]] = forms[request.param]
    return found


@pytest.mark.parametrize("htmx", [False, True])
def test_private_key_in_a_form_saves_nothing_and_is_blocked(
    form: tuple[str, str, str, dict[str, Any]],
    browser_of: Any,
    payments: Client,
    key: ClientKey,
    caplog: pytest.LogCaptureFixture,
    htmx: bool,
) -> None:
    who, path, field, rest = form
    private = new_private_key()
    body = on_one_line(private_pem(private))
    keys = ClientKey.objects.count()
    headers = {"HX-Request": "true"} if htmx else {}
    with caplog.at_level(logging.DEBUG):
        response = browser_of(who).post(path, rest | {field: body}, headers=headers)
    assert response.status_code == 422
    text = text_of(response)
    assert "This contains a private key." in text
    assert body not in text + caplog.text + repr(list(Event.objects.values()))
    spki_sha256 = parse_public_key(public_pem(private)).spki_sha256
    assert list(BlockedKey.objects.values_list("pk", flat=True)) == [spki_sha256]
    key.refresh_from_db()
    assert (ClientKey.objects.count(), key.revoked_at) == (keys, None)
    assert Client.objects.count() == 1


def test_private_key_in_a_note_revokes_the_key_it_is_of(
    browser_of: Any, payments: Client, cast: SimpleNamespace
) -> None:
    private = new_private_key()
    key = register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Ours", by=cast.dev
    )
    path = reverse("key_register", args=[payments.client_id])
    entered = good(label=on_one_line(private_pem(private)))
    text = text_of(browser_of("dev").post(path, entered))
    key.refresh_from_db()
    assert key.revocation_reason == "compromised"
    assert "“Ours”</a> of Payments is revoked." in text
