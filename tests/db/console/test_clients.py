"""The list of all clients."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.utils import timezone

from portal.registry.actions import suspend_client
from portal.registry.models import Client

from .conftest import KeyMaker

URL = "/console/clients/"


def rows(answer: object) -> dict[str, str]:
    """Return the text of each row of the list, by the client's name."""
    found = {}
    for row in re.findall(r"<tr>(.*?)</tr>", answer.content.decode(), re.DOTALL)[1:]:  # type: ignore[attr-defined]
        words = " ".join(re.sub(r"<[^>]+>", " ", row).split())
        found[re.findall(r"<a [^>]*>([^<]*)</a>", row)[0]] = words
    return found


def test_shows_status_live_keys_and_people(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    make_keys(payments, 2)
    make_keys(payments, 1, expires_at=timezone.now() - timedelta(days=1))
    suspend_client(other, note="Audit", by=cast.admin)
    Client.objects.filter(pk=payments.pk).update(created_at=timezone.now() - timedelta(minutes=5))
    shown = rows(admin.get(URL))
    assert list(shown) == ["Other", "Payments"]
    assert (
        f"{payments.client_id} Active 2 3 5 minutes ago Rights… of Payments Suspend… Payments"
        in shown["Payments"]
    )
    assert f"{other.client_id} Suspended 0 cannot authenticate 1" in shown["Other"]
    assert "Resume… Other" in shown["Other"]


@pytest.mark.parametrize("term", ["paym", "PAYMENTS", "{id}", "{id:.8}", "pa"])
def test_is_searched_by_name_and_client_id(
    term: str, admin: Browser, payments: Client, other: Client
) -> None:
    answer = admin.get(URL, {"q": term.format(id=payments.client_id)})
    # A client_id is random, and one in a thousand begins with these two letters.
    also = ["Other"] if other.client_id.startswith(term) else []
    assert list(rows(answer)) == [*also, "Payments"]


def test_filters(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    make_keys(payments, 1)
    suspend_client(payments, note="Audit", by=cast.admin)
    assert list(rows(admin.get(URL, {"only": "suspended"}))) == ["Payments"]
    assert list(rows(admin.get(URL, {"only": "keyless"}))) == ["Other"]


@pytest.mark.parametrize(
    "asked", [{"only": "all"}, {"q": "x" * 101}, {"before": "x"}, {"after": "9" * 30}]
)
def test_absurd_filters_are_told(asked: dict[str, str], admin: Browser, payments: Client) -> None:
    answer = admin.get(URL, asked)
    assert answer.status_code == 422
    assert b"These filters are invalid" in answer.content


def test_pages_show_every_client_once(admin: Browser, cast: SimpleNamespace) -> None:
    Client.objects.bulk_create(Client(name=f"C{i}", created_by=cast.alice) for i in range(60))
    first = admin.get(URL)
    older = re.search(r'href="/console/clients/(\?before=\d+)" rel="next"', first.content.decode())
    assert older
    names = [*rows(first), *rows(admin.get(URL + older[1]))]
    assert names == [f"C{i}" for i in reversed(range(60))]


@pytest.mark.parametrize("number", [2, 50])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    number: int,
    admin: Browser,
    cast: SimpleNamespace,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    Client.objects.bulk_create(Client(name=f"C{i}", created_by=cast.alice) for i in range(number))
    with django_assert_max_num_queries(4):
        admin.get(URL)
