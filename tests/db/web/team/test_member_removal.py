"""GET and POST /clients/<client_id>/team/<row>/removal/: take a member out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from portal.console.event_text import event_text
from portal.registry.actions import change_role, make_calendar_feed
from portal.registry.choices import Role
from portal.registry.models import Client
from tests.db.pages import text_of
from tests.db.registry.ledger.support import verified


@pytest.mark.parametrize(
    ("who", "status"),
    [(None, 302), ("stranger", 404), ("dev", 403), ("admin", 403), ("alice", 302), ("viewer", 302)],
)
def test_who_may_remove_somebody(
    ask: Any,
    paths: SimpleNamespace,
    payments: Client,
    cast: SimpleNamespace,
    who: str | None,
    status: int,
) -> None:
    assert ask(who, "post", paths.member_removal).status_code == status
    stays = payments.memberships.filter(user=cast.viewer).exists()
    assert stays == (who not in {"alice", "viewer"})


@pytest.mark.parametrize("method", ["put", "delete"])
def test_wrong_methods_are_refused(ask: Any, paths: SimpleNamespace, method: str) -> None:
    assert ask("alice", method, paths.member_removal).status_code == 405


def test_it_asks_first(
    ask: Any, paths: SimpleNamespace, payments: Client, cast: SimpleNamespace
) -> None:
    text = text_of(ask("alice", "get", paths.member_removal))
    assert "Remove viewer@example.com?" in text
    assert "calendar" not in text
    make_calendar_feed(payments, by=cast.dev)
    text = text_of(ask("alice", "get", paths.member_removal))
    assert "calendar address, which needs no sign-in: revoke it" in text
    assert payments.memberships.count() == 3


def test_without_a_csrf_token_nobody_leaves(
    cast: SimpleNamespace, paths: SimpleNamespace, payments: Client
) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(cast.alice)
    assert browser.post(paths.member_removal).status_code == 403
    assert payments.memberships.count() == 3


@pytest.mark.usefixtures("nobody_is_admin")
def test_a_member_leaves_and_the_event_says_so(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    assert "Leave<span" in text_of(ask("viewer", "get", paths.team))
    assert "Leave Payments?" in text_of(ask("viewer", "get", paths.member_removal))
    assert ask("viewer", "post", paths.member_removal)["Location"] == "/"
    assert ask("viewer", "get", paths.client).status_code == 404
    said = event_text(payments.events.latest("number"))
    assert said == "viewer@example.com left the client “Payments”, where they were viewer."
    verified()


def test_the_last_owner_stays_and_reads_what_to_do(
    ask: Any, browser_of: Any, payments: Client, cast: SimpleNamespace
) -> None:
    own = payments.memberships.get(user=cast.alice).pk
    url = reverse("member_removal", args=[payments.client_id, own])
    asked = text_of(ask("alice", "get", url))
    assert "Make another member an owner first" in asked
    assert "<button" not in asked.split("only owner")[1].split("</main>")[0]
    response = browser_of("alice").post(url, follow=True)
    assert "would have no owner" in text_of(response)
    assert payments.memberships.count() == 3


def test_who_leaves_is_led_to_what_they_may_still_see(
    ask: Any, payments: Client, cast: SimpleNamespace
) -> None:
    membership = payments.memberships.get(user=cast.dev)
    change_role(membership, role=Role.OWNER, by=cast.alice)
    url = reverse("member_removal", args=[payments.client_id, membership.pk])
    assert ask("dev", "post", url)["Location"] == "/"
