"""GET and POST …/keys/<kid>/revocation/: take a key out at once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser

from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey, Event
from tests.db.pages import text_of
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem

GOOD = {"reason": "compromised", "note": "Laptop lost.", "confirmation": "Payments"}


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 302),
        ("stranger", 404),
        ("bob", 404),
        ("viewer", 403),
        ("dev", 302),
        ("alice", 302),
        ("admin", 302),
    ],
)
def test_who_may_revoke(
    ask: Any,
    paths: SimpleNamespace,
    key: ClientKey,
    other: Client,
    who: str | None,
    status: int,
) -> None:
    assert ask(who, "post", paths.key_revocation, GOOD).status_code == status
    key.refresh_from_db()
    assert (key.revoked_at is not None) == (who in {"dev", "alice", "admin"})


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.key_revocation).status_code == 405


def test_an_unknown_key_is_404(ask: Any, paths: SimpleNamespace) -> None:
    url = f"{paths.key_register}{'A' * 43}/revocation/"
    assert ask("dev", "post", url, GOOD).status_code == 404


def test_without_a_csrf_token_nothing_is_revoked(
    cast: SimpleNamespace, paths: SimpleNamespace, key: ClientKey
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    assert browser.post(paths.key_revocation, GOOD).status_code == 403
    key.refresh_from_db()
    assert key.revoked_at is None


def test_who_why_and_note_are_kept(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    ask("dev", "post", paths.key_revocation, GOOD)
    key.refresh_from_db()
    assert key.revoked_by == cast.dev
    assert key.revocation_reason == RevocationReason.COMPROMISED
    assert key.revocation_note == "Laptop lost."


def test_it_shows_the_impact_first(ask: Any, paths: SimpleNamespace, key: ClientKey) -> None:
    text = text_of(ask("dev", "get", paths.key_revocation))
    assert "has no other live key" in text
    assert "How long verifiers may still trust this key" in text
    key.refresh_from_db()
    assert key.revoked_at is None


def test_the_last_live_key_needs_the_clients_name(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    response = ask("dev", "post", paths.key_revocation, {"reason": "superseded"})
    assert response.status_code == 422
    assert "Enter “Payments” to confirm." in text_of(response)
    key.refresh_from_db()
    assert key.revoked_at is None


def test_with_another_live_key_no_name_is_needed(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    register_pem(
        payments, material=public_pem(new_private_key()), alg="EdDSA", label="2", by=cast.dev
    )
    response = ask("dev", "post", paths.key_revocation, {"reason": "superseded"})
    assert response.status_code == 302


@pytest.mark.parametrize(
    "changes",
    [
        {"reason": ""},
        {"reason": "because"},
        {"note": "x" * 501},
        {"note": "a\0b"},
        {"reason": "x" * 10_000},
    ],
)
def test_bad_entries_change_nothing_and_survive(
    ask: Any, paths: SimpleNamespace, key: ClientKey, changes: dict[str, str]
) -> None:
    response = ask("dev", "post", paths.key_revocation, GOOD | changes)
    assert response.status_code == 422
    assert 'value="Payments"' in text_of(response)
    key.refresh_from_db()
    assert key.revoked_at is None


def test_twice_is_once(ask: Any, paths: SimpleNamespace) -> None:
    ask("dev", "post", paths.key_revocation, GOOD)
    assert ask("alice", "post", paths.key_revocation, GOOD)["Location"] == paths.key
    assert Event.objects.filter(verb="revoke_key").count() == 1


def test_htmx_gets_errors_as_a_fragment_and_success_as_a_new_page(
    ask: Any, paths: SimpleNamespace
) -> None:
    bad = ask("dev", "post", paths.key_revocation, {}, htmx=True)
    assert bad.status_code == 422
    assert "<html" not in text_of(bad)
    assert ask("dev", "post", paths.key_revocation, GOOD, htmx=True)["HX-Redirect"] == paths.key
