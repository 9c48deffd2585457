"""GET and POST /clients/<client_id>/assertions/: why an assertion is refused."""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.test import Client as Browser
from django.urls import reverse

from portal.core.public_key.parse import parse_public_key
from portal.registry.models import BlockedKey, Client, ClientKey, RedeemedAssertion
from tests.assertions import claims_of, form_of, sign
from tests.db.pages import text_of
from tests.db.web.keys.key_forms import body_of
from tests.keys import PrivateKey, new_private_key, private_pem, public_pem
from tests.registering import register_pem

ISSUER = "http://testserver"


@pytest.fixture
def url(payments: Client) -> str:
    """The path of the debugger of `payments`."""
    return reverse("assertion_debugger", args=[payments.client_id])


@pytest.fixture
def private() -> PrivateKey:
    """The private key of `signing`."""
    return new_private_key()


@pytest.fixture
def signing(payments: Client, private: PrivateKey, cast: SimpleNamespace) -> ClientKey:
    """A live EdDSA key of `payments` that the test can sign with."""
    return register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Signing", by=cast.dev
    )


@pytest.fixture
def good(payments: Client, private: PrivateKey, signing: ClientKey) -> str:
    """An assertion that the token endpoint would accept."""
    return sign(private, "EdDSA", claims_of(payments.client_id, ISSUER), kid=signing.kid)


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("bob", 404), ("viewer", 200), ("dev", 200), ("admin", 200)],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_who_may_use_it(
    ask: Any, url: str, good: str, who: str | None, status: int, method: str
) -> None:
    assert ask(who, method, url, {"paste": good}).status_code == status


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, url: str, method: str) -> None:
    assert ask("dev", method, url).status_code == 405


def test_of_a_great_many_claims_the_first_are_shown(
    ask: Any, url: str, private: PrivateKey, signing: ClientKey
) -> None:
    claims = {f"claim{number}": number for number in range(600)}
    text = text_of(ask("dev", "post", url, {"paste": sign(private, "EdDSA", claims)}))
    assert "claim99" in text
    assert "claim100" not in text
    assert "500 more not shown" in text


def test_without_a_csrf_token_nothing_is_read(cast: SimpleNamespace, url: str, good: str) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    response = browser.post(url, {"paste": good})
    assert response.status_code == 403
    assert "All checks pass" not in text_of(response)


def test_a_good_assertion_passes_every_check(ask: Any, url: str, good: str) -> None:
    text = text_of(ask("viewer", "post", url, {"paste": good}))
    assert "All checks pass" in text
    assert "Failed" not in text
    assert ">Signing</a>" in text


def test_a_good_assertion_stays_good(ask: Any, url: str, good: str) -> None:
    for _ in range(2):
        assert "All checks pass" in text_of(ask("dev", "post", url, {"paste": good}))
    assert not RedeemedAssertion.objects.exists()


def test_dates_are_told_as_times_and_from_now(ask: Any, url: str, good: str) -> None:
    text = text_of(ask("dev", "post", url, {"paste": good}))
    assert "in 1" in text  # exp, 119 or 120 seconds ahead
    assert " UTC, now" in text or " second ago" in text or " seconds ago" in text
    assert "clock: <time" in text


def test_an_audience_is_compared_character_by_character(
    ask: Any, url: str, payments: Client, private: PrivateKey, signing: ClientKey
) -> None:
    claims = claims_of(payments.client_id, f"{ISSUER}/")
    pasted = sign(private, "EdDSA", claims, kid=signing.kid)
    text = text_of(ask("dev", "post", url, {"paste": pasted}))
    assert "http://testserver<del>/</del>" in text
    assert "Remove “/” at character 18." in text


def test_failed_checks_come_first_and_those_that_passed_are_folded(
    ask: Any, url: str, payments: Client, private: PrivateKey, signing: ClientKey
) -> None:
    claims = claims_of(payments.client_id, f"{ISSUER}/", exp=int(time.time()) + 900)
    pasted = f'"{sign(private, "EdDSA", claims, kid=signing.kid)}"'
    text = text_of(ask("dev", "post", url, {"paste": pasted}))
    assert "Fix first: Assertion is in quotation marks." in text
    assert "2 more checks fail: see below." in text
    failed, passed = text.split("<summary>18 checks passed</summary>")
    assert failed.count(">Failed</span>") == 3
    assert ">Passed</span>" not in failed
    assert passed.count(">Passed</span>") == 18


def test_expired_assertion_was_valid_when_it_was_created(
    ask: Any, url: str, payments: Client, private: PrivateKey, signing: ClientKey
) -> None:
    then = int(time.time()) - 3600
    claims = claims_of(payments.client_id, ISSUER, iat=then, exp=then + 60)
    text = text_of(ask("dev", "post", url, {"paste": sign(private, "EdDSA", claims)}))
    assert "Expired since, otherwise valid." in text
    assert "Every other check passes as of" in text


def test_request_that_fails_does_not_pass(ask: Any, url: str, good: str) -> None:
    for path, said in (
        ("/api/oauth2/token", "accept this assertion and the request around it now."),
        ("/oauth/token", "Fix first: Wrong URL."),
        ("/api/oauth2/introspect", "accept this assertion and the request around it now."),
    ):
        command = f"curl {ISSUER}{path} -d '{urlencode(form_of(good))}'"
        text = text_of(ask("dev", "post", url, {"paste": command}))
        assert said in text
        assert ("All checks pass" in text) == ("Fix first" not in text)


def test_what_is_in_it_is_escaped(
    ask: Any, url: str, payments: Client, private: PrivateKey, signing: ClientKey
) -> None:
    claims = claims_of(payments.client_id, "<img src=x>", other="<script>alert(1)</script>")
    text = text_of(ask("dev", "post", url, {"paste": sign(private, "EdDSA", claims)}))
    assert "<img" not in text
    assert "<script>alert" not in text
    assert "&lt;img src=x&gt;" in text


@pytest.mark.parametrize("htmx", [True, False])
def test_what_was_pasted_is_not_sent_back(ask: Any, url: str, good: str, htmx: bool) -> None:
    text = text_of(ask("dev", "post", url, {"paste": good}, htmx=htmx))
    for part in good.split("."):
        assert part not in text


def test_htmx_gets_the_verdict_alone(ask: Any, url: str, good: str) -> None:
    response = ask("dev", "post", url, {"paste": good}, htmx=True)
    text = text_of(response)
    assert "<html" not in text
    assert "<form" not in text
    assert 'id="verdict"' in text
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize(
    ("paste", "said"), [("", "Paste an assertion"), ("a" * 70_000, "larger than 64 KiB")]
)
def test_nothing_and_too_much_are_refused(ask: Any, url: str, paste: str, said: str) -> None:
    response = ask("dev", "post", url, {"paste": paste})
    assert response.status_code == 422
    assert said in text_of(response)


def test_a_private_key_is_refused_by_name_and_its_pair_blocked(ask: Any, url: str) -> None:
    private = new_private_key()
    pem = private_pem(private)
    response = ask("viewer", "post", url, {"paste": pem}, htmx=True)
    assert response.status_code == 422
    assert response["HX-Retarget"] == "#debugger"
    assert body_of(pem) not in text_of(response)
    assert "did not keep any of it" in text_of(response)
    fingerprint = parse_public_key(public_pem(private)).spki_sha256
    assert BlockedKey.objects.filter(pk=fingerprint).exists()


def test_a_private_key_beside_an_assertion_is_refused_too(ask: Any, url: str, good: str) -> None:
    pem = private_pem()
    response = ask("dev", "post", url, {"paste": f"curl -d client_assertion={good}\n{pem}"})
    assert response.status_code == 422
    assert body_of(pem) not in text_of(response)


def test_too_many_questions_are_answered_with_429(
    ask: Any, url: str, good: str, settings: Any
) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "debug": "1/1h/user"}
    assert ask("dev", "post", url, {"paste": good}).status_code == 200
    response = ask("dev", "post", url, {"paste": private_pem()}, htmx=True)
    assert response.status_code == 429
    assert "Too many requests. Wait" in text_of(response)
    assert not BlockedKey.objects.exists()


def test_nothing_pasted_stands_in_the_database_or_a_log(
    ask: Any, url: str, good: str, payments: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bad = f"{good[:-8]}AAAAAAAA"
    for paste in (good, bad, f"client_assertion={good}&client_secret=hunter2-hunter2"):
        ask("dev", "post", url, {"paste": paste})
    pieces = [*good.split("."), "hunter2-hunter2"]
    written = [record.getMessage() for record in caplog.records]
    for model in apps.get_models():
        written += [str(row) for row in model._default_manager.values_list()]
    for piece in pieces:
        assert not [line for line in written if piece in line]
