"""GET /clients/<client_id>/: the Settings page."""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from portal.registry.actions import retire_key, revoke_key, suspend_client
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.db.pages import text_of
from tests.keys import new_private_key, public_pem
from tests.paths import client_path
from tests.registering import register_pem


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (None, 302),
        ("stranger", 404),
        ("bob", 404),
        ("viewer", 200),
        ("dev", 200),
        ("alice", 200),
        ("admin", 200),
    ],
)
def test_who_may_see_it(ask: Any, paths: SimpleNamespace, who: str | None, status: int) -> None:
    assert ask(who, "get", paths.client).status_code == status


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.client).status_code == 405


@pytest.mark.parametrize(
    "odd", ["none", "%00", "a%00b", "x" * 65, "%F0%9F%94%91", "a'b", "..%2f..", "%0d%0aSet-Cookie"]
)
def test_bad_ids_are_404(ask: Any, cast: SimpleNamespace, odd: str) -> None:
    assert ask("dev", "get", f"/clients/{odd}/").status_code == 404


def test_without_the_last_slash_people_are_led_there(ask: Any, payments: Client) -> None:
    response = ask("dev", "get", client_path(payments).removesuffix("/"))
    assert response["Location"] == client_path(payments)


def test_it_shows_what_goes_into_an_assertion(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    text = text_of(ask("dev", "get", paths.client))
    for value in (
        payments.client_id,
        "http://testserver",
        "http://testserver/api/oauth2/token",
        f"http://testserver/clients/{payments.client_id}/jwks.json",
    ):
        assert f'data-copy="{value}"' in text


@pytest.mark.parametrize("accepted", [True, False])
def test_it_says_whether_the_token_endpoint_may_be_the_audience(
    ask: Any, paths: SimpleNamespace, settings: Any, accepted: bool
) -> None:
    settings.ACCEPT_TOKEN_ENDPOINT_AUDIENCE = accepted
    text = text_of(ask("dev", "get", paths.client))
    assert ("or missing may name the token endpoint" in text) is accepted
    assert "not in this release" not in text


def test_the_extended_set_is_shown_when_a_key_needs_it(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    assert "jwks-extended.json" not in text_of(ask("dev", "get", paths.client))
    from cryptography.hazmat.primitives.asymmetric import ed448  # noqa: PLC0415

    material = public_pem(ed448.Ed448PrivateKey.generate())
    register_pem(payments, material=material, alg="Ed448", label="Big", by=cast.dev)
    assert "jwks-extended.json" in text_of(ask("dev", "get", paths.client))


def test_keys_stand_in_the_order_a_person_expects(
    ask: Any, paths: SimpleNamespace, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    now = timezone.now()

    def add(label: str, **dates: Any) -> ClientKey:
        material = public_pem(new_private_key())
        return register_pem(
            payments, material=material, alg="EdDSA", label=label, by=cast.dev, **dates
        )

    add("Starting", not_before=now + timedelta(days=2))
    retire_key(add("Leaving"), grace=timedelta(days=1), by=cast.dev)
    revoke_key(add("Gone"), reason=RevocationReason.COMPROMISED, by=cast.dev)
    add("Newest")
    text = text_of(ask("dev", "get", paths.client))
    places = [
        text.index(f">{each}</a>") for each in ("Newest", "First", "Leaving", "Starting", "Gone")
    ]
    assert places == sorted(places)
    assert "4 of 10 keys" in text
    assert "1 expired, retired or revoked" in text


def test_keys_come_before_the_values_and_the_form_is_folded(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    text = text_of(ask("dev", "get", paths.client))
    places = [text.index(each) for each in ('id="keys-title"', ">First</a>", "assertion-title")]
    assert places == sorted(places)
    assert '<details class="add">' in text
    refused = text_of(ask("dev", "post", paths.key_register, {"label": "kept"}))
    assert '<details class="add" open>' in refused


def test_values_name_every_endpoint_that_a_client_needs(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    values = (
        "http://testserver/api/oauth2/authorize",
        "http://testserver/.well-known/oauth-authorization-server",
    )
    text = text_of(ask("dev", "get", paths.client))
    assert [f'data-copy="{value}"' in text for value in values] == [True, True]
    Client.objects.filter(pk=payments.pk).update(grant_types=["client_credentials"])
    text = text_of(ask("dev", "get", paths.client))
    assert [f'data-copy="{value}"' in text for value in values] == [False, True]


@pytest.fixture
def ended(payments: Client, key: ClientKey, cast: SimpleNamespace) -> None:
    """25 retired keys, E1 to E25."""
    for number in range(1, 26):
        material = public_pem(new_private_key())
        added = register_pem(
            payments, material=material, alg="EdDSA", label=f"E{number}", by=cast.dev
        )
        retire_key(added, grace=timedelta(), by=cast.dev)


def ended_shown(text: str) -> list[int]:
    return [int(number) for number in re.findall(r">E(\d+)</a>", text)]


def query_of(text: str, rel: str) -> str:
    """Return the query of the link to the newer ("prev") or older ("next") page."""
    [query] = re.findall(rf'\?([^"]*)" rel="{rel}"', text)
    return str(query).replace("&amp;", "&")


@pytest.mark.usefixtures("ended")
def test_ended_keys_are_folded_and_paged(ask: Any, paths: SimpleNamespace) -> None:
    text = text_of(ask("viewer", "get", paths.client))
    assert "25 expired, retired or revoked" in text
    assert ended_shown(text) == list(range(25, 15, -1))
    assert 'id="ended"' in text
    assert not re.search(r'<details[^>]*id="ended"[^>]* open', text)
    assert len(re.findall(r'Retired</span><span class="hint"><time[^>]*>just now', text)) == 10

    older = text_of(ask("viewer", "get", f"{paths.client}?{query_of(text, 'next')}"))
    assert ended_shown(older) == list(range(15, 5, -1))
    # Only the links to other pages of the list: those of the keys lead away from this page.
    assert re.findall(r"<(\w+)[^>]* hx-boost", older) == ["div"]
    assert older.index("hx-boost") > older.index(">E6</a>")
    assert re.search(r'<details[^>]*id="ended"[^>]* open', older)
    assert ">First</a>" in older
    fragment = text_of(ask("viewer", "get", f"{paths.client}?{query_of(older, 'next')}", htmx=True))
    assert ended_shown(fragment) == [5, 4, 3, 2, 1]
    assert ">First</a>" not in fragment
    newer = text_of(ask("viewer", "get", f"{paths.client}?{query_of(fragment, 'prev')}"))
    assert ended_shown(newer) == list(range(15, 5, -1))


@pytest.mark.parametrize("place", ["x", "0", "-1", str(2**63)])
def test_place_that_is_no_key_is_refused(ask: Any, paths: SimpleNamespace, place: str) -> None:
    assert ask("dev", "get", f"{paths.client}?before={place}").status_code == 400


def test_with_two_live_keys_it_says_that_others_ask_for_the_kid(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    said = "With more than one live key, most verifiers need the"
    assert said not in text_of(ask("dev", "get", paths.client))
    register_pem(
        payments, material=public_pem(new_private_key()), alg="EdDSA", label="2", by=cast.dev
    )
    assert said in text_of(ask("dev", "get", paths.client))


def test_a_key_that_expires_soon_is_flagged(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    material = public_pem(new_private_key())
    soon = timezone.now() + timedelta(days=19)
    register_pem(payments, material=material, alg="EdDSA", label="S", by=cast.dev, expires_at=soon)
    text = text_of(ask("dev", "get", paths.client))
    assert text.count("tag-warn") == 1
    assert "in 2 weeks, 5 days" in text


def test_a_client_without_keys_teaches_how_to_make_one(ask: Any, payments: Client) -> None:
    text = text_of(ask("dev", "get", client_path(payments)))
    assert "No keys yet" in text
    assert "rsa_keygen_bits:3072" in text
    assert "-algorithm ED25519" in text
    assert "Make a key in this browser" in text


@pytest.mark.parametrize("who", ["viewer", "admin"])
def test_who_may_not_add_keys_sees_no_form(ask: Any, paths: SimpleNamespace, who: str) -> None:
    assert "data-key-form" not in text_of(ask(who, "get", paths.client))


def test_a_suspension_is_said_with_its_reason(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    suspend_client(payments, note="Contract ended.", by=cast.admin)
    text = text_of(ask("viewer", "get", paths.client))
    assert "This client is suspended" in text
    assert "Contract ended." in text


def test_names_and_labels_are_escaped(ask: Any, payments: Client, cast: SimpleNamespace) -> None:
    label = '<img src=x onerror="alert(1)">'
    register_pem(
        payments, material=public_pem(new_private_key()), alg="EdDSA", label=label, by=cast.dev
    )
    text = text_of(ask("dev", "get", client_path(payments)))
    assert "<img" not in text
    assert "&lt;img src=x" in text


def test_htmx_gets_the_settings_alone(ask: Any, paths: SimpleNamespace) -> None:
    response = ask("dev", "get", paths.client, htmx=True)
    assert "<html" not in text_of(response)
    assert 'id="settings"' in text_of(response)
    assert "HX-Request" in response["Vary"]


def test_a_page_of_the_history_is_whole_for_htmx_too(
    browser_of: Any, paths: SimpleNamespace
) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    assert "<html" in text_of(browser_of("dev").get(paths.client, headers=headers))


def test_its_queries_do_not_grow_with_the_keys(
    browser_of: Any, payments: Client, cast: SimpleNamespace, django_assert_max_num_queries: Any
) -> None:
    for number in range(10):
        material = public_pem(new_private_key())
        register_pem(payments, material=material, alg="EdDSA", label=f"Key {number}", by=cast.dev)
    browser = browser_of("dev")
    # One of them is when the client signed in last, one how many keys it has had, one whether there
    # is a calendar address, and one the rules of the key policy, for these keys and new ones.
    with django_assert_max_num_queries(14):
        browser.get(client_path(payments))
