"""What is said when the database really does not answer: never an empty set."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client as Browser
from pytest_django import Settings

from portal.registry.models import Client, ClientKey
from tests.assertions import claims_of, form_of, sign
from tests.db.oauth.token_requests import INTROSPECT, ISSUER, REVOKE, TOKEN, body_of, post
from tests.keys import new_private_key

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


@pytest.fixture
def _database_gone(key: ClientKey, tmp_path: object) -> Iterator[None]:
    """Closes the connection and lets new ones knock where no server is."""
    there = connection.settings_dict["HOST"]
    connection.close()
    connection.settings_dict["HOST"] = str(tmp_path)
    yield
    connection.close()
    connection.settings_dict["HOST"] = there


@pytest.mark.usefixtures("_database_gone")
@pytest.mark.parametrize("name", ["jwks.json", "jwks-extended.json"])
def test_key_set_is_unavailable_and_not_empty(
    payments: Client, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = Browser().get(f"/clients/{payments.client_id}/{name}")
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response["Cache-Control"] == "no-store"
    assert "ETag" not in response
    assert json.loads(response.content)["error"] == "temporarily_unavailable"
    logged = [
        record for record in caplog.records if record.name == "portal.publishing.public_endpoint"
    ]
    assert [(record.levelno, bool(record.exc_info)) for record in logged] == [(logging.ERROR, True)]


@pytest.mark.usefixtures("_database_gone")
@pytest.mark.parametrize("path", [TOKEN, INTROSPECT, REVOKE])
def test_without_the_database_nobody_is_authenticated(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    claims = claims_of("payments", ISSUER)
    assertion = sign(new_private_key("ES256"), "ES256", claims)
    response = post(path, form_of(assertion, token="of somebody"))
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert body_of(response)["error"] == "temporarily_unavailable"
    assert assertion.rpartition(".")[2] not in caplog.text


@pytest.mark.usefixtures("_database_gone")
def test_readyz_says_that_the_database_is_missing_and_logs_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    response = Browser().get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "missing": "database",
        "description": "The database does not answer.",
    }
    [logged] = [record for record in caplog.records if record.name == "portal.health"]
    assert "No such file or directory" in logged.getMessage()


@pytest.mark.usefixtures("_database_gone")
def test_what_needs_no_database_goes_on() -> None:
    assert Browser().get("/healthz").status_code == 200
    assert Browser().get("/.well-known/oauth-authorization-server").status_code == 200


@pytest.mark.usefixtures("_database_gone")
@pytest.mark.parametrize("htmx", [False, True])
@pytest.mark.parametrize("signed_in", [False, True])
@pytest.mark.parametrize("path", ["/", "/account/login/"])
def test_people_are_told_kindly(path: str, signed_in: bool, htmx: bool, settings: Settings) -> None:
    browser = Browser(raise_request_exception=False)
    if signed_in:
        browser.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    form = {"login": "ann@example.com", "password": "correct horse battery"}
    headers = {"HX-Request": "true"} if htmx else {}
    response = browser.post(path, form, headers=headers)
    if path == "/" and not signed_in:
        # To sign in, or to be told to, needs no database.
        assert response.status_code == (403 if htmx else 302)
        return
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert "no-store" in response["Cache-Control"]
    assert b"Your last action may not have been saved." in response.content
    assert (b"<html" in response.content) is not htmx
