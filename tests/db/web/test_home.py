"""GET /: where a person lands."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from portal.registry.actions import create_client
from portal.registry.models import Client
from tests.paths import client_path

HOME = "/"


def test_anonymous_is_asked_to_sign_in(ask: Any, cast: SimpleNamespace) -> None:
    assert ask(None, "get", HOME)["Location"] == f"{reverse('account_login')}?next=/"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, cast: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, HOME).status_code == 405


def test_who_has_one_client_lands_on_its_settings_page(ask: Any, payments: Client) -> None:
    assert ask("dev", "get", HOME)["Location"] == client_path(payments)


def test_who_has_several_clients_gets_the_list(
    ask: Any, payments: Client, cast: SimpleNamespace
) -> None:
    create_client(name="Second", by=cast.alice)
    assert ask("alice", "get", HOME)["Location"] == reverse("clients")


def test_who_has_no_client_gets_the_list_that_teaches(ask: Any, payments: Client) -> None:
    assert ask("stranger", "get", HOME)["Location"] == reverse("clients")


def test_an_admin_lands_in_the_console(ask: Any, payments: Client) -> None:
    assert ask("admin", "get", HOME)["Location"] == reverse("console")
