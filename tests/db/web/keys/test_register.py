"""GET and POST /clients/<client_id>/keys/: register a key."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.utils import timezone

from portal.core.dates import date_text
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions import confirm_key, revoke_key, suspend_client
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.db.pages import text_of
from tests.db.recorded_requests import accept
from tests.db.web.keys.key_forms import body_of, good
from tests.keys import new_private_key, public_pem
from tests.paths import client_path


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
def test_who_may_register(
    ask: Any,
    paths: SimpleNamespace,
    payments: Client,
    other: Client,
    who: str | None,
    status: int,
) -> None:
    assert ask(who, "post", paths.key_register, good()).status_code == status
    assert payments.keys.count() == (2 if who in {"dev", "alice"} else 1)


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, paths.key_register).status_code == 405


def test_a_get_leads_to_the_form(ask: Any, paths: SimpleNamespace) -> None:
    assert ask("dev", "get", paths.key_register)["Location"] == paths.client


def test_an_unknown_client_is_404(ask: Any, cast: SimpleNamespace) -> None:
    assert ask("dev", "post", "/clients/unknown/keys/", good()).status_code == 404


def test_without_a_csrf_token_nothing_is_registered(
    cast: SimpleNamespace, paths: SimpleNamespace, payments: Client
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    assert browser.post(paths.key_register, good()).status_code == 403
    assert payments.keys.count() == 1


@pytest.mark.parametrize(
    ("chosen", "status", "said"),
    [
        ("PS256", 302, ""),
        ("", 422, "Choose the algorithm that your client signs with."),
        ("RS256", 422, "RS256 is an older algorithm that this portal does not allow."),
        ("ES256", 422, "cannot be used with ES256"),
        ("PS256 ", 422, "The portal does not know this algorithm."),
        ("\tPS256", 422, "The portal does not know this algorithm."),
    ],
)
def test_a_jwk_with_an_older_algorithm_is_registered_for_the_newer_one(
    ask: Any, paths: SimpleNamespace, payments: Client, chosen: str, status: int, said: str
) -> None:
    jwk = parse_public_key(public_pem(new_private_key("PS256"))).jwk_members | {"alg": "RS256"}
    entered = good(material=json.dumps(jwk), alg=chosen)
    response = ask("dev", "post", paths.key_register, entered)
    assert response.status_code == status
    if status == 302:
        assert payments.keys.latest("pk").alg == "PS256"
        return
    text = text_of(response)
    assert said in text
    assert '<option value="PS256" selected>' in text


def test_a_pasted_key_is_live_and_said_so(
    browser_of: Any, payments: Client, cast: SimpleNamespace
) -> None:
    entered = good()
    response = browser_of("dev").post(f"{client_path(payments)}keys/", entered, follow=True)
    registered = payments.keys.get()
    assert registered.pem == entered["material"]
    assert registered.registered_by == cast.dev
    assert "is live. The JWKS contains it within 2 seconds" in text_of(response)
    assert "live keys. Without a kid" not in text_of(response)


def test_the_second_live_key_brings_kid(browser_of: Any, paths: SimpleNamespace) -> None:
    response = browser_of("dev").post(paths.key_register, good(), follow=True)
    assert "2 live keys. Without a kid" in text_of(response)


@pytest.mark.parametrize(("kid_sent", "is_warned"), [(False, True), (True, False), (None, False)])
def test_before_a_second_key_is_added_the_form_says_that_the_client_sends_no_kid(
    ask: Any, paths: SimpleNamespace, key: ClientKey, kid_sent: bool | None, is_warned: bool
) -> None:
    accept(key, 1, kid_sent=not kid_sent, ago=timedelta(hours=1))
    accept(key, 2, kid_sent=kid_sent, ago=timedelta(minutes=3))
    text = text_of(ask("dev", "get", paths.client))
    warning = re.search(
        r"Payments authenticated <time[^>]*>3 minutes ago</time> without a <code>kid", text
    )
    assert bool(warning) is is_warned


def test_before_a_second_key_of_a_client_that_never_signed_in_the_form_tells_of_the_kid(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    said = "most verifiers need the <code>kid</code>"
    assert said in text_of(ask("dev", "get", paths.client))
    accept(key, 1, kid_sent=True)
    assert said not in text_of(ask("dev", "get", paths.client))


def test_without_a_live_key_the_form_says_nothing_of_the_kid(
    ask: Any, paths: SimpleNamespace, key: ClientKey, cast: SimpleNamespace
) -> None:
    accept(key, 1, kid_sent=False)
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.dev)
    text = text_of(ask("dev", "get", paths.client))
    assert "without a <code>kid" not in text
    assert "most verifiers need the <code>kid" not in text


def test_a_file_is_taken(ask: Any, paths: SimpleNamespace, payments: Client) -> None:
    pem = public_pem(new_private_key("ES256"))
    file = SimpleUploadedFile("public_key.pem", pem.encode())
    entered = good(material="", file=file, alg="ES256")
    assert ask("dev", "post", paths.key_register, entered).status_code == 302
    assert payments.keys.filter(pem=pem).exists()


@pytest.mark.parametrize("page", ["key_register", "key_inspect"])
def test_empty_file_is_named_as_such(ask: Any, paths: SimpleNamespace, page: str) -> None:
    entered = good(material="", file=SimpleUploadedFile("public_key.pem", b""))
    text = text_of(ask("dev", "post", getattr(paths, page), entered))
    assert text.count("This file is empty.") == 1
    assert "Paste your public key" not in text


def test_form_suggests_a_label(ask: Any, paths: SimpleNamespace) -> None:
    text = text_of(ask("dev", "get", paths.client))
    [suggested] = re.findall(r'name="label" value="([^"]*)"', text)
    assert suggested == f"Key 2, {date_text(timezone.now())}"


def test_htmx_is_led_back_to_the_settings_with_the_messages(
    browser_of: Any, paths: SimpleNamespace
) -> None:
    response = browser_of("dev").post(
        paths.key_register, good(), follow=True, headers={"HX-Request": "true"}
    )
    text = text_of(response)
    assert "<html" not in text
    assert 'id="settings"' in text
    assert 'hx-swap-oob="innerHTML"' in text
    assert "is live" in text


def test_dates_are_utc(ask: Any, paths: SimpleNamespace, payments: Client) -> None:
    start = timezone.now().replace(second=0, microsecond=0) + timedelta(days=1)
    end = start + timedelta(days=1)
    entered = good(not_before=f"{start:%Y-%m-%dT%H:%M}", expires_at=f"{end:%Y-%m-%dT%H:%M}")
    assert ask("dev", "post", paths.key_register, entered).status_code == 302
    registered = payments.keys.get(label="production")
    assert (registered.not_before, registered.expires_at) == (start, end)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"material": ""}, "Paste your public key, or choose its file."),
        ({"material": " \n "}, "Paste your public key, or choose its file."),
        ({"label": ""}, "Enter a label"),
        ({"label": "x" * 101}, "at most 100 characters"),
        ({"label": "a\0b"}, "Null characters"),
        ({"label": "a\nb"}, "without control characters"),
        ({"alg": ""}, "Choose the algorithm"),
        ({"alg": "PS256"}, "cannot be used with PS256"),
        ({"alg": "none"}, "does not know this algorithm"),
        ({"alg": "RS256"}, "cannot be used with RS256"),
        ({"material": "hello"}, "notice-error"),
        ({"material": "\0\0\0"}, "notice-error"),
        ({"not_before": "yesterday"}, "Enter a date and time like"),
        ({"not_before": "0001-01-01T00:00"}, "Choose a start between now and"),
        ({"not_before": "9999-12-31T23:59"}, "Choose a start between now and"),
        ({"expires_at": "9999-12-31T23:59"}, "Choose an expiry date between now and"),
        ({"expires_at": "2020-01-01T00:00"}, "Choose an expiry date between now and"),
        ({"expires_at": "99999999999-01-01T00:00"}, "Enter a date and time like"),
        ({"not_before": "2\0"}, "Enter a date and time like"),
    ],
)
def test_bad_entries_are_named(
    ask: Any, paths: SimpleNamespace, payments: Client, changes: dict[str, str], said: str
) -> None:
    response = ask("dev", "post", paths.key_register, good(**changes))
    assert response.status_code == 422
    assert said in text_of(response)
    assert payments.keys.count() == 1


def test_an_end_before_the_start_is_named(ask: Any, paths: SimpleNamespace) -> None:
    now = timezone.now()
    start, end = now + timedelta(days=3), now + timedelta(days=2)
    entered = good(not_before=f"{start:%Y-%m-%dT%H:%M}", expires_at=f"{end:%Y-%m-%dT%H:%M}")
    text = text_of(ask("dev", "post", paths.key_register, entered))
    assert "would expire before it starts" in text


def test_everything_public_survives_an_error(ask: Any, paths: SimpleNamespace) -> None:
    entered = good(label="", expires_at="2020-01-01T00:00")
    text = text_of(ask("dev", "post", paths.key_register, entered))
    assert body_of(entered["material"]) in text
    assert "2020-01-01T00:00" in text
    assert '<option value="EdDSA" selected>' in text


def test_a_chosen_public_file_survives_as_text(ask: Any, paths: SimpleNamespace) -> None:
    pem = public_pem(new_private_key())
    entered = good(material="", label="", file=SimpleUploadedFile("k.pem", pem.encode()))
    assert body_of(pem) in text_of(ask("dev", "post", paths.key_register, entered))


def test_text_and_file_together_are_refused_and_the_text_survives(
    ask: Any, paths: SimpleNamespace
) -> None:
    entered = good(file=SimpleUploadedFile("k.pem", public_pem(new_private_key()).encode()))
    response = ask("dev", "post", paths.key_register, entered)
    assert "You entered both text and a file" in text_of(response)
    assert body_of(entered["material"]) in text_of(response)


def test_a_refusal_shows_the_command(ask: Any, paths: SimpleNamespace) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    short = public_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024))  # noqa: S505
    text = text_of(ask("dev", "post", paths.key_register, good(material=short, alg="PS256")))
    assert "This is an RSA key of 1024 bits." in text
    assert "rsa_keygen_bits:3072" in text


def test_the_same_key_twice_says_where_it_is(
    ask: Any, paths: SimpleNamespace, key: ClientKey
) -> None:
    text = text_of(ask("dev", "post", paths.key_register, good(material=key.pem)))
    assert "This client already has this key: “First”" in text


def test_a_key_of_another_client_says_nothing_of_it(
    ask: Any, other: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    confirm_key(key, by=cast.dev)
    url = f"{client_path(other)}keys/"
    text = text_of(ask("bob", "post", url, good(material=key.pem)))
    assert "cannot be registered" in text
    assert "Payments" not in text
    assert "First" not in text


def test_the_limit_is_said(ask: Any, paths: SimpleNamespace, settings: Any) -> None:
    settings.KEY_LIMIT = 1
    assert "the maximum number of keys" in text_of(ask("dev", "post", paths.key_register, good()))


def test_a_suspended_client_takes_no_key(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    suspend_client(payments, note="x", by=cast.admin)
    response = ask("dev", "post", paths.key_register, good())
    assert response.status_code == 422
    assert "cannot register keys" in text_of(response)


def test_too_many_tries_are_answered_with_429_and_the_input(
    ask: Any, paths: SimpleNamespace, payments: Client, settings: Any
) -> None:
    limits = {**settings.RATE_LIMITS, "key_upload": "1/1h/user"}
    settings.RATE_LIMITS = limits
    ask("dev", "post", paths.key_register, good(label=""))
    entered = good()
    response = ask("dev", "post", paths.key_register, entered)
    assert response.status_code == 429
    assert "at most 1 hour" in text_of(response)
    assert body_of(entered["material"]) in text_of(response)
    assert payments.keys.count() == 1


def test_a_file_just_over_the_limit_is_refused_unread(ask: Any, paths: SimpleNamespace) -> None:
    file = SimpleUploadedFile("k.pem", b"x" * (32 * 1024 + 1))
    response = ask("dev", "post", paths.key_register, good(material="", file=file))
    assert response.status_code == 422
    assert "more than 32 KiB" in text_of(response)


@pytest.mark.parametrize("htmx", [False, True])
def test_ten_megabytes_are_refused_whether_pasted_or_chosen(
    ask: Any, paths: SimpleNamespace, payments: Client, htmx: bool
) -> None:
    big = "A" * 10_000_000
    for entered in (
        good(material=big),
        good(material="", file=SimpleUploadedFile("k.pem", big.encode())),
    ):
        response = ask("dev", "post", paths.key_register, entered, htmx=htmx)
        assert response.status_code == 413
        assert "larger than this portal accepts" in text_of(response)
        assert len(response.content) < 5000
    assert payments.keys.count() == 1
