"""GET and POST /clients/new/: create a client."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser

from portal.registry.choices import Role
from portal.registry.models import Client
from tests.db.pages import text_of
from tests.paths import client_path

URL = "/clients/new/"
ADDRESS = "https://app.example.com/callback"
GOOD = {
    "name": "Treasury",
    "contacts": "a@example.com\nb@example.com",
    "redirect_uris": f"{ADDRESS}\r\n\r\n{ADDRESS}/2",
}


def test_anonymous_is_asked_to_sign_in(ask: Any, cast: SimpleNamespace) -> None:
    assert ask(None, "post", URL, GOOD).status_code == 302
    assert not Client.objects.exists()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_wrong_methods_are_refused(ask: Any, cast: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, URL).status_code == 405


def test_without_a_csrf_token_nothing_is_created(cast: SimpleNamespace) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.dev)
    response = browser.post(URL, GOOD)
    assert response.status_code == 403
    assert "Nothing was changed" in text_of(response)
    assert not Client.objects.exists()


def test_the_creator_becomes_the_owner(ask: Any, cast: SimpleNamespace) -> None:
    response = ask("dev", "post", URL, GOOD)
    client = Client.objects.get()
    assert response["Location"] == client_path(client)
    assert client.contacts == ["a@example.com", "b@example.com"]
    assert client.redirect_uris == [ADDRESS, f"{ADDRESS}/2"]
    assert client.memberships.get().user == cast.dev
    assert client.memberships.get().role == Role.OWNER


def test_htmx_is_sent_to_the_new_page(ask: Any, cast: SimpleNamespace) -> None:
    response = ask("dev", "post", URL, GOOD, htmx=True)
    assert response["HX-Redirect"] == client_path(Client.objects.get())


def test_where_admins_create_clients_others_get_403(
    ask: Any, cast: SimpleNamespace, settings: Any
) -> None:
    settings.CLIENT_CREATION = False
    response = ask("dev", "post", URL, GOOD)
    assert response.status_code == 403
    assert "Only admins can create clients" in text_of(response)
    assert ask("admin", "post", URL, GOOD).status_code == 302


def test_one_more_than_the_limit_is_refused_in_words(
    ask: Any, cast: SimpleNamespace, settings: Any
) -> None:
    settings.CLIENT_LIMIT = 1
    ask("dev", "post", URL, GOOD)
    response = ask("dev", "post", URL, GOOD)
    assert response.status_code == 422
    assert "the maximum number of clients" in text_of(response)
    assert "Treasury" in text_of(response)


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"name": "", "contacts": ""}, "Enter a name."),
        ({"name": "   ", "contacts": ""}, "Enter a name."),
        ({"name": "x" * 101, "contacts": ""}, "at most 100 characters"),
        ({"name": "a\0b", "contacts": ""}, "Null characters"),
        ({"name": "a\x07b", "contacts": ""}, "without control characters"),
        ({"name": "a", "contacts": "not a URI"}, "is not an e-mail address"),
        ({"name": "a", "contacts": "x" * 2000}, "at most 1000 characters"),
        ({"name": "a", "contacts": "\n".join(f"{i}@b.example" for i in range(21))}, "21 addresses"),
    ],
)
def test_bad_entries_are_named(
    ask: Any, cast: SimpleNamespace, entered: dict[str, str], said: str
) -> None:
    response = ask("dev", "post", URL, entered)
    assert response.status_code == 422
    assert said in text_of(response)
    assert not Client.objects.exists()


def test_what_was_entered_survives_an_error(ask: Any, cast: SimpleNamespace) -> None:
    text = text_of(ask("dev", "post", URL, {"name": "Treasury <b>", "contacts": "wrong"}))
    assert "Treasury &lt;b&gt;" in text
    assert ">\nwrong</textarea>" in text


def test_a_wrong_redirect_uri_is_explained_beside_its_field(
    ask: Any, cast: SimpleNamespace
) -> None:
    response = ask("dev", "post", URL, GOOD | {"redirect_uris": f"{ADDRESS}#x"})
    assert response.status_code == 422
    text = text_of(response)
    assert "has a fragment (#). A redirect URI cannot have one." in text
    assert 'id="id_redirect_uris_error"' in text
    assert not Client.objects.exists()
