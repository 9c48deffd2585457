"""GET and POST /console/clients/<client_id>/rights: an admin changes what a client may ask for."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import Settings

from portal.console.event_text import event_text
from portal.registry.choices import Verb
from portal.registry.models import Client, Event
from tests.db.pages import text_of
from tests.paths import client_path

API = "https://api.example.com"
CHOSEN = {
    "scopes": ["read", "write"],
    "grant_types": ["client_credentials"],
    "resources": [API],
}


@pytest.fixture(autouse=True)
def _resources(settings: Settings) -> None:
    settings.RESOURCES = {API: "Accounts"}


@pytest.fixture
def path(payments: Client) -> str:
    return reverse("console_client_rights", args=[payments.client_id])


def ticked(text: str) -> set[str]:
    """The values of the boxes that are ticked."""
    boxes = re.findall(r'<input type="checkbox"[^>]*>', text)
    return {re.findall(r'value="([^"]*)"', box)[0] for box in boxes if " checked" in box}


def test_the_form_shows_what_there_is_and_what_the_client_has(admin: Browser, path: str) -> None:
    text = text_of(admin.get(path))
    for label in ("See your data (read)", "Change your data (write)", f"Accounts ({API})"):
        assert label in text
    grant_types = {"authorization_code", "client_credentials", "refresh_token"}
    assert ticked(text) == {"read"} | grant_types


def test_a_change_is_saved_recorded_and_told(admin: Browser, path: str, payments: Client) -> None:
    response = admin.post(path, CHOSEN, follow=True)
    assert "The rights of Payments were saved." in text_of(response)
    assert ticked(text_of(response)) == {"read", "write", "client_credentials", API}
    payments.refresh_from_db()
    assert payments.allowed_scopes == ["read", "write"]
    event = Event.objects.get(verb=Verb.CHANGE_RIGHTS)
    assert event_text(event) == (
        "admin@example.com allowed the scope write and no longer allowed the grant types "
        "authorization_code, refresh_token and allowed the resource https://api.example.com "
        "for the client “Payments”."
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scopes": []}, "Choose a scope: every token needs one."),
        ({"scopes": ["everything"]}, "“everything” does not exist."),
        ({"grant_types": ["password"]}, "“password” does not exist."),
        ({"resources": ["https://x.example"]}, "“https://x.example” does not exist."),
    ],
)
def test_what_does_not_exist_is_refused(
    admin: Browser, path: str, payments: Client, change: dict[str, list[str]], words: str
) -> None:
    response = admin.post(path, CHOSEN | change)
    assert response.status_code == 422
    assert words in text_of(response)
    payments.refresh_from_db()
    assert payments.allowed_scopes == ["read"]


def test_resources_that_are_not_in_the_setting_are_told(
    admin: Browser, path: str, payments: Client
) -> None:
    Client.objects.update(resources=["https://old.example.com", API])
    assert "no longer in the setting RESOURCES:</strong> https://old.example.com" in text_of(
        admin.get(path)
    )
    admin.post(path, CHOSEN)
    payments.refresh_from_db()
    assert payments.resources == [API]


def test_without_resources_the_form_says_so(admin: Browser, path: str, settings: Settings) -> None:
    settings.RESOURCES = {}
    assert "the setting RESOURCES is empty" in text_of(admin.get(path))


def test_the_list_shows_who_may_ask_for_more(
    admin: Browser, path: str, payments: Client, other: Client
) -> None:
    admin.post(path, CHOSEN)
    text = text_of(admin.get(reverse("console_clients"), {"only": "more"}))
    assert "Payments" in text
    assert "Other" not in text.replace("Other verifiers", "")
    assert "extra rights" in text


def test_its_people_see_what_it_may_ask_for(admin: Browser, path: str, payments: Client) -> None:
    admin.post(path, CHOSEN)
    text = text_of(admin.get(client_path(payments)))
    assert "<code>read</code>, <code>write</code>" in text
    assert f"<code>{API}</code>" in text
