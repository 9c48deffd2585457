"""What the tests of the pages share."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.test import Client as Browser
from django.urls import reverse

from portal.registry.models import Client, ClientKey
from tests.db.web.pages import check_page

Ask = Callable[..., HttpResponse]


@pytest.fixture
def ask(browser_of: Callable[[str | None], Browser]) -> Ask:
    """A function that sends one request as somebody and checks what every page has in common.

    `ask("dev", "get", url, {…}, htmx=True)`; nobody is signed in as None.
    """

    def send(
        who: str | None, method: str, url: str, data: object = None, *, htmx: bool = False
    ) -> HttpResponse:
        headers = {"HX-Request": "true"} if htmx else {}
        response = getattr(browser_of(who), method)(url, data, headers=headers)
        check_page(response)
        assert isinstance(response, HttpResponse)
        return response

    return send


@pytest.fixture
def paths(payments: Client, key: ClientKey, cast: SimpleNamespace) -> SimpleNamespace:
    """The paths of everything about `payments` and its key."""
    client_id, kid = payments.client_id, key.kid
    member = payments.memberships.get(user=cast.viewer).pk
    of_client = ("client", "client_edit", "team", "key_register", "key_inspect")
    of_key = (
        "key",
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
