"""GET /clients/: the clients that a person belongs to."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest

from portal.registry.actions import ask_member, create_client
from portal.registry.choices import Role
from portal.registry.models import Client
from tests.db.pages import text_of

URL = "/clients/"


def test_anonymous_is_asked_to_sign_in(ask: Any, cast: SimpleNamespace) -> None:
    assert ask(None, "get", URL).status_code == 302


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, cast: SimpleNamespace, method: str) -> None:
    assert ask("dev", method, URL).status_code == 405


def test_it_lists_own_clients_only(ask: Any, payments: Client, other: Client) -> None:
    text = text_of(ask("dev", "get", URL))
    assert payments.client_id in text
    assert other.client_id not in text


def test_it_says_how_many_belong_to_a_client(ask: Any, payments: Client) -> None:
    assert "3 members" in " ".join(text_of(ask("dev", "get", URL)).split())


def test_an_admin_sees_own_clients_here_and_all_in_the_console(ask: Any, payments: Client) -> None:
    assert payments.client_id not in text_of(ask("admin", "get", URL))


def test_who_has_none_is_told_what_a_client_is(ask: Any, cast: SimpleNamespace) -> None:
    text = text_of(ask("stranger", "get", URL))
    assert "You have no clients yet" in text
    assert "Create a client" in text


def test_where_admins_create_clients_nobody_else_is_offered_it(
    ask: Any, cast: SimpleNamespace, settings: Any
) -> None:
    settings.CLIENT_CREATION = False
    text = text_of(ask("stranger", "get", URL))
    assert "Admins create the clients of this portal" in text
    assert "/clients/new/" not in text


def test_a_search_finds_by_part_of_the_name(ask: Any, payments: Client) -> None:
    assert payments.client_id in text_of(ask("dev", "get", URL, {"q": "aymen"}))
    assert payments.client_id not in text_of(ask("dev", "get", URL, {"q": "treasury"}))


@pytest.mark.parametrize("odd", ["%00", "x" * 5000, "<script>alert(1)</script>", "' OR 1=1"])
def test_odd_searches_find_nothing_and_break_nothing(
    ask: Any, cast: SimpleNamespace, odd: str
) -> None:
    assert ask("dev", "get", URL, {"q": odd}).status_code == 200


@pytest.mark.parametrize("place", ["0", "-1", "999999999999999999999", "abc", "7"])
def test_odd_places_break_nothing(ask: Any, payments: Client, place: str) -> None:
    for name in ("before", "after"):
        assert ask("dev", "get", URL, {name: place}).status_code == 200


def test_many_clients_are_shown_in_pages(
    ask: Any,
    browser_of: Any,
    cast: SimpleNamespace,
    settings: Any,
    django_assert_max_num_queries: Any,
) -> None:
    settings.CLIENT_LIMIT = 100
    for number in range(30):
        create_client(name=f"Client {number:02}", by=cast.alice)
    browser = browser_of("alice")
    # The last one asks where the search may stop.
    with django_assert_max_num_queries(7):
        first = text_of(browser.get(URL))
    assert "Client 29" in first
    assert "Client 04" not in first
    (older,) = re.findall(r'href="([^"]*)" rel="next"', first)
    assert "Client 04" in text_of(ask("alice", "get", older))


def test_requests_to_join_are_shown_in_pages_in_the_order_of_the_first_request(
    ask: Any, payments: Client, cast: SimpleNamespace, settings: Any
) -> None:
    settings.CLIENT_LIMIT = 100
    real = ask_member(payments, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    clients = [create_client(name=f"Bait {number:02}", by=cast.stranger) for number in range(20)]
    for client in [*clients, clients[0]]:
        ask_member(client, email="bob@example.com", role=Role.VIEWER, by=cast.stranger)
    first = text_of(ask("bob", "get", URL))
    asked = re.findall(r"Join (Bait \d+)\?", first)
    assert asked == [f"Bait {number:02}" for number in reversed(range(20))]
    (older,) = re.findall(r'href="([^"]*)" rel="next"', first)
    second = text_of(ask("bob", "get", older))
    assert f"/memberships/{real.pk}/acceptance/" in second
    assert "Bait" not in second


def test_htmx_gets_the_list_alone(ask: Any, payments: Client) -> None:
    response = ask("dev", "get", URL, {"q": "Pay"}, htmx=True)
    assert payments.client_id in text_of(response)
    assert "<html" not in text_of(response)
    assert "HX-Request" in response["Vary"]
