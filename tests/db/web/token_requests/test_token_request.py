"""GET of one token request, at its client and by the reference alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from portal.registry.models import Client, ClientKey
from tests.db.pages import text_of
from tests.db.recorded_requests import accept, reference_of, refuse
from tests.paths import key_path

REFERENCE = reference_of(1)


@pytest.fixture
def url(payments: Client) -> str:
    """The path of request 1 of `payments`."""
    return reverse("token_request", args=[payments.client_id, REFERENCE])


@pytest.fixture
def by_reference() -> str:
    """The path of request 1, whosever it is: the error_uri."""
    return reverse("token_request_reference", args=[REFERENCE])


WHO = [(None, 302), ("stranger", 404), ("bob", 404), ("viewer", 200), ("dev", 200), ("admin", 200)]


@pytest.mark.parametrize(("who", "status"), WHO)
def test_who_may_see_it(ask: Any, url: str, payments: Client, who: str | None, status: int) -> None:
    refuse(payments, 1)
    assert ask(who, "get", url).status_code == status


@pytest.mark.parametrize(
    ("who", "status"), [(who, 302 if status == 200 else status) for who, status in WHO]
)
def test_the_reference_leads_there(
    ask: Any, url: str, by_reference: str, payments: Client, who: str | None, status: int
) -> None:
    refuse(payments, 1)
    response = ask(who, "get", by_reference)
    assert response.status_code == status
    if who and status == 302:
        assert response["Location"] == url


@pytest.mark.parametrize(("who", "status"), [("dev", 404), ("stranger", 404), ("admin", 200)])
def test_a_request_of_an_unknown_client_is_for_admins(
    ask: Any, by_reference: str, payments: Client, who: str, status: int
) -> None:
    refuse(None, 1, reason="client_unknown")
    assert ask(who, "get", by_reference).status_code == status


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_wrong_methods_are_refused(
    ask: Any, url: str, by_reference: str, payments: Client, method: str
) -> None:
    refuse(payments, 1)
    assert ask("dev", method, url).status_code == 405
    assert ask("dev", method, by_reference).status_code == 405


@pytest.mark.parametrize("odd", ["a", "a" * 17, "A" * 16, "1" * 16, "%00" * 16, "a" * 16])
def test_an_unknown_reference_is_404(ask: Any, payments: Client, odd: str) -> None:
    assert (
        ask("dev", "get", f"/clients/{payments.client_id}/token-requests/{odd}/").status_code == 404
    )
    assert ask("dev", "get", f"/token-requests/{odd}/").status_code == 404


def test_a_request_of_another_client_is_404(ask: Any, url: str, other: Client) -> None:
    refuse(other, 1)
    assert ask("dev", "get", url).status_code == 404


def test_it_says_what_was_seen_and_what_was_expected(
    ask: Any, url: str, payments: Client, key: ClientKey
) -> None:
    refuse(payments, 1, key=key, kid=key.kid, seen="<b>https://a", expected="https://b")
    text = text_of(ask("viewer", "get", url))
    assert "&lt;b&gt;https://a" in text
    assert "https://b" in text
    assert f'<a href="{key_path(key)}">{key.label}</a>' in text


@pytest.mark.parametrize(
    "error",
    [
        "invalid_grant",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_request",
        "invalid_target",
    ],
)
def test_a_refused_grant_is_explained(ask: Any, url: str, payments: Client, error: str) -> None:
    refuse(payments, 1, reason=error)
    text = text_of(ask("dev", "get", url))
    assert "The client authenticated" in text
    assert "What to do" in text


def test_a_reason_of_a_later_release_is_named_by_its_code(
    ask: Any, url: str, payments: Client
) -> None:
    refuse(payments, 1, reason="of_tomorrow")
    assert "The request was refused: of_tomorrow" in text_of(ask("dev", "get", url))


def test_an_accepted_request_names_its_key(ask: Any, url: str, key: ClientKey) -> None:
    accept(key, 1)
    text = text_of(ask("dev", "get", url))
    assert "Accepted" in text
    assert key_path(key) in text
