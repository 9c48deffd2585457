"""GET and POST /clients/<client_id>/team/: the members, and one more."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser

from portal.accounts.models import User
from portal.registry.actions import ask_member
from portal.registry.choices import Role
from portal.registry.models import Client, Membership
from tests.db.pages import text_of

GOOD = {"email": "bob@example.com", "role": "viewer"}


@pytest.mark.parametrize(
    ("who", "status"), [(None, 302), ("stranger", 404), ("viewer", 200), ("admin", 200)]
)
def test_who_may_see_it(ask: Any, paths: SimpleNamespace, who: str | None, status: int) -> None:
    assert ask(who, "get", paths.team).status_code == status


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("viewer", 403), ("dev", 403), ("admin", 403), ("alice", 302)],
)
def test_who_may_ask_somebody(
    ask: Any,
    paths: SimpleNamespace,
    payments: Client,
    cast: SimpleNamespace,
    who: str | None,
    status: int,
) -> None:
    assert ask(who, "post", paths.team, GOOD).status_code == status
    assert payments.pending_members.filter(email="bob@example.com").exists() == (who == "alice")
    assert not payments.memberships.filter(user=cast.bob).exists()


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("alice", method, paths.team).status_code == 405


def test_without_a_csrf_token_nobody_is_added(
    cast: SimpleNamespace, paths: SimpleNamespace, payments: Client
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    assert browser.post(paths.team, GOOD).status_code == 403
    assert not payments.pending_members.exists()


@pytest.mark.parametrize(
    ("entered", "said"),
    [
        ({"email": "", "role": "viewer"}, "Enter an e-mail address"),
        ({"email": "dev@example.com", "role": "viewer"}, "is already a member of Payments"),
        ({"email": "a\0b@example.com", "role": "viewer"}, "Null characters"),
        ({"email": "x" * 300 + "@example.com", "role": "viewer"}, "at most 254"),
        ({"email": "bob@example.com", "role": "emperor"}, "Select a valid choice"),
    ],
)
def test_bad_entries_are_named_and_survive(
    ask: Any, paths: SimpleNamespace, entered: dict[str, str], said: str
) -> None:
    response = ask("alice", "post", paths.team, entered)
    assert response.status_code == 422
    assert said in text_of(response)


def test_htmx_gets_the_team_alone(ask: Any, paths: SimpleNamespace) -> None:
    text = text_of(ask("alice", "get", paths.team, htmx=True))
    assert 'id="team"' in text
    assert "<html" not in text


def test_only_owners_see_the_controls(ask: Any, paths: SimpleNamespace) -> None:
    assert 'name="role"' not in text_of(ask("dev", "get", paths.team))
    assert 'name="role"' in text_of(ask("alice", "get", paths.team))


def test_many_members_are_shown_in_pages_and_found_by_address(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    people = User.objects.bulk_create(User(email=f"m{i:03}@example.com") for i in range(60))
    payments.memberships.bulk_create(
        Membership(client=payments, user=each, role=Role.VIEWER) for each in people
    )
    first = text_of(ask("alice", "get", paths.team))
    assert "alice@example.com" in first
    assert "m046@example.com" in first
    assert "m047@example.com" not in first
    (after,) = re.findall(r'href="([^"]*)" rel="next"', first)
    assert "m059@example.com" in text_of(ask("alice", "get", after))
    found = text_of(ask("alice", "get", paths.team, {"q": "M059@example.com"}))
    assert "m059@example.com" in found
    assert "m000@example.com" not in found


def test_who_changes_a_role_returns_to_the_same_page(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    row = payments.memberships.get(user=cast.viewer).pk
    form = {"role": "developer", "back": "before=7&q=viewer@example.com"}
    answer = ask("alice", "post", f"{paths.team}{row}/", form)
    assert answer["Location"] == f"{paths.team}?before=7&q=viewer%40example.com"


def test_a_person_is_asked_sees_it_first_and_joins(
    ask: Any, browser_of: Any, paths: SimpleNamespace, payments: Client, other: Client
) -> None:
    assert ask("bob", "get", "/")["Location"] == f"/clients/{other.client_id}/"
    answers = [
        text_of(browser_of("alice").post(paths.team, GOOD | {"email": email}, follow=True))
        for email in ("nobody@example.com", "bob@example.com")
    ]
    for text, email in zip(answers, ("nobody@example.com", "bob@example.com"), strict=True):
        assert f"{email} is asked to join as viewer, by e-mail" in text
    pending = payments.pending_members.get(email="bob@example.com")
    team = text_of(ask("viewer", "get", paths.team))
    assert "nobody@example.com" in team
    assert "Withdraw" not in team
    assert ask("bob", "get", "/")["Location"] == "/clients/"
    listed = text_of(ask("bob", "get", "/clients/"))
    assert "Join Payments?" in listed
    assert "alice@example.com asks bob@example.com to join as viewer" in listed
    assert ask("bob", "get", paths.client).status_code == 404
    accepted = browser_of("bob").post(f"/memberships/{pending.pk}/acceptance/", follow=True)
    assert accepted.redirect_chain[-1][0] == paths.client
    assert "You joined Payments as viewer." in text_of(accepted)
    assert "Join Payments?" not in text_of(ask("bob", "get", "/clients/"))


def test_a_person_declines_and_an_owner_withdraws(
    ask: Any, browser_of: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    first = ask_member(payments, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    declined = browser_of("bob").post(f"/memberships/{first.pk}/refusal/", follow=True)
    assert "You declined to join Payments." in text_of(declined)
    second = ask_member(payments, email="bob@example.com", role=Role.VIEWER, by=cast.alice)
    url = f"{paths.team}pending/{second.pk}/withdrawal/"
    assert url in text_of(ask("alice", "get", paths.team))
    withdrawn = browser_of("alice").post(url, follow=True)
    assert "bob@example.com is no longer asked to join." in text_of(withdrawn)
    assert ask("bob", "post", f"/memberships/{second.pk}/acceptance/").status_code == 404
