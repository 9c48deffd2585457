"""GET and POST …/keys/<kid>/confirmation/: prove a key by signing with it."""

from __future__ import annotations

import html
import json
import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import Settings

from portal.core.reasons import Reason
from portal.registry.actions import authenticate_client, confirm_key, revoke_key
from portal.registry.actions.authenticate_client import AuthenticationRefused
from portal.registry.choices import RevocationReason
from portal.registry.models import BlockedKey, Client, ClientKey, Event, RedeemedAssertion
from portal.registry.proof_of_possession import new_challenge
from portal.web.addresses import confirmation_url
from tests.assertions import form_of, sign
from tests.db.pages import text_of
from tests.db.web.keys.key_forms import body_of, good
from tests.keys import PrivateKey, new_private_key, private_pem, public_pem
from tests.paths import client_path, key_path
from tests.registering import register_pem


@pytest.fixture
def private() -> PrivateKey:
    """The private key of `key`."""
    return new_private_key()


@pytest.fixture
def key(payments: Client, private: PrivateKey, cast: SimpleNamespace) -> ClientKey:
    """A live EdDSA key of `payments`, whose private key is at hand."""
    pem = public_pem(private)
    return register_pem(payments, material=pem, alg="EdDSA", label="First", by=cast.dev)


@pytest.fixture
def url(payments: Client, key: ClientKey) -> str:
    """The page."""
    return reverse("key_confirmation", args=[payments.client_id, key.kid])


def claims_of(key: ClientKey, **changes: Any) -> dict[str, Any]:
    """Return the claims as the page gives them, with the dates of the machine that signs."""
    now = int(time.time())
    return {
        **new_challenge(key, audience=confirmation_url(key)),
        "iat": now,
        "exp": now + 120,
    } | changes


def signed(key: ClientKey, private: PrivateKey, **changes: Any) -> dict[str, str]:
    """Return the form with the challenge, signed by the private key."""
    return {"assertion": sign(private, "EdDSA", claims_of(key, **changes), kid=key.kid, typ="JWT")}


def is_confirmed(key: ClientKey) -> bool:
    key.refresh_from_db()
    return key.confirmed_at is not None


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 302),
        ("stranger", 404),
        ("bob", 404),
        ("viewer", 403),
        ("admin", 403),
        ("dev", 302),
        ("alice", 302),
    ],
)
def test_who_may_confirm(
    ask: Any,
    url: str,
    key: ClientKey,
    private: PrivateKey,
    other: Client,
    who: str | None,
    status: int,
) -> None:
    assert ask(who, "post", url, signed(key, private)).status_code == status
    assert is_confirmed(key) == (who in {"dev", "alice"})


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, url: str, method: str) -> None:
    assert ask("dev", method, url).status_code == 405


def test_an_unknown_key_is_404(ask: Any, paths: SimpleNamespace) -> None:
    assert ask("dev", "get", f"{paths.key_register}{'A' * 43}/confirmation/").status_code == 404


def test_without_a_csrf_token_nothing_is_confirmed(
    cast: SimpleNamespace, url: str, key: ClientKey, private: PrivateKey
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    assert browser.post(url, signed(key, private)).status_code == 403
    assert not is_confirmed(key)


def test_the_page_gives_claims_that_the_form_takes(
    ask: Any, url: str, key: ClientKey, private: PrivateKey
) -> None:
    page = html.unescape(text_of(ask("dev", "get", url)))
    shown = re.search(r'aria-label="The claims"><code>(.*?)</code>', page, re.DOTALL)
    assert shown
    now = int(time.time())
    claims = json.loads(shown[1]) | {"iat": now, "exp": now + 60}
    assertion = sign(private, "EdDSA", claims, kid=key.kid, typ=None)
    ask("dev", "post", url, {"assertion": f"\n{assertion}\n"})
    assert is_confirmed(key)


def test_the_page_says_who_confirmed_it_and_when(
    ask: Any, url: str, paths: SimpleNamespace, key: ClientKey, private: PrivateKey
) -> None:
    assert ask("dev", "post", url, signed(key, private))["Location"] == paths.key
    text = text_of(ask("viewer", "get", paths.key))
    assert "(just now)</span> by dev@example.com" in text
    assert "confirmed <time" in text_of(ask("viewer", "get", paths.client))


def test_a_challenge_confirms_once(
    ask: Any, url: str, key: ClientKey, private: PrivateKey, paths: SimpleNamespace
) -> None:
    form = signed(key, private)
    ask("dev", "post", url, form)
    assert ask("alice", "post", url, form)["Location"] == paths.key
    assert [str(each.actor) for each in Event.objects.filter(verb="confirm_key")] == [
        "dev@example.com"
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"jti": "mine"}, "The jti is not a challenge of this page."),
        ({"aud": "https://elsewhere.example"}, "https://elsewhere.example"),
        ({"iss": "somebody"}, "somebody"),
        ({"exp": 1_000_000_000, "iat": 999_999_900}, "Expire"),
    ],
)
def test_a_wrong_claim_is_said_in_one_look(
    ask: Any,
    url: str,
    key: ClientKey,
    private: PrivateKey,
    changes: dict[str, Any],
    said: str,
) -> None:
    response = ask("dev", "post", url, signed(key, private, **changes))
    assert response.status_code == 422
    text = text_of(response)
    assert "Not confirmed" in text
    assert said.lower() in html.unescape(text).lower()
    assert not is_confirmed(key)


def test_a_clock_that_is_ahead_is_said_in_seconds(
    ask: Any, url: str, key: ClientKey, private: PrivateKey
) -> None:
    ahead = int(time.time()) + 200
    text = text_of(ask("dev", "post", url, signed(key, private, iat=ahead, exp=ahead + 60)))
    assert re.search(r"\b(199|200) seconds", text)
    assert not is_confirmed(key)


@pytest.mark.parametrize(("age", "taken"), [(590, True), (611, False)])
def test_a_challenge_is_good_for_ten_minutes(
    ask: Any,
    url: str,
    key: ClientKey,
    private: PrivateKey,
    monkeypatch: pytest.MonkeyPatch,
    *,
    age: int,
    taken: bool,
) -> None:
    with monkeypatch.context() as earlier:
        then = time.time() - age
        earlier.setattr(time, "time", lambda: then)
        jti = new_challenge(key, audience=confirmation_url(key))["jti"]
    text = text_of(ask("dev", "post", url, signed(key, private, jti=jti)))
    assert ("older than 10 minutes" in text) != taken
    assert is_confirmed(key) == taken


def test_another_keys_challenge_is_not_taken(
    ask: Any, url: str, key: ClientKey, private: PrivateKey, payments: Client, cast: SimpleNamespace
) -> None:
    second = register_pem(
        payments, material=public_pem(new_private_key()), alg="EdDSA", label="2", by=cast.dev
    )
    jti = new_challenge(second, audience=confirmation_url(second))["jti"]
    response = ask("dev", "post", url, signed(key, private, jti=jti))
    assert "not a challenge of this page" in text_of(response)
    assert not is_confirmed(key)


def test_another_key_of_the_client_does_not_confirm_this_one(
    ask: Any, url: str, key: ClientKey, payments: Client, cast: SimpleNamespace
) -> None:
    private = new_private_key()
    second = register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Second", by=cast.dev
    )
    form = {"assertion": sign(private, "EdDSA", claims_of(key), kid=second.kid)}
    assert "another key of this client, “Second”" in text_of(ask("dev", "post", url, form))
    assert not is_confirmed(key)
    assert not is_confirmed(second)


def test_a_strangers_signature_does_not_confirm(ask: Any, url: str, key: ClientKey) -> None:
    assert ask("dev", "post", url, signed(key, new_private_key())).status_code == 422
    assert not is_confirmed(key)


@pytest.mark.parametrize(
    "pasted", ["", " ", "x", "a.b.c", "\0", "é" * 50, "." * 5000, "x" * 40_000]
)
def test_odd_pastes_are_refused_and_not_shown_again(
    ask: Any, url: str, key: ClientKey, pasted: str
) -> None:
    response = ask("dev", "post", url, {"assertion": pasted})
    assert response.status_code == 422
    assert not is_confirmed(key)


def test_what_was_pasted_is_not_shown_again(
    ask: Any, url: str, key: ClientKey, private: PrivateKey
) -> None:
    form = signed(key, private, jti="mine")
    assert form["assertion"].split(".")[2] not in text_of(ask("dev", "post", url, form))


def test_a_private_key_is_refused_blocked_and_not_shown(ask: Any, url: str) -> None:
    pem = private_pem()
    response = ask("dev", "post", url, {"assertion": pem})
    assert response.status_code == 422
    assert body_of(pem) not in text_of(response)
    assert "blocked permanently" in text_of(response)
    assert BlockedKey.objects.count() == 1


def test_its_own_private_key_revokes_it_and_the_page_says_which_key_and_what_next(
    ask: Any, url: str, key: ClientKey, private: PrivateKey, paths: SimpleNamespace
) -> None:
    response = ask("dev", "post", url, {"assertion": private_pem(private)})
    assert response.status_code == 422
    text = text_of(response)
    assert "“First” is revoked" in text
    assert "It was the last live key: Payments cannot authenticate until it has a new one." in text
    assert "What the command printed" not in text
    page = response.content.decode()
    assert f'href="{paths.key}"' in page
    assert f'href="{client_path(key.client)}#add-key"' in page


def test_private_key_of_another_key_of_the_client_is_named_and_this_one_stays(
    ask: Any, url: str, key: ClientKey, payments: Client, cast: SimpleNamespace
) -> None:
    private = new_private_key()
    register_pem(payments, material=public_pem(private), alg="EdDSA", label="Second", by=cast.dev)
    text = text_of(ask("dev", "post", url, {"assertion": private_pem(private)}))
    assert "“Second”</a> of Payments is revoked." in text
    assert "The other live keys stay" in text
    assert "What the command printed" in text


def test_private_key_of_a_client_that_one_may_not_see_is_not_named(
    ask: Any, url: str, other: Client, cast: SimpleNamespace
) -> None:
    private = new_private_key()
    theirs = register_pem(
        other, material=public_pem(private), alg="EdDSA", label="Hidden", by=cast.bob
    )
    text = text_of(ask("dev", "post", url, {"assertion": private_pem(private)}))
    theirs.refresh_from_db()
    assert theirs.revoked_at
    assert "Hidden" not in text
    assert "revoked wherever it was registered" in text


def test_private_key_inside_an_assertion_is_found_too(
    ask: Any, url: str, key: ClientKey, private: PrivateKey
) -> None:
    assertion = sign(private, "EdDSA", claims_of(key, pem=private_pem(private)), kid=key.kid)
    response = ask("dev", "post", url, {"assertion": assertion})
    key.refresh_from_db()
    assert response.status_code == 422
    assert key.revoked_at


def test_a_revoked_key_cannot_be_confirmed(
    ask: Any,
    url: str,
    key: ClientKey,
    private: PrivateKey,
    paths: SimpleNamespace,
    cast: SimpleNamespace,
) -> None:
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    assert ask("dev", "post", url, signed(key, private))["Location"] == paths.key
    assert not is_confirmed(key)


def test_the_token_endpoint_refuses_what_confirms_a_key(
    ask: Any, url: str, key: ClientKey, private: PrivateKey
) -> None:
    form = signed(key, private)
    parameters = {name: [value] for name, value in form_of(form["assertion"]).items()}
    with pytest.raises(AuthenticationRefused) as refusal:
        authenticate_client(parameters)
    assert refusal.value.refused.reason == Reason.AUD_MISMATCH
    assert not RedeemedAssertion.objects.exists()
    # Nor has trying it there burnt it, or confirming it redeemed it.
    ask("dev", "post", url, form)
    assert is_confirmed(key)
    assert not RedeemedAssertion.objects.exists()


def test_registering_leads_here(ask: Any, paths: SimpleNamespace, payments: Client) -> None:
    entered = good()
    browser_page = ask("dev", "post", paths.key_register, entered)
    assert browser_page.status_code == 302
    text = text_of(ask("dev", "get", paths.client))
    newest = payments.keys.latest("pk")
    assert reverse("key_confirmation", args=[payments.client_id, newest.kid]) in text


def test_a_key_that_must_be_confirmed_says_so_until_it_is(
    browser_of: Any,
    payments: Client,
    paths: SimpleNamespace,
    cast: SimpleNamespace,
    settings: Settings,
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    browser = browser_of("dev")
    text = text_of(browser.post(paths.key_register, good(label="strict"), follow=True))
    assert "“strict” is registered. It enters the JWKS after you confirm it." in text
    assert "Unconfirmed" in text
    strict = payments.keys.get(label="strict")
    assert "not confirmed" in text_of(browser.get(key_path(strict)))
    confirm_key(strict, by=cast.dev)
    assert "not confirmed" not in text_of(browser.get(key_path(strict)))
