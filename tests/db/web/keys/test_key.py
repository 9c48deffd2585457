"""GET /clients/<client_id>/keys/<kid>/: all that is known of a key."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from portal.registry.actions import confirm_key, retire_key, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.db.pages import text_of
from tests.paths import client_path
from tests.registering import register_pem


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("bob", 404), ("viewer", 200), ("dev", 200), ("admin", 200)],
)
def test_who_may_see_it(ask: Any, paths: SimpleNamespace, who: str | None, status: int) -> None:
    assert ask(who, "get", paths.key).status_code == status


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.key).status_code == 405


@pytest.mark.parametrize("kid", ["A" * 43, "A" * 42, "A" * 44, "%00" * 43, "../" * 14 + "a"])
def test_bad_kids_are_404(ask: Any, paths: SimpleNamespace, kid: str) -> None:
    assert ask("dev", "get", f"{paths.key_register}{kid}/").status_code == 404


def test_a_key_of_another_client_is_404(ask: Any, other: Client, key: ClientKey) -> None:
    assert ask("bob", "get", f"{client_path(other)}keys/{key.kid}/").status_code == 404


def test_it_shows_kid_fingerprint_pem_and_jwk_to_copy(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    text = text_of(ask("dev", "get", paths.key))
    for value in (key.kid, key.spki_sha256, key.pem, key.jwk["x"]):
        assert value in text
    assert f'data-copy="{key.kid}"' in text


def test_it_shows_what_happened_and_who_did_it(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    retire_key(key, grace=timedelta(days=1), by=cast.alice)
    text = text_of(ask("viewer", "get", paths.key))
    assert "dev@example.com</strong> registered the key" in text
    assert "alice@example.com</strong> retired the key" in text
    assert "Leaves the JWKS" in text


def test_a_revocation_is_shown_with_reason_and_note(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    confirm_key(key, by=cast.dev)
    revoke_key(key, reason=RevocationReason.COMPROMISED, note="Laptop lost.", by=cast.admin)
    text = text_of(ask("viewer", "get", paths.key))
    assert "by admin@example.com. Compromised" in text
    assert "Laptop lost." in text
    assert "No client can ever register it again" in text


@pytest.mark.parametrize(
    ("who", "retire", "revoke"),
    [("viewer", False, False), ("admin", False, True), ("dev", True, True)],
)
def test_who_is_offered_what(
    ask: Any, paths: SimpleNamespace, who: str, *, retire: bool, revoke: bool
) -> None:
    text = text_of(ask(who, "get", paths.key))
    assert (paths.key_retirement in text) == retire
    assert (paths.key_revocation in text) == revoke


def test_a_revoked_key_offers_nothing(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    text = text_of(ask("dev", "get", paths.key))
    assert paths.key_retirement not in text
    assert paths.key_revocation not in text
    assert paths.key_snippets not in text  # it would not sign in


def test_a_client_that_used_its_key_is_named_as_who_confirmed_it(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    confirm_key(key, by=key)
    text = text_of(ask("viewer", "get", paths.key))
    assert "by the client “Payments”" in text
    assert "The client authenticated here with the private key." in text
    assert "the client “Payments”</strong> confirmed the key" in text


def test_the_team_sees_why_the_portal_has_ended_its_key(
    ask: Any, paths: SimpleNamespace, key: ClientKey, other: Client, cast: SimpleNamespace
) -> None:
    held = register_pem(other, material=key.pem, alg="EdDSA", label="Mine", by=cast.bob)
    assert "can take this key over" in text_of(ask("viewer", "get", paths.key))
    confirm_key(held, by=cast.bob)
    text = text_of(ask("viewer", "get", paths.key))
    assert "by the portal. Proved by another client" in text
    assert "Create a new key pair and add its public key" in text
    assert "Other" not in text
    settings_page = text_of(ask("viewer", "get", client_path(key.client)))
    assert "The portal revoked the key “First”." in settings_page
    assert "just now</time>, proved by another client</span>" in settings_page
    assert "The portal revoked" not in text_of(ask("bob", "get", client_path(other)))


def test_an_unproved_key_that_was_revoked_is_lost_for_its_client_only(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    revoke_key(key, reason=RevocationReason.UNSPECIFIED, by=cast.dev)
    assert "This client can never register it again." in text_of(ask("dev", "get", paths.key))
