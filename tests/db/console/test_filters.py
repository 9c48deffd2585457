"""Filters are values: words, a query string and rows. A list examines a bounded number of rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.utils import timezone

from portal.console.filters import ClientFilter, KeyFilter, RefusedRequestFilter
from portal.registry import paging
from portal.registry.actions import deactivate_person
from portal.registry.models import Client, ClientKey
from tests.db.recorded_requests import accept, refuse

from .conftest import KeyMaker
from .test_keys import found


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that examines at most five rows."""
    monkeypatch.setattr(paging, "SCAN", 5)


def use(key: ClientKey, *, days: int) -> None:
    """Record that the key was used so many days ago."""
    accept(key, key.pk, ago=timedelta(days=days))


def test_a_filter_is_described_in_words() -> None:
    form = KeyFilter.parse("status=live&alg=PS256&unused=90&never_used=on&sort=expiry&before=7")
    assert form.is_valid()
    assert form.words() == [
        "Status: Live (active or retiring)",
        "Algorithm: PS256",
        "Not used for (days): 90",
        "Never used",
    ]
    assert form.query() == "status=live&alg=PS256&unused=90&never_used=on&sort=expiry"


@pytest.mark.parametrize("query", ["", "alg=EdDSA", "q=Vault", "q=Payments", "expiring=on", "q=va"])
def test_a_filter_returns_all_its_rows(
    query: str, payments: Client, make_keys: KeyMaker, few: None
) -> None:
    soon = timezone.now() + timedelta(days=3)
    keys = make_keys(payments, 8, label="Vault", expires_at=soon)
    form = KeyFilter.parse(query)
    assert form.is_valid()
    assert set(form.matching(timezone.now())) == set(keys)


def test_unused_keys(admin: Browser, payments: Client, make_keys: KeyMaker) -> None:
    old = timezone.now() - timedelta(days=100)
    for label, days in {"Lately": 3, "Long ago": 50}.items():
        use(*make_keys(payments, 1, label=label, registered_at=old), days=days)
    make_keys(payments, 1, label="Never", registered_at=old)
    make_keys(payments, 1, label="New")
    assert found(admin, never_used="on") == ["New", "Never"]
    assert found(admin, unused="30") == ["Never", "Long ago"]
    assert found(admin, unused="60") == ["Never"]


def test_keys_by_size_and_by_who_registered_them(
    admin: Browser, payments: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    for bits in (2048, 3072, 4096):
        make_keys(payments, 1, label=f"{bits}", alg="PS256", kty="RSA", curve="", bits=bits)
    make_keys(payments, 1, label="Of dev", registered_by=cast.dev)
    assert found(admin, size="under-3072") == ["2048"]
    assert found(admin, size="under-4096") == ["3072", "2048"]
    assert found(admin, size="from-4096") == ["4096"]
    assert found(admin, registered_by=" Dev@example.com ") == ["Of dev"]
    assert b"Nobody has the e-mail" in admin.get("/console/keys/?registered_by=x").content


def test_keys_of_clients_without_an_active_owner(
    admin: Browser, payments: Client, other: Client, make_keys: KeyMaker, cast: SimpleNamespace
) -> None:
    make_keys(other, 1, label="Owned")
    make_keys(payments, 1, label="Orphaned")
    deactivate_person(cast.alice, by=cast.admin)
    assert found(admin, ownerless="on") == ["Orphaned"]


def test_keys_by_expiry(admin: Browser, payments: Client, make_keys: KeyMaker) -> None:
    now = timezone.now()
    for label, days in {"Gone": -1, "Later": 90, "Soon": 2, "Next": 1}.items():
        make_keys(payments, 1, label=label, expires_at=now + timedelta(days=days))
    make_keys(payments, 1, label="Without")
    assert found(admin, sort="expiry") == ["Next", "Soon", "Later"]
    assert found(admin, sort="expiry", status="expired") == ["Gone"]


@pytest.mark.parametrize("query", ["sort=expiry", "never_used=on", "q=Payments", ""])
def test_pages_in_any_order_show_every_key_once_and_lead_back(
    query: str, payments: Client, make_keys: KeyMaker
) -> None:
    now = timezone.now()
    keys = make_keys(payments, 25, expires_at=now + timedelta(days=9))
    pages: list[list[int]] = []
    place: str | None = ""
    while place is not None:
        form = KeyFilter.parse(f"{query}{place}")
        page = form.page(now, size=10)
        assert page
        pages.append([key.pk for key in page.rows])
        place = f"&before={page.before}" if page.before else None
    assert sorted(pk for rows in pages for pk in rows) == [key.pk for key in keys]
    back = KeyFilter.parse(f"{query}&after={pages[1][0]}").page(now, size=10)
    assert back
    assert [key.pk for key in back.rows] == pages[0]


def test_a_search_stops_after_a_bounded_number_of_rows_and_goes_on(
    payments: Client, make_keys: KeyMaker, few: None, admin: Browser
) -> None:
    old = make_keys(payments, 3, label="Wanted")
    for key in make_keys(payments, 12):
        use(key, days=1)
    now, place, seen = timezone.now(), "", []
    for stopped, rows in ((True, 0), (True, 0), (False, 3)):
        form = KeyFilter.parse(f"never_used=on{place}")
        page = form.page(now)
        assert page
        assert (page.stopped, len(page.rows)) == (stopped, rows)
        seen += page.rows
        place = f"&before={page.before}"
    assert [key.pk for key in seen] == [key.pk for key in reversed(old)]
    text = admin.get("/console/keys/?never_used=on").content.decode()
    assert "No keys found yet" in text
    assert "“Older” continues it" in text


@pytest.mark.parametrize(
    ("query", "number", "exact"),
    [("", 5, False), ("never_used=on", 5, False), ("q=Wanted", 3, True), ("alg=ES256", 3, True)],
)
def test_counts_are_bounded(
    query: str, number: int, exact: bool, payments: Client, make_keys: KeyMaker, few: None
) -> None:
    make_keys(payments, 3, label="Wanted", alg="ES256")
    make_keys(payments, 12)
    form = KeyFilter.parse(query)
    assert form.is_valid()
    count = form.count(timezone.now())
    assert (count.number, count.is_exact) == (number, exact)


@pytest.mark.parametrize("find", [KeyFilter, ClientFilter])
def test_a_list_says_how_many_match(
    find: Callable[..., object], admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, 51)
    tab, text = {KeyFilter: ("keys", "51 keys"), ClientFilter: ("clients", "1 client")}[find]  # type: ignore[index]
    assert f">{text}<" in admin.get(f"/console/{tab}/").content.decode().replace("\n", "")


def test_refused_requests_by_client_reason_and_day(payments: Client, other: Client) -> None:
    now = timezone.now()
    for number, (client, days) in enumerate([(payments, 0), (payments, 2), (other, 0), (None, 0)]):
        refuse(client, number, ago=timedelta(days=days))
    day = now.date().isoformat()

    def matching(query: str) -> int:
        form = RefusedRequestFilter.parse(query)
        page = form.page(now)
        assert page, form.errors
        assert form.matching(now).count() == len(page.rows)
        return len(page.rows)

    assert matching("client=Payments") == 2
    assert matching(f"client=Payments&since={day}") == 1
    assert matching(f"until={day}") == 4
    assert matching("reason=jti_reused") == 0
