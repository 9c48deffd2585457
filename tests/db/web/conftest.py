"""Fixtures for the pages."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.urls import reverse

from portal.registry.models import Client, ClientKey


@pytest.fixture
def paths(payments: Client, key: ClientKey, cast: SimpleNamespace) -> SimpleNamespace:
    """The paths of all pages of `payments` and its key."""
    client_id, kid = payments.client_id, key.kid
    member = payments.memberships.get(user=cast.viewer).pk
    of_client = ("client", "client_edit", "team", "key_register", "key_inspect")
    of_key = (
        "key",
        "key_edit",
        "key_snippets",
        "key_retirement",
        "key_retirement_withdrawal",
        "key_revocation",
    )
    of_member = ("member", "member_removal")
    return SimpleNamespace(
        **{name: reverse(name, args=[client_id]) for name in of_client},
        **{name: reverse(name, args=[client_id, kid]) for name in of_key},
        **{name: reverse(name, args=[client_id, member]) for name in of_member},
    )
