"""GET and POST /clients/<client_id>/edit/: name, contacts and redirect addresses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser

from portal.registry.models import Client
from tests.db.pages import text_of

GOOD = {"name": "Payments EU", "contacts": "eu@example.com"}


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("viewer", 403), ("dev", 403), ("admin", 403), ("alice", 302)],
)
def test_who_may_change_it(
    ask: Any, paths: SimpleNamespace, payments: Client, who: str | None, status: int
) -> None:
    assert ask(who, "post", paths.client_edit, GOOD).status_code == status
    payments.refresh_from_db()
    assert payments.name == ("Payments EU" if who == "alice" else "Payments")


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("alice", method, paths.client_edit).status_code == 405


def test_an_unknown_client_is_404(ask: Any, cast: SimpleNamespace) -> None:
    assert ask("alice", "get", "/clients/unknown/edit/").status_code == 404


def test_without_a_csrf_token_nothing_changes(
    cast: SimpleNamespace, paths: SimpleNamespace, payments: Client
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    assert browser.post(paths.client_edit, GOOD).status_code == 403
    payments.refresh_from_db()
    assert payments.name == "Payments"


def test_a_403_says_whom_to_ask(ask: Any, paths: SimpleNamespace) -> None:
    assert "owners can change its name" in text_of(ask("dev", "get", paths.client_edit))


def test_the_form_shows_what_stands(ask: Any, paths: SimpleNamespace) -> None:
    text = text_of(ask("alice", "get", paths.client_edit))
    assert 'value="Payments"' in text
    assert "team@example.com" in text


def test_htmx_gets_errors_as_a_fragment_and_success_as_a_new_page(
    ask: Any, paths: SimpleNamespace
) -> None:
    bad = ask("alice", "post", paths.client_edit, {"name": ""}, htmx=True)
    assert bad.status_code == 422
    assert "<html" not in text_of(bad)
    assert ask("alice", "post", paths.client_edit, GOOD, htmx=True)["HX-Redirect"] == paths.client


ADDRESS = "https://app.example.com/callback"


def test_redirect_addresses_are_kept_one_a_line(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    given = f"{ADDRESS}\r\n\r\n  http://localhost:8765/callback  \r\n"
    assert (
        ask("alice", "post", paths.client_edit, GOOD | {"redirect_uris": given}).status_code == 302
    )
    payments.refresh_from_db()
    assert payments.redirect_uris == [ADDRESS, "http://localhost:8765/callback"]
    form = text_of(ask("alice", "get", paths.client_edit))
    assert f"{ADDRESS}\nhttp://localhost:8765/callback</textarea>" in form


def test_leaving_them_out_takes_them_away(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    ask("alice", "post", paths.client_edit, GOOD | {"redirect_uris": ADDRESS})
    ask("alice", "post", paths.client_edit, GOOD | {"redirect_uris": ""})
    payments.refresh_from_db()
    assert payments.redirect_uris == []


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("http://app.example.com/", "must start with https://. Only localhost can use http://"),
        ("app.example.com", "is not a URI such as https://app.example.com/callback."),
        (f"{ADDRESS}#x", "has a fragment (#). A redirect URI cannot have one."),
        (f"{ADDRESS}\0", "Null characters are not allowed."),
        ("\n".join(f"{ADDRESS}/{n}" for n in range(21)), "These are 21 redirect URIs"),
        ("https://a.example/" + "x" * 10_000, "at most 10000 characters"),
    ],
)
def test_a_wrong_redirect_address_is_explained_beside_the_field(
    ask: Any, paths: SimpleNamespace, payments: Client, given: str, sentence: str
) -> None:
    response = ask("alice", "post", paths.client_edit, GOOD | {"redirect_uris": given})
    assert response.status_code == 422
    text = text_of(response)
    assert sentence in text
    assert 'id="id_redirect_uris_error"' in text
    payments.refresh_from_db()
    assert (payments.name, payments.redirect_uris) == ("Payments", [])


def test_the_settings_page_shows_them_only_when_there_are_any(
    ask: Any, paths: SimpleNamespace
) -> None:
    assert "Redirect URIs" not in text_of(ask("viewer", "get", paths.client))
    ask("alice", "post", paths.client_edit, GOOD | {"redirect_uris": f"{ADDRESS}\n{ADDRESS}/2"})
    text = text_of(ask("viewer", "get", paths.client))
    assert "Redirect URIs" in text
    assert f"{ADDRESS}/2" in text
