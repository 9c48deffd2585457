"""POST /api/oauth2/token: who gets what, and what keeps whom from it."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.registry.actions import change_client, revoke_key, suspend_client
from portal.registry.choices import RevocationReason
from portal.registry.models import (
    AccessToken,
    AuthorizationCode,
    Client,
    RedeemedAssertion,
    RefreshToken,
    RefusedRequest,
)
from tests.db.oauth.token_requests import (
    CALLBACK,
    FORM,
    ISSUER,
    TOKEN,
    Signer,
    body_of,
    new_signer,
    post,
)


def refused(response: Any, status: int, error: str) -> RefusedRequest:
    """Assert the refusal of a client that has signed in; return what was recorded of it."""
    body = body_of(response)
    assert (response.status_code, body["error"]) == (status, error)
    row = RefusedRequest.objects.get()
    assert row.reason == error
    assert row.reference in body["error_description"]
    return row


def test_a_client_gets_a_token_of_its_own(signer: Signer) -> None:
    response = signer.ask()
    assert response.status_code == 200
    body = body_of(response)
    token = AccessToken.objects.get()
    assert body == {
        "access_token": body["access_token"],
        "token_type": "Bearer",
        "expires_in": 900,
        "scope": "read",
    }
    assert (token.application, token.key, token.user) == (signer.client, signer.key, None)
    assert timedelta(0) < token.expires - timezone.now() <= timedelta(minutes=15)


def test_no_token_and_no_assertion_is_stored(signer: Signer) -> None:
    form = signer.form()
    body = body_of(post(TOKEN, form))
    for model in (AccessToken, RedeemedAssertion):
        stored = str(list(model.objects.values_list()))
        assert body["access_token"] not in stored
        assert form["client_assertion"].rpartition(".")[2] not in stored


def test_a_code_becomes_tokens_once(signer: Signer, cast: SimpleNamespace) -> None:
    code = signer.code_from(cast.bob)
    body = body_of(signer.exchange_code(code))
    assert body.keys() == {"access_token", "refresh_token", "token_type", "expires_in", "scope"}
    assert AccessToken.objects.get().user == cast.bob
    assert RefreshToken.objects.get().key == signer.key
    assert not AuthorizationCode.objects.exists()


def test_a_code_used_twice_ends_what_it_gave(signer: Signer, cast: SimpleNamespace) -> None:
    code = signer.code_from(cast.bob)
    first = body_of(signer.exchange_code(code))
    refused(signer.exchange_code(code), 400, "invalid_grant")
    assert not AccessToken.objects.exists()
    assert refresh(signer, first["refresh_token"]).status_code == 400


def test_a_code_of_another_client_ends_nothing(
    signer: Signer, other: Client, cast: SimpleNamespace
) -> None:
    code = signer.code_from(cast.bob)
    first = body_of(signer.exchange_code(code))
    refused(new_signer(other, cast.bob).exchange_code(code), 400, "invalid_grant")
    assert refresh(signer, first["refresh_token"]).status_code == 200


def test_a_code_that_is_used_up_while_it_is_looked_at_is_refused(
    signer: Signer, cast: SimpleNamespace
) -> None:
    code = signer.code_from(cast.bob)
    table = connection.ops.quote_name(AuthorizationCode._meta.db_table)

    def use_up(execute: Any, sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if sql.startswith("SELECT") and table in sql:
            AuthorizationCode.objects.all()._raw_delete(using="default")
        return found

    with connection.execute_wrapper(use_up):
        refused(signer.exchange_code(code), 400, "invalid_grant")
    assert not AccessToken.objects.exists()
    assert not RefreshToken.objects.filter(revoked=None).exists()


def test_the_address_may_be_left_out_when_there_is_only_one(
    signer: Signer, cast: SimpleNamespace
) -> None:
    code = signer.code_from(cast.bob)
    given = {"grant_type": "authorization_code", "code": code, "code_verifier": signer.verifier}
    assert signer.ask(**given).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"code": "another"},
        {"code_verifier": "x" * 43},
        {"code": "x" * 10_000},
    ],
)
def test_a_wrong_code_or_verifier_is_refused(
    signer: Signer, cast: SimpleNamespace, changes: dict[str, str]
) -> None:
    code = signer.code_from(cast.bob)
    refused(signer.exchange_code(**{"code": code} | changes), 400, "invalid_grant")
    assert not AccessToken.objects.exists()


def test_without_the_verifier_a_code_is_worth_nothing(
    signer: Signer, cast: SimpleNamespace
) -> None:
    code = signer.code_from(cast.bob)
    # RFC 6749 §3.2: an empty one is none.
    refused(signer.exchange_code(code, code_verifier=""), 400, "invalid_request")
    assert not AccessToken.objects.exists()


def test_a_code_of_another_client_is_refused(
    signer: Signer, other: Client, cast: SimpleNamespace
) -> None:
    code = signer.code_from(cast.bob)
    theirs = new_signer(other, cast.bob)
    theirs.verifier = signer.verifier
    refused(theirs.exchange_code(code), 400, "invalid_grant")


def test_a_code_is_over_after_a_minute(signer: Signer, cast: SimpleNamespace) -> None:
    code = signer.code_from(cast.bob)
    AuthorizationCode.objects.update(expires=timezone.now())
    refused(signer.exchange_code(code), 400, "invalid_grant")


def test_a_person_who_may_not_sign_in_any_more_gives_nothing(
    signer: Signer, cast: SimpleNamespace
) -> None:
    code = signer.code_from(cast.bob)
    cast.bob.is_active = False
    cast.bob.save()
    refused(signer.exchange_code(code), 400, "invalid_grant")


def refresh(signer: Signer, token: str, **more: str) -> Any:
    return signer.ask(grant_type="refresh_token", refresh_token=token, **more)


def test_a_refresh_token_is_rotated(signer: Signer, cast: SimpleNamespace) -> None:
    first = body_of(signer.exchange_code(signer.code_from(cast.bob)))
    second = body_of(refresh(signer, first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    assert body_of(refresh(signer, second["refresh_token"]))["access_token"]


def test_a_refresh_token_used_twice_ends_the_whole_family(
    signer: Signer, cast: SimpleNamespace
) -> None:
    first = body_of(signer.exchange_code(signer.code_from(cast.bob)))
    second = body_of(refresh(signer, first["refresh_token"]))
    assert refresh(signer, first["refresh_token"]).status_code == 400
    assert refresh(signer, second["refresh_token"]).status_code == 400
    assert not AccessToken.objects.exists()


def test_a_refresh_token_lives_ninety_days_past_its_access_token(
    signer: Signer, cast: SimpleNamespace
) -> None:
    first = body_of(signer.exchange_code(signer.code_from(cast.bob)))
    AccessToken.objects.update(expires=timezone.now() - timedelta(days=89, hours=23))
    second = body_of(refresh(signer, first["refresh_token"]))
    AccessToken.objects.update(expires=timezone.now() - timedelta(days=90))
    refused(refresh(signer, second["refresh_token"]), 400, "invalid_grant")


def test_a_refresh_does_not_widen_the_scope(signer: Signer, cast: SimpleNamespace) -> None:
    first = body_of(signer.exchange_code(signer.code_from(cast.bob)))
    refused(refresh(signer, first["refresh_token"], scope="read write"), 400, "invalid_scope")


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (RevocationReason.COMPROMISED, 400),
        (RevocationReason.UNSPECIFIED, 400),
        (RevocationReason.SUPERSEDED, 200),
    ],
)
def test_what_was_got_with_a_revoked_key_is_worth_nothing(
    signer: Signer, cast: SimpleNamespace, reason: RevocationReason, status: int
) -> None:
    first = body_of(signer.exchange_code(signer.code_from(cast.bob)))
    # Refreshed with another key, so that nothing but the origin speaks against it.
    newer = new_signer(signer.client, cast.alice, label="Newer")
    second = body_of(refresh(newer, first["refresh_token"]))
    revoke_key(signer.key, reason=reason, by=cast.alice)
    assert refresh(newer, second["refresh_token"]).status_code == status


def test_a_suspended_client_gets_nothing(signer: Signer, cast: SimpleNamespace) -> None:
    suspend_client(signer.client, note="", by=cast.admin)
    response = signer.ask()
    assert (response.status_code, body_of(response)["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("grant_type", "error"),
    [
        ("password", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:device_code", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "unsupported_grant_type"),
        ("x" * 10_000, "unsupported_grant_type"),
    ],
)
def test_there_are_three_grants_only(signer: Signer, grant_type: str, error: str) -> None:
    response = signer.ask(grant_type=grant_type, username="bob@example.com", password="x")
    refused(response, 400, error)


@pytest.mark.parametrize("form", [{"grant_type": ""}, {"grant_type": []}])
def test_a_missing_grant_type_is_named(signer: Signer, form: dict[str, Any]) -> None:
    row = refused(signer.ask(**form), 400, "invalid_request")
    assert row.seen == "The parameter grant_type is missing."


def test_parameters_without_a_value_are_as_if_not_there(signer: Signer) -> None:
    empty: dict[str, Any] = {
        "scope": "",
        "resource": ["", ""],
        "client_id": "",
        "client_secret": "",
        "code": "",
    }
    body = body_of(signer.ask(**empty))
    assert body["scope"] == "read"


def test_a_code_grant_names_the_redirect_uri_that_is_missing(
    signer: Signer, cast: SimpleNamespace
) -> None:
    code = signer.code_from(cast.bob)
    uris = [CALLBACK, "https://app.example.com/other"]
    change_client(signer.client, name="Payments", contacts=[], redirect_uris=uris, by=cast.alice)
    response = signer.exchange_code(code, redirect_uri="")
    assert refused(response, 400, "invalid_request").seen.startswith("The parameter redirect_uri")
    assert CALLBACK in body_of(response)["error_description"]
    assert signer.exchange_code(code).status_code == 200


@pytest.mark.parametrize("uri", [f"{CALLBACK}/", "https://app.example.com/other", "http://["])
def test_a_code_with_another_redirect_uri_is_no_valid_grant(
    signer: Signer, cast: SimpleNamespace, uri: str
) -> None:
    row = refused(
        signer.exchange_code(signer.code_from(cast.bob), redirect_uri=uri), 400, "invalid_grant"
    )
    assert row.seen == "The redirect_uri differs from that of the authorization request."
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize(
    ("form", "authorization", "challenge"),
    [
        ({"client_secret": "hunter2"}, "", None),
        ({}, "Basic", None),
        ({}, "Basic eDp5", f'Basic realm="{ISSUER}"'),
    ],
)
def test_a_client_secret_is_not_taken(
    signer: Signer, form: dict[str, str], authorization: str, challenge: str | None
) -> None:
    form = {"grant_type": "client_credentials", "client_id": signer.client.client_id, **form}
    response = post(TOKEN, form, **({"HTTP_AUTHORIZATION": authorization} if authorization else {}))
    body = body_of(response)
    assert (response.status_code, body["error"]) == (401, "invalid_client")
    assert body["error_description"].startswith("Client secrets are not supported")
    assert response.get("WWW-Authenticate") == challenge
    row = RefusedRequest.objects.get()
    assert (row.reason, row.client) == ("client_secret", signer.client)


def test_who_signs_in_with_an_assertion_gets_no_challenge(signer: Signer) -> None:
    response = post(TOKEN, signer.form(client_assertion=signer.assertion(exp=1)))
    assert response.status_code == 401
    assert "WWW-Authenticate" not in response


def chunked(body: bytes) -> Any:
    """Send a body without its length, as it comes to us in chunks."""
    sent = {"wsgi.input": BytesIO(body), "CONTENT_TYPE": FORM, "HTTP_TRANSFER_ENCODING": "chunked"}
    return Browser().generic("POST", TOKEN, **sent)  # type: ignore[arg-type]  # goes into the environment


def test_a_body_in_chunks_is_read(signer: Signer) -> None:
    assert chunked(urlencode(signer.form()).encode()).status_code == 200


def test_a_body_in_chunks_that_is_too_large_is_refused(signer: Signer) -> None:
    response = chunked(urlencode(signer.form(filler="x" * 70_000)).encode())
    assert response.status_code == 400
    assert body_of(response)["error_description"] == "The body has more than 64 KiB."


def test_without_an_address_a_client_acts_for_nobody(signer: Signer, cast: SimpleNamespace) -> None:
    code = signer.code_from(cast.bob)
    Client.objects.update(redirect_uris=[])
    refused(signer.exchange_code(code), 400, "unauthorized_client")


def test_a_refused_grant_burns_its_assertion_all_the_same(signer: Signer) -> None:
    form = signer.form(grant_type="authorization_code", code="nothing")
    assert body_of(post(TOKEN, form))["error"] == "invalid_grant"
    assert body_of(post(TOKEN, form))["error"] == "invalid_client"


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch", "options"])
def test_only_posts_are_answered(method: str) -> None:
    response = getattr(Browser(), method)(TOKEN)
    assert response.status_code == 405
    assert response["Allow"] == "POST"
    assert response["Cache-Control"] == "no-store"


def test_there_is_no_slash_at_the_end(db: None) -> None:
    assert post(f"{TOKEN}/", {}).status_code == 404


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", '{"grant_type": "client_credentials"}'),
        ("multipart/form-data; boundary=x", "--x--"),
        ("text/plain", "grant_type=client_credentials"),
        ("", ""),
        (FORM, "a=" + "x" * 70_000),
        (FORM, "grant_type=%00"),
    ],
)
def test_other_bodies_are_refused_in_json(db: None, content_type: str, body: str) -> None:
    response = Browser().post(TOKEN, body, content_type=content_type)
    assert (response.status_code, body_of(response)["error"]) == (400, "invalid_request")


def test_parameters_in_the_address_are_refused(signer: Signer) -> None:
    response = post(f"{TOKEN}?scope=write", signer.form())
    assert (response.status_code, body_of(response)["error"]) == (400, "invalid_request")
    assert not RedeemedAssertion.objects.exists()


def test_neither_session_nor_cookie_is_needed_or_given(signer: Signer) -> None:
    response = signer.ask()
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")


def test_a_token_of_its_own_takes_few_queries(signer: Signer) -> None:
    signer.ask()
    with CaptureQueriesContext(connection) as queries:
        signer.ask()
    told = [query["sql"].split()[0] for query in queries]
    # The key with its client; the redemption; the token, in a transaction of its own.
    assert [word for word in told if word in {"SELECT", "INSERT", "UPDATE"}] == [
        "SELECT",
        "INSERT",
        "INSERT",
    ]


def test_over_plain_http_nothing_is_read(signer: Signer, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = signer.ask()
    assert (response.status_code, body_of(response)["error"]) == (400, "invalid_request")
    assert not RedeemedAssertion.objects.exists()
    assert post(TOKEN, signer.form(), secure=True).status_code == 200


@pytest.mark.parametrize("resource", ["accounts", "http://[", "https://api.example.com/#x"])
def test_a_resource_has_to_be_an_address(signer: Signer, resource: str) -> None:
    refused(signer.ask(resource=resource), 400, "invalid_target")


def test_a_body_that_is_too_large_is_not_read(db: None) -> None:
    body = BytesIO(b"a=" + b"x" * 2_000_000)
    length = str(len(body.getvalue()))
    sent = {"wsgi.input": body, "CONTENT_TYPE": FORM, "CONTENT_LENGTH": length}
    response = Browser().generic("POST", TOKEN, **sent)  # type: ignore[arg-type]  # goes into the environment
    assert response.status_code == 400
    assert body_of(response)["error_description"] == "The body has more than 64 KiB."
    assert body.tell() == 0


def test_a_stated_length_of_thousands_of_digits_is_refused(signer: Signer) -> None:
    response = post(TOKEN, signer.form(), CONTENT_LENGTH="9" * 5000)
    assert (response.status_code, body_of(response)["error"]) == (400, "invalid_request")
