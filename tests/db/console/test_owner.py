"""A client that nobody owns any more gets an owner from an admin."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.test import Client as Browser

from portal.registry.actions import deactivate_person
from portal.registry.choices import Role
from portal.registry.models import Client


@pytest.fixture
def orphaned(payments: Client, other: Client, cast: SimpleNamespace) -> Client:
    """A client whose only owner cannot sign in any more."""
    deactivate_person(cast.alice, by=cast.admin)
    return payments


def path(client: Client) -> str:
    return f"/console/clients/{client.client_id}/owner"


def test_it_is_found_and_leads_to_the_page(admin: Browser, orphaned: Client) -> None:
    found = admin.get("/console/clients/?only=ownerless").content.decode()
    assert "Payments" in found
    assert "Other" not in found
    assert path(orphaned) in found
    assert admin.get("/console/clients/").content.decode().count("no owner<") == 1


def test_somebody_is_appointed(admin: Browser, orphaned: Client, cast: SimpleNamespace) -> None:
    page = admin.get(path(orphaned)).content.decode()
    assert "Appoint an owner of Payments" in page
    assert "owner, deactivated" in page
    answer = admin.post(path(orphaned), {"email": "dev@example.com"}, follow=True)
    assert "dev@example.com is now an owner of Payments." in answer.content.decode()
    assert orphaned.memberships.get(user=cast.dev).role == Role.OWNER
    events = admin.get("/console/events/").content.decode()
    assert "appointed dev@example.com owner of the client “Payments”, which had none" in events
    assert "deactivated the account of alice@example.com" in events


@pytest.mark.parametrize("email", ["", "dev", "alice@example.com"])
def test_nobody_else_is(admin: Browser, orphaned: Client, email: str) -> None:
    answer = admin.post(path(orphaned), {"email": email})
    assert answer.status_code == 422
    assert Client.objects.without_owner().exists()


def test_who_is_no_member_is_asked(admin: Browser, orphaned: Client) -> None:
    answer = admin.post(path(orphaned), {"email": "bob@example.com"}, follow=True)
    said = "bob@example.com is asked to join Payments as owner, by e-mail."
    assert said in answer.content.decode()
    assert Client.objects.without_owner().exists()


def test_a_client_that_has_an_owner_keeps_the_choice(admin: Browser, other: Client) -> None:
    assert "Other has an owner" in admin.get(path(other)).content.decode()
    answer = admin.post(path(other), {"email": "dev@example.com"})
    assert answer.status_code == 422
    assert other.memberships.count() == 1
