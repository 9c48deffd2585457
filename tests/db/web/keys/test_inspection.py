"""POST /clients/<client_id>/keys/inspection/: say what is seen, register nothing."""

from __future__ import annotations

import json
from base64 import b64decode
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser

from portal.core.public_key.parse import parse_public_key
from portal.registry.actions import confirm_key
from portal.registry.models import BlockedKey, Client, ClientKey, Event
from tests.db.pages import text_of
from tests.db.web.keys.key_forms import body_of
from tests.keys import new_private_key, private_pem, public_pem
from tests.registering import register_pem


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("viewer", 403), ("admin", 403), ("dev", 200), ("alice", 200)],
)
def test_who_may_ask(ask: Any, paths: SimpleNamespace, who: str | None, status: int) -> None:
    entered = {"material": public_pem(new_private_key())}
    assert ask(who, "post", paths.key_inspect, entered).status_code == status


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.key_inspect).status_code == 405


def test_a_get_leads_to_the_form(ask: Any, paths: SimpleNamespace) -> None:
    assert ask("dev", "get", paths.key_inspect)["Location"] == paths.client


def test_without_a_csrf_token_nothing_is_read(
    cast: SimpleNamespace, paths: SimpleNamespace
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    entered = {"material": public_pem(new_private_key())}
    assert browser.post(paths.key_inspect, entered).status_code == 403


def test_it_says_what_it_sees_and_recommends(ask: Any, paths: SimpleNamespace) -> None:
    pem = public_pem(new_private_key("PS256"))
    text = text_of(ask("dev", "post", paths.key_inspect, {"material": pem}, htmx=True))
    assert "RSA public key, 2048 bits: PS256, PS384 or PS512" in text
    assert parse_public_key(pem).thumbprint in text
    assert '<option value="PS256" selected>PS256 (RSA), recommended</option>' in text
    assert "ES256" not in text
    assert "<html" not in text


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512"])
def test_a_jwk_with_an_older_algorithm_is_offered_the_newer_one(
    ask: Any, paths: SimpleNamespace, alg: str
) -> None:
    key = parse_public_key(public_pem(new_private_key("PS256")))
    jwk = json.dumps(key.jwk_members | {"use": "sig", "kid": "12345", "alg": alg})
    response = ask("dev", "post", paths.key_inspect, {"material": jwk}, htmx=True)
    text = text_of(response)
    assert response.status_code == 200
    assert "RSA public key, 2048 bits: PS256, PS384 or PS512" in text
    assert f"is {alg}, an older algorithm that this portal does not allow" in text
    assert '<option value="PS256" selected>' in text
    assert f'value="{alg}"' not in text


def test_a_fitting_choice_is_kept(ask: Any, paths: SimpleNamespace) -> None:
    pem = public_pem(new_private_key("PS256"))
    entered = {"material": pem, "alg": "PS512"}
    text = text_of(ask("dev", "post", paths.key_inspect, entered, htmx=True))
    assert '<option value="PS512" selected>' in text


def test_nothing_is_registered(ask: Any, paths: SimpleNamespace, payments: Client) -> None:
    ask("dev", "post", paths.key_inspect, {"material": public_pem(new_private_key())})
    assert payments.keys.count() == 1


def test_without_javascript_it_is_a_page_that_keeps_everything(
    ask: Any, paths: SimpleNamespace
) -> None:
    pem = public_pem(new_private_key())
    text = text_of(ask("dev", "post", paths.key_inspect, {"material": pem, "label": "mine"}))
    assert "<html" in text
    assert "Ed25519 public key: EdDSA" in text
    assert body_of(pem) in text
    assert 'value="mine"' in text
    assert "Enter a label" not in text


def test_an_empty_field_is_no_error(ask: Any, paths: SimpleNamespace) -> None:
    text = text_of(ask("dev", "post", paths.key_inspect, {"material": ""}, htmx=True))
    assert "notice-error" not in text
    assert "field-error" not in text


def test_what_is_no_key_is_said(ask: Any, paths: SimpleNamespace) -> None:
    text = text_of(ask("dev", "post", paths.key_inspect, {"material": "hello"}, htmx=True))
    assert "notice-error" in text


def test_a_private_key_empties_the_whole_form(ask: Any, paths: SimpleNamespace) -> None:
    pem = private_pem()
    response = ask("dev", "post", paths.key_inspect, {"material": pem}, htmx=True)
    assert response["HX-Retarget"] == "#settings"
    assert body_of(pem) not in text_of(response)
    assert "did not keep any of it" in text_of(response)


def test_too_many_questions_are_answered_with_429(
    ask: Any, paths: SimpleNamespace, settings: Any
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "key_inspect": "1/1h/user"}
    entered = {"material": public_pem(new_private_key())}
    assert ask("dev", "post", paths.key_inspect, entered, htmx=True).status_code == 200
    assert ask("dev", "post", paths.key_inspect, entered, htmx=True).status_code == 429


@pytest.mark.parametrize("action", ["key_inspect", "key_register"])
def test_who_is_over_the_limit_makes_nothing_be_written(
    ask: Any, paths: SimpleNamespace, settings: Any, action: str
) -> None:
    limit = {"key_inspect": "1/1h/user", "key_upload": "1/1h/user"}
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, **limit}
    ask("dev", "post", getattr(paths, action), {"material": ""}, htmx=True)
    before = Event.objects.count()
    pem = private_pem()
    response = ask("dev", "post", getattr(paths, action), {"material": pem}, htmx=True)
    assert response.status_code == 429
    assert body_of(pem) not in text_of(response)
    assert "blocked permanently" not in text_of(response)
    assert not BlockedKey.objects.exists()
    assert Event.objects.count() == before


def test_a_key_that_the_client_has_is_said_to_be_there(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    text = text_of(ask("dev", "post", paths.key_inspect, {"material": key.pem}, htmx=True))
    assert "This key cannot be added." in text
    assert f"This client already has this key: “{key.label}”" in text
    assert key.kid in text


def test_a_client_with_all_its_keys_is_said_to_have_them(
    ask: Any, paths: SimpleNamespace, settings: Any
) -> None:
    settings.KEY_LIMIT = 1
    entered = {"material": public_pem(new_private_key())}
    text = text_of(ask("dev", "post", paths.key_inspect, entered, htmx=True))
    assert "This key cannot be added." in text
    assert "has the maximum number of keys (1)" in text


def test_a_key_that_another_client_proved_is_said_to_be_taken(
    ask: Any, paths: SimpleNamespace, other: Client, cast: SimpleNamespace
) -> None:
    pem = public_pem(new_private_key())
    taken = register_pem(other, material=pem, alg="EdDSA", label="b", by=cast.bob)
    confirm_key(taken, by=cast.bob)
    text = text_of(ask("dev", "post", paths.key_inspect, {"material": pem}, htmx=True))
    assert "This key cannot be added." in text
    assert "the portal already knows it" in text


def test_a_blocked_key_is_said_to_be_blocked(ask: Any, paths: SimpleNamespace) -> None:
    private = new_private_key()
    ask("dev", "post", paths.key_inspect, {"material": private_pem(private)}, htmx=True)
    entered = {"material": public_pem(private)}
    text = text_of(ask("dev", "post", paths.key_inspect, entered, htmx=True))
    assert "This key is blocked" in text


@pytest.mark.parametrize(
    ("alg", "words"),
    [
        ("EdDSA", "Half of the verifiers that were tried do not verify EdDSA"),
        ("Ed448", "published in the extended key set only"),
        ("ML-DSA-65", "published in the extended key set only"),
    ],
)
def test_it_says_which_verifiers_know_such_a_key(
    ask: Any, paths: SimpleNamespace, alg: str, words: str
) -> None:
    entered = {"material": public_pem(new_private_key(alg))}
    assert words in text_of(ask("dev", "post", paths.key_inspect, entered, htmx=True))


def test_a_file_that_is_no_text_is_shown_as_its_key(ask: Any, paths: SimpleNamespace) -> None:
    """The form is sent again without its file, as no browser keeps one."""
    pem = public_pem(new_private_key("ES256"))
    der = b64decode("".join(pem.splitlines()[1:-1]))
    entered = {"file": SimpleUploadedFile("key.der", der), "alg": "ES256", "label": ""}
    response = ask("dev", "post", paths.key_register, entered)
    assert response.status_code == 422
    assert body_of(pem) in text_of(response)
