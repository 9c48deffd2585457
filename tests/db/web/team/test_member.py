"""POST /clients/<client_id>/team/<row>/: another role."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.registry.choices import Role
from portal.registry.models import Client
from tests.db.pages import text_of


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("viewer", 403), ("dev", 403), ("admin", 403), ("alice", 302)],
)
def test_who_may_change_a_role(
    ask: Any,
    paths: SimpleNamespace,
    payments: Client,
    cast: SimpleNamespace,
    who: str | None,
    status: int,
) -> None:
    assert ask(who, "post", paths.member, {"role": "developer"}).status_code == status
    role = payments.memberships.get(user=cast.viewer).role
    assert role == (Role.DEVELOPER if who == "alice" else Role.VIEWER)


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("alice", method, paths.member).status_code == 405


@pytest.mark.parametrize("row", ["0", "999999999999999999", "9" * 30, "abc", "-1"])
def test_bad_rows_are_404(ask: Any, paths: SimpleNamespace, row: str) -> None:
    assert ask("alice", "post", f"{paths.team}{row}/", {"role": "viewer"}).status_code == 404


def test_a_member_of_another_client_is_404(ask: Any, paths: SimpleNamespace, other: Client) -> None:
    foreign = other.memberships.get().pk
    assert ask("alice", "post", f"{paths.team}{foreign}/", {"role": "viewer"}).status_code == 404


def test_without_a_csrf_token_nothing_changes(
    cast: SimpleNamespace, paths: SimpleNamespace, payments: Client
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    assert browser.post(paths.member, {"role": "owner"}).status_code == 403
    assert payments.memberships.get(user=cast.viewer).role == Role.VIEWER


def test_an_unknown_role_changes_nothing(
    browser_of: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    response = browser_of("alice").post(paths.member, {"role": "emperor"}, follow=True)
    assert "This is not a role" in text_of(response)
    assert payments.memberships.get(user=cast.viewer).role == Role.VIEWER


def test_the_last_owner_stays_owner(
    browser_of: Any, payments: Client, cast: SimpleNamespace
) -> None:
    own = payments.memberships.get(user=cast.alice).pk
    url = reverse("member", args=[payments.client_id, own])
    response = browser_of("alice").post(url, {"role": "viewer"}, follow=True)
    assert "would have no owner" in text_of(response)
    assert payments.memberships.get(user=cast.alice).role == Role.OWNER
