"""The redirect URIs of a client in the database."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from portal.registry.actions import change_client, create_client
from portal.registry.errors import UnfitInput
from portal.registry.models import Client, Event

GOOD = "https://app.example.com/callback"


def test_a_change_is_on_record(payments: Client, cast: SimpleNamespace) -> None:
    change_client(
        payments, name="Payments", contacts=payments.contacts, redirect_uris=[GOOD], by=cast.alice
    )
    payments.refresh_from_db()
    assert payments.redirect_uris == [GOOD]
    detail = Event.objects.latest("id").detail
    assert detail == {"redirect_uris": {"added": [GOOD], "removed": []}}


def test_a_refused_address_changes_nothing(payments: Client, cast: SimpleNamespace) -> None:
    with pytest.raises(UnfitInput):
        change_client(
            payments, name="New", contacts=[], redirect_uris=["http://x.example"], by=cast.alice
        )
    payments.refresh_from_db()
    assert (payments.name, payments.redirect_uris) == ("Payments", [])


def test_a_client_can_be_created_with_them(cast: SimpleNamespace) -> None:
    made = create_client(name="New", redirect_uris=[GOOD], by=cast.bob)
    assert made.redirect_uris == [GOOD]
