"""The list of all keys: finding, filtering, paging."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.registry.actions import suspend_client
from portal.registry.choices import RevocationReason
from portal.registry.models import BlockedKey, Client, ClientKey, Event
from tests.keys import new_private_key, private_pem, public_pem
from tests.registering import register_pem

from .conftest import KeyMaker

URL = "/console/keys/"
HTMX = {"HX-Request": "true"}


def labels(answer: object) -> list[str]:
    """Return the labels of the keys in the answer, from top to bottom."""
    page = answer.content.decode()  # type: ignore[attr-defined]  # Django's test response
    return re.findall(r'<th scope="row"><a href="[^"]*">([^<]*)</a>', page)


def found(admin: Browser, **asked: str) -> list[str]:
    """Return the labels that a GET with these filters lists."""
    answer = admin.get(URL, asked)
    assert answer.status_code == 200
    return labels(answer)


@pytest.fixture
def two(payments: Client, other: Client, make_keys: KeyMaker) -> SimpleNamespace:
    """A key of each client, with nothing in common."""
    (one,) = make_keys(payments, 1, label="Vault one")
    (two,) = make_keys(other, 1, label="Laptop two", alg="ES256", kty="EC", curve="P-256")
    return SimpleNamespace(one=one, two=two)


def test_shows_the_keys_of_all_clients_newest_first(admin: Browser, two: SimpleNamespace) -> None:
    assert found(admin) == ["Laptop two", "Vault one"]


@pytest.mark.parametrize(
    "term",
    [
        "vault",
        "AULT O",
        "va",
        "Payments",
        "payme",
        "{client_id}",
        "{client_id:.10}",
        "{kid}",
        "{kid:.6}",
        "{sha}",
        "{sha:.12}",
        "{colons}",
        " {sha} ",
    ],
)
def test_one_box_finds_a_key_by_whatever_is_at_hand(
    term: str, admin: Browser, two: SimpleNamespace
) -> None:
    sha = two.one.spki_sha256
    asked = term.format(
        client_id=two.one.client.client_id,
        kid=two.one.kid,
        sha=sha,
        colons=":".join(sha[i : i + 2] for i in range(0, 64, 2)).upper(),
    )
    assert found(admin, q=asked) == ["Vault one"]


@pytest.mark.parametrize("term", ["nowhere", "zz", "%", "_", "ab" * 32, "A" * 43, "\\", "'", "☃"])
def test_what_nobody_has_finds_nothing(term: str, admin: Browser, two: SimpleNamespace) -> None:
    answer = admin.get(URL, {"q": term})
    assert answer.status_code == 200
    assert "No keys found" in answer.content.decode()


@pytest.mark.parametrize("newline", ["\n", "\r\n", ""])
def test_a_pasted_key_is_found_and_goes_into_no_address(
    newline: str, admin: Browser, payments: Client, cast: SimpleNamespace
) -> None:
    pem = public_pem(new_private_key())
    key = register_pem(payments, material=pem, alg="EdDSA", label="Pasted", by=cast.dev)
    answer = admin.post(URL, {"q": pem.replace("\n", newline), "status": "active"})
    assert answer.status_code == 302
    assert answer["Location"] == f"{URL}?q={key.spki_sha256}&status=active"
    assert labels(admin.get(answer["Location"])) == ["Pasted"]


def test_a_searched_word_becomes_an_address_that_can_be_kept(
    admin: Browser, two: SimpleNamespace
) -> None:
    answer = admin.post(URL, {"q": " vault ", "alg": "", "before": "7"})
    assert answer.status_code == 302
    assert answer["Location"] == f"{URL}?q=vault"


def test_htmx_gets_the_list_alone_and_the_address_to_show(
    admin: Browser, two: SimpleNamespace
) -> None:
    answer = admin.post(URL, {"q": "vault"}, headers=HTMX)
    assert answer.status_code == 200
    assert answer["HX-Push-Url"] == f"{URL}?q=vault"
    assert "HX-Request" in answer["Vary"]
    assert labels(answer) == ["Vault one"]
    assert b"<html" not in answer.content


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_pasted_private_key_is_refused_blocked_and_not_shown_again(
    headers: dict[str, str],
    admin: Browser,
    payments: Client,
    cast: SimpleNamespace,
    caplog: pytest.LogCaptureFixture,
) -> None:
    private = new_private_key()
    key = register_pem(
        payments, material=public_pem(private), alg="EdDSA", label="Leaked", by=cast.dev
    )
    pasted = private_pem(private)
    answer = admin.post(URL, {"q": pasted}, headers=headers)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "private key" in page
    assert "is now blocked" in page
    assert "HX-Push-Url" not in answer
    assert answer["HX-Trigger"] == '{"console:forget": {}}'
    secret = pasted.splitlines()[1]
    assert secret not in page
    assert secret not in caplog.text
    assert BlockedKey.objects.filter(pk=key.spki_sha256).exists()
    key.refresh_from_db()
    assert key.revocation_reason == RevocationReason.COMPROMISED


def test_an_unreadable_paste_is_explained_and_stays_in_the_box(admin: Browser) -> None:
    answer = admin.post(URL, {"q": "-----BEGIN PUBLIC KEY-----AAAA"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "notice-error" in page
    assert 'value="-----BEGIN PUBLIC KEY-----AAAA"' in page


@pytest.mark.parametrize("size", [10**6, 200_000])
def test_a_huge_paste_is_refused(size: int, admin: Browser) -> None:
    assert admin.post(URL, {"q": "A" * size}).status_code in {413, 422}


def test_searching_is_recorded_nowhere(admin: Browser, two: SimpleNamespace) -> None:
    admin.post(URL, {"q": public_pem(new_private_key())})
    assert not Event.objects.filter(verb__in=["refuse_key", "block_key"]).exists()


@pytest.mark.parametrize(
    "asked",
    [
        {"status": "disabled"},
        {"alg": "none"},
        {"age": "' OR 1=1"},
        {"q": "x" * 101},
        {"registered_from": "31.12.2025"},
        {"registered_from": "0001-01-01"},
        {"registered_to": "9999-12-31"},
        {"before": "abc"},
        {"before": "-1"},
        {"before": "9" * 400},
        {"after": "9223372036854775808"},
    ],
)
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_absurd_filters_are_told_and_list_nothing(
    asked: dict[str, str], headers: dict[str, str], admin: Browser, two: SimpleNamespace
) -> None:
    answer = admin.get(URL, asked, headers=headers)
    assert answer.status_code == 422
    assert "These filters are invalid" in answer.content.decode()
    assert labels(answer) == []


@pytest.mark.parametrize("token", ["0", "1", "9223372036854775807"])
@pytest.mark.parametrize("way", ["before", "after"])
def test_a_page_beside_a_row_that_is_not_there_is_empty_or_whole(
    way: str, token: str, admin: Browser, two: SimpleNamespace
) -> None:
    assert admin.get(URL, {way: token}).status_code == 200


def test_pages_show_every_key_once_in_both_directions(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, 120)
    newest_first = [f"Key {i}" for i in reversed(range(120))]
    for asked in ({}, {"age": "week"}):
        pages, answer = [], admin.get(URL, asked)
        pages.append(labels(answer))
        while link := _link(answer, "next"):
            answer = admin.get(URL + link)
            pages.append(labels(answer))
        assert [len(page) for page in pages] == [50, 50, 20]
        assert [label for page in pages for label in page] == newest_first
        back = [labels(answer)]
        while link := _link(answer, "prev"):
            answer = admin.get(URL + link)
            back.insert(0, labels(answer))
        assert back == pages


def test_filters_stay_in_the_links_to_other_pages(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, 60)
    link = _link(admin.get(URL, {"q": "Payments", "status": "live"}), "next")
    assert link is not None
    assert link.startswith("?status=live&q=Payments") or "q=Payments&status=live" in link


@pytest.mark.parametrize("number", [3, 50])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    number: int,
    admin: Browser,
    payments: Client,
    make_keys: KeyMaker,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    make_keys(payments, number)
    # The person (2), the clients and labels that match (2), where the search may stop, the keys,
    # their clients, and the rules of the key policy, which are a filter.
    with django_assert_max_num_queries(8):
        admin.get(URL, {"q": "Key", "status": "live"})


def test_a_suspended_client_is_marked(
    admin: Browser, two: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    suspend_client(payments, note="Audit", by=cast.admin)
    assert admin.get(URL).content.decode().count(">suspended<") == 1


def test_what_people_entered_is_escaped(
    admin: Browser, payments: Client, make_keys: KeyMaker
) -> None:
    make_keys(payments, 1, label="<img src=x>")
    page = admin.get(URL, {"q": "<img"}).content.decode()
    assert "&lt;img src=x&gt;" in page
    assert "<img" not in page


def test_revoked_keys_cannot_be_ticked(admin: Browser, key: ClientKey, cast: object) -> None:
    box = f'name="key" value="{key.pk}"'
    assert box in admin.get(URL).content.decode()
    admin.post(
        reverse("console_key_revocation"),
        {"key": key.pk, "reason": "unspecified", "last": key.client_id},
    )
    assert box not in admin.get(URL).content.decode()


def _link(answer: object, rel: str) -> str | None:
    page = answer.content.decode()  # type: ignore[attr-defined]
    match = re.search(rf'href="{URL}([^"]*)" rel="{rel}"', page)
    return match[1].replace("&amp;", "&") if match else None
