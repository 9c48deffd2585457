"""GET /clients/<client_id>/jwks.json: which keys are in it, and when."""

from __future__ import annotations

import json
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from django.test import Client as Browser
from pytest_django import Settings

from portal.registry.actions import (
    confirm_key,
    keep_key,
    resume_client,
    retire_key,
    revoke_key,
    suspend_client,
)
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.db.publishing.conftest import Fetch, Register, in_seconds, kids, members

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Response

pytestmark = pytest.mark.sqlite

GRACE = timedelta(hours=1)


def test_live_key_is_published(key: ClientKey, fetch: Fetch) -> None:
    assert kids(fetch()) == [key.kid]


@pytest.mark.parametrize("alg", ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_rsa_and_ec_keys_carry_their_algorithm(alg: str, register: Register, fetch: Fetch) -> None:
    key = register(alg)
    [published] = members(fetch())
    assert (published["kid"], published["alg"], published["use"]) == (key.kid, alg, "sig")


def test_ed25519_key_carries_no_algorithm(key: ClientKey, fetch: Fetch) -> None:
    [published] = members(fetch())
    assert published.keys() == {"kty", "crv", "x", "kid", "use"}


@pytest.mark.parametrize("alg", ["Ed448", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
def test_key_that_breaks_verifiers_is_absent(alg: str, register: Register, fetch: Fetch) -> None:
    register(alg)
    assert members(fetch()) == []


def test_several_keys_are_sorted_by_kid(register: Register, fetch: Fetch) -> None:
    registered = [register(alg).kid for alg in ("PS256", "ES256", "EdDSA", "EdDSA")]
    assert kids(fetch()) == sorted(registered)


def test_key_whose_time_has_not_come_is_absent(register: Register, fetch: Fetch) -> None:
    register(not_before=in_seconds(60))
    assert kids(fetch()) == []


def test_key_is_published_from_its_start(register: Register, fetch: Fetch) -> None:
    key = register(not_before=in_seconds(-1))
    assert kids(fetch()) == [key.kid]


def test_key_that_waits_for_confirmation_is_absent(
    register: Register, fetch: Fetch, settings: Settings
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    register()
    assert kids(fetch()) == []


def test_confirmed_key_is_published_on_the_next_request(
    register: Register, cast: SimpleNamespace, fetch: Fetch, settings: Settings
) -> None:
    settings.REQUIRE_CONFIRMATION = True
    key = register()
    confirm_key(key, by=cast.dev)
    assert kids(fetch()) == [key.kid]


def test_expired_key_is_absent(key: ClientKey, fetch: Fetch) -> None:
    ClientKey.objects.filter(pk=key.pk).update(expires_at=in_seconds(-1))
    assert kids(fetch()) == []


def test_retired_key_is_absent(key: ClientKey, cast: SimpleNamespace, fetch: Fetch) -> None:
    retire_key(key, grace=timedelta(0), by=cast.dev)
    assert kids(fetch()) == []


def test_retiring_key_is_published(key: ClientKey, cast: SimpleNamespace, fetch: Fetch) -> None:
    retire_key(key, grace=GRACE, by=cast.dev)
    assert kids(fetch()) == [key.kid]


@pytest.mark.parametrize("grace", [GRACE, timedelta(0)])
def test_kept_key_is_published(
    key: ClientKey, cast: SimpleNamespace, fetch: Fetch, grace: timedelta
) -> None:
    retire_key(key, grace=grace, by=cast.dev)
    assert kids(fetch()) == ([key.kid] if grace else [])
    keep_key(key, by=cast.dev)
    assert kids(fetch()) == [key.kid]


def test_revocation_shows_on_the_next_request(
    key: ClientKey, cast: SimpleNamespace, register: Register, fetch: Fetch
) -> None:
    other = register("ES256")
    assert kids(fetch()) == sorted([key.kid, other.kid])
    revoke_key(key, reason=RevocationReason.COMPROMISED, by=cast.admin)
    assert kids(fetch()) == [other.kid]


def test_suspended_client_publishes_no_key(
    key: ClientKey, payments: Client, cast: SimpleNamespace, fetch: Fetch
) -> None:
    suspend_client(payments, note="Contract ended", by=cast.admin)
    assert kids(fetch()) == []


def test_resumed_client_publishes_again(
    key: ClientKey, payments: Client, cast: SimpleNamespace, fetch: Fetch
) -> None:
    suspend_client(payments, note="By mistake", by=cast.admin)
    resume_client(payments, by=cast.admin)
    assert kids(fetch()) == [key.kid]


def test_another_clients_keys_are_absent(key: ClientKey, other: Client) -> None:
    assert kids(Browser().get(f"/clients/{other.client_id}/jwks.json")) == []


def test_set_without_a_live_key_holds_one_that_verifies_nothing(
    payments: Client, fetch: Fetch
) -> None:
    [placeholder] = json.loads(fetch().content)["keys"]
    assert (placeholder["use"], "alg" in placeholder) == ("enc", False)


def test_client_that_lost_its_last_key_looks_like_one_that_never_had_any(
    key: ClientKey, cast: SimpleNamespace, other: Client, fetch: Fetch
) -> None:
    revoke_key(key, reason=RevocationReason.UNSPECIFIED, by=cast.dev)
    assert fetch().content == Browser().get(f"/clients/{other.client_id}/jwks.json").content


def test_media_type_is_that_of_a_jwk_set(key: ClientKey, fetch: Fetch) -> None:
    assert fetch()["Content-Type"] == "application/jwk-set+json"


def test_etag_stays_while_the_bytes_stay(key: ClientKey, fetch: Fetch) -> None:
    first, second = fetch(), fetch()
    assert (first["ETag"], first.content) == (second["ETag"], second.content)


def test_etag_stays_when_a_change_does_not_show(
    key: ClientKey, register: Register, cast: SimpleNamespace, fetch: Fetch
) -> None:
    before = fetch()["ETag"]
    register("Ed448")
    register("PS256", not_before=in_seconds(3600))
    retire_key(key, grace=GRACE, by=cast.dev)
    assert fetch()["ETag"] == before


def test_etag_changes_with_each_change_and_comes_back_with_the_bytes(
    key: ClientKey, register: Register, cast: SimpleNamespace, fetch: Fetch
) -> None:
    one = fetch()["ETag"]
    second = register("ES256")
    two = fetch()["ETag"]
    revoke_key(second, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    again = fetch()["ETag"]
    revoke_key(key, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    none = fetch()["ETag"]
    assert len({one, two, none}) == 3
    assert again == one


def _not_found(response: Response) -> None:
    assert response.status_code == 404
    assert response["Content-Type"] == "application/json"
    assert json.loads(response.content)["error"] == "not_found"
    assert response["Cache-Control"] == "public, max-age=10"
    assert "ETag" not in response
    assert not response.cookies


def test_unknown_client_is_not_found(payments: Client) -> None:
    _not_found(Browser().get("/clients/abcdefghijklmnopqrstuvwxyz234567/jwks.json"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    "client_id",
    [
        "%00",
        "abc%00def",
        "%0A",
        "%20",
        "%ED%A0%80",
        "%FF%FE",
        "a" * 5000,
        ".",
        "%25",
        quote("☃"),
        quote("' OR 1=1 --"),
        "<script>",
    ],
)
@pytest.mark.parametrize("name", ["jwks.json", "jwks-extended.json"])
def test_odd_client_id_is_not_found(client_id: str, name: str) -> None:
    _not_found(Browser().get(f"/clients/{client_id}/{name}"))


def test_client_id_in_other_letters_is_not_found(payments: Client) -> None:
    _not_found(Browser().get(f"/clients/{payments.client_id.upper()}/jwks.json"))
