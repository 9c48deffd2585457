"""One rate for everything that a person does and that stays on record."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from portal.registry.models import Client, Event
from tests.db.pages import text_of


def edit(name: str) -> dict[str, str]:
    return {"name": name, "contacts": ""}


def test_all_pages_count_together(
    ask: Any, paths: SimpleNamespace, payments: Client, settings: Any
) -> None:
    settings.RATE_LIMITS = {"write": "2/1h/user"}
    ask("alice", "post", paths.client_edit, edit("One"))
    ask("alice", "post", "/clients/new/", edit("Another client"))
    events = Event.objects.count()
    for path in (paths.client_edit, "/clients/new/", paths.team, paths.member_removal):
        response = ask("alice", "post", path, edit("Two"))
        assert response.status_code == 429
    assert "Nothing was done" in text_of(response)
    assert "Wait 1 hour" in text_of(response)
    assert Event.objects.count() == events
    assert ask("alice", "get", paths.client_edit).status_code == 200
    assert ask("bob", "post", "/clients/new/", edit("Of bob")).status_code == 302


def test_admins_are_limited_too(ask: Any, payments: Client, settings: Any) -> None:
    settings.RATE_LIMITS = {"write": "1/1h/user"}
    path = f"/console/clients/{payments.client_id}/suspension"
    assert ask("admin", "post", path, {"note": "Audit"}).status_code == 302
    assert ask("admin", "post", path, {"note": "Audit"}).status_code == 429


def test_htmx_gets_a_notice_to_show_beside_the_button(
    ask: Any, paths: SimpleNamespace, settings: Any
) -> None:
    settings.RATE_LIMITS = {"write": "1/1h/user"}
    for _ in range(2):
        response = ask("alice", "post", paths.team, {"email": "x"}, htmx=True)
    assert response.status_code == 429
    assert response["Portal-Notice"] == "error"


def test_what_is_only_looked_at_does_not_count(
    ask: Any, paths: SimpleNamespace, settings: Any
) -> None:
    settings.RATE_LIMITS = {"write": "1/1h/user"}
    for _ in range(3):
        assert ask("dev", "post", paths.key_inspect, {"material": ""}).status_code == 200


def test_an_edit_keeps_what_changed_and_no_more(
    ask: Any, paths: SimpleNamespace, payments: Client
) -> None:
    contacts = [f"{number}@example.com" for number in range(20)]
    ask("alice", "post", paths.client_edit, edit("Payments") | {"contacts": "\n".join(contacts)})
    changed = [*contacts[:-1], "new@example.com"]
    ask("alice", "post", paths.client_edit, edit("Payments") | {"contacts": "\n".join(changed)})
    newest = Event.objects.first()
    assert newest
    assert newest.detail == {
        "contacts": {"added": ["new@example.com"], "removed": ["19@example.com"]}
    }


def views_of(patterns: list[URLPattern | URLResolver]) -> list[URLPattern]:
    found = []
    for each in patterns:
        found += views_of(each.url_patterns) if isinstance(each, URLResolver) else [each]
    return found


def test_only_these_views_are_left_out() -> None:
    out = {
        each.name
        for each in views_of(get_resolver().url_patterns)
        if getattr(each.callback, "has_own_limit", False)
    }
    account = {name for name in out if str(name).startswith("account_")}
    assert out - account == {"key_inspect", "assertion_debugger"}
