"""GET /console/refused/: token requests that were refused, of all clients."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from portal.registry.models import Client
from tests.db.pages import check_page, text_of
from tests.db.recorded_requests import reference_of, refuse

URL = "/console/refused/"


@pytest.mark.parametrize(
    ("who", "status"), [(None, 302), ("stranger", 404), ("alice", 404), ("admin", 200)]
)
def test_who_may_see_it(browser_of: Any, who: str | None, status: int) -> None:
    assert browser_of(who).get(URL).status_code == status


def test_wrong_methods_are_refused(browser_of: Any) -> None:
    assert browser_of("admin").post(URL).status_code == 405


def test_requests_of_all_clients_and_of_none_are_there(
    browser_of: Any, payments: Client, other: Client
) -> None:
    for number, client in enumerate((payments, other, None)):
        refuse(client, number, ago=timedelta(minutes=9 - number))
    response = browser_of("admin").get(URL)
    check_page(response)
    text = text_of(response)
    shown = re.findall(r'data-copy="([a-z2-7]{16})"', text)
    assert shown == [reference_of(number) for number in (2, 1, 0)]
    assert payments.name in text
    assert "unknown" in text


def test_a_reference_finds_its_request(browser_of: Any, payments: Client) -> None:
    refuse(payments, 1)
    refuse(payments, 2)
    text = text_of(browser_of("admin").get(URL, {"q": reference_of(2)}))
    assert f"/token-requests/{reference_of(2)}/" in text
    assert f"/token-requests/{reference_of(1)}/" not in text


def test_a_reference_of_nothing_says_so(browser_of: Any) -> None:
    text = text_of(browser_of("admin").get(URL, {"q": reference_of(7)}))
    assert "No refused requests found" in text


@pytest.mark.parametrize("odd", ["a", "A" * 16, "1" * 16, "a%00"])
def test_what_is_no_reference_is_refused_with_what_one_looks_like(
    browser_of: Any, odd: str
) -> None:
    response = browser_of("admin").get(URL, {"q": odd})
    assert response.status_code == 422
    assert "A reference has 16 characters" in text_of(response)
