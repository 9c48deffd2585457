"""GET /clients/<client_id>/token-requests/: what was refused and what was accepted."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from portal.registry.models import Client, ClientKey
from portal.web.token_requests.lists import PAGE_SIZE
from tests.db.pages import text_of
from tests.db.recorded_requests import accept, reference_of, refuse
from tests.paths import client_path, key_path

MINUTE = timedelta(minutes=1)


@pytest.fixture
def url(payments: Client) -> str:
    """The path of the list of `payments`."""
    return reverse("token_requests", args=[payments.client_id])


def references_in(text: str) -> list[str]:
    """Return the references that the page lists, in its order."""
    return re.findall(r'data-copy="([a-z2-7]{16})"', text)


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("bob", 404), ("viewer", 200), ("dev", 200), ("admin", 200)],
)
def test_who_may_see_it(ask: Any, url: str, who: str | None, status: int) -> None:
    assert ask(who, "get", url).status_code == status


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, url: str, method: str) -> None:
    assert ask("dev", method, url).status_code == 405


@pytest.mark.parametrize(
    "query", ["only=none", "before=1", "before=1.2.3", "after=x", f"before={'9' * 19}.1"]
)
def test_a_damaged_link_is_400(ask: Any, url: str, query: str) -> None:
    assert ask("dev", "get", f"{url}?{query}").status_code == 400


def test_the_newest_stand_first_whichever_way_they_ended(
    ask: Any, url: str, payments: Client, key: ClientKey
) -> None:
    accept(key, 1, ago=4 * MINUTE)
    refuse(payments, 2, ago=3 * MINUTE)
    accept(key, 3, ago=2 * MINUTE)
    refuse(payments, 4, ago=MINUTE)
    text = text_of(ask("viewer", "get", url))
    assert references_in(text) == [reference_of(number) for number in (4, 3, 2, 1)]


@pytest.mark.parametrize(("only", "numbers"), [("refused", [2]), ("accepted", [1])])
def test_one_outcome_can_be_asked_for(
    ask: Any, url: str, payments: Client, key: ClientKey, only: str, numbers: list[int]
) -> None:
    accept(key, 1)
    refuse(payments, 2)
    text = text_of(ask("dev", "get", f"{url}?only={only}"))
    assert references_in(text) == [reference_of(number) for number in numbers]


def test_a_grant_refused_after_the_sign_in_is_one_request(
    ask: Any, url: str, payments: Client, key: ClientKey
) -> None:
    accept(key, 1)
    refuse(payments, 1, key=key, kid=key.kid, reason="invalid_grant")
    text = text_of(ask("dev", "get", url))
    assert references_in(text) == [reference_of(1)]
    assert "Invalid code or refresh token" in text


def test_a_request_names_its_key_by_its_label(
    ask: Any, url: str, payments: Client, key: ClientKey
) -> None:
    refuse(payments, 1, key=key, kid=key.kid)
    text = text_of(ask("dev", "get", url))
    assert f'<a href="{key_path(key)}">{key.label}</a>' in text


def test_a_kid_that_is_no_key_of_the_client_is_no_link(
    ask: Any, url: str, payments: Client
) -> None:
    refuse(payments, 1, kid="k" * 43)
    text = text_of(ask("dev", "get", url))
    assert "no key of this client" in text
    assert f"/keys/{'k' * 43}/" not in text


def test_requests_of_other_clients_are_not_there(
    ask: Any, url: str, other: Client, key: ClientKey
) -> None:
    refuse(other, 1)
    refuse(None, 2)
    assert "No token requests yet" in text_of(ask("dev", "get", url))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "No token requests yet"),
        ("?only=refused", "No refused request"),
        ("?only=accepted", "No accepted request"),
    ],
)
def test_an_empty_list_says_what_will_be_here_and_for_how_long(
    ask: Any, url: str, settings: Any, query: str, said: str
) -> None:
    settings.TOKEN_REQUEST_DAYS = 17
    text = text_of(ask("dev", "get", url + query))
    assert said in text
    assert "appears here for 17 days" in text


def test_pages_lead_to_each_other_and_lose_nothing(
    ask: Any, url: str, payments: Client, key: ClientKey
) -> None:
    for number in range(120):
        ago = timedelta(minutes=200 - number)
        if number % 3:
            refuse(payments, number, ago=ago)
        else:
            accept(key, number, ago=ago)
    everything = [reference_of(number) for number in reversed(range(120))]

    def walk(text: str, relation: str) -> list[list[str]]:
        pages = [references_in(text)]
        while found := re.search(rf'href="([^"]+)" rel="{relation}"', text):
            text = text_of(ask("dev", "get", found[1].replace("&amp;", "&")))
            pages.append(references_in(text))
        last.append(text)
        return pages

    last: list[str] = []
    down = walk(text_of(ask("dev", "get", url)), "next")
    assert [len(page) for page in down] == [50, 50, 20]
    assert [each for page in down for each in page] == everything
    up = walk(last[-1], "prev")
    assert up[::-1] == down


def test_what_comes_in_meanwhile_shifts_no_page(
    ask: Any, url: str, payments: Client, key: ClientKey
) -> None:
    # All of the first page was refused, so that nothing on it stands in the other table.
    for number in range(60):
        refuse(payments, number, ago=timedelta(minutes=100 - number))
    first = text_of(ask("dev", "get", url))
    accept(key, 99)
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    second = references_in(text_of(ask("dev", "get", older[1].replace("&amp;", "&"))))
    assert second == [reference_of(number) for number in reversed(range(10))]


def test_its_queries_do_not_grow_with_the_requests(
    browser_of: Any, url: str, payments: Client, key: ClientKey, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        refuse(payments, number, key=key, kid=key.kid)
        accept(key, 100 + number)
    browser = browser_of("dev")
    # Who is asking (2), the client, both tables with the keys of their rows, and what is in both.
    with django_assert_max_num_queries(8):
        browser.get(url)


def test_a_page_of_sign_ins_without_a_token_leads_on(
    ask: Any, url: str, payments: Client, key: ClientKey
) -> None:
    """They are among the refused ones, and no more rows are read to fill the page."""
    for number in range(PAGE_SIZE + 1):
        accept(key, number, ago=number * MINUTE)
        refuse(payments, number, reason="invalid_scope", ago=number * MINUTE)
    page = text_of(ask("dev", "get", f"{url}?only=accepted"))
    assert "was refused afterwards" in page
    assert 'rel="next"' in page


@pytest.mark.parametrize(("hours", "said"), [(23, True), (25, False)])
def test_settings_tell_of_a_refusal_of_the_last_day(
    ask: Any, payments: Client, hours: int, said: bool
) -> None:
    refuse(payments, 1, reason="invalid_grant", ago=timedelta(hours=hours))
    text = text_of(ask("viewer", "get", client_path(payments)))
    assert ("The last token request was refused" in text) is said
    assert (reverse("token_request", args=[payments.client_id, reference_of(1)]) in text) is said


def test_settings_say_nothing_once_a_request_was_accepted(
    ask: Any, payments: Client, key: ClientKey
) -> None:
    refuse(payments, 1, ago=MINUTE)
    accept(key, 2)
    text = text_of(ask("dev", "get", client_path(payments)))
    assert "The last token request was refused" not in text
