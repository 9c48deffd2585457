"""Archive a client, take it back, and delete one that never had a key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from portal.registry.actions import archive_client
from portal.registry.models import Client, ClientKey
from tests.db.pages import text_of


def path(name: str, client: Client) -> str:
    return reverse(name, args=[client.client_id])


def test_archiving_asks_for_the_name_and_says_which_keys_end(
    ask: Any, payments: Client, key: ClientKey
) -> None:
    url = path("client_archive", payments)
    assert url in text_of(ask("alice", "get", path("client_edit", payments)))
    text = text_of(ask("alice", "get", url))
    assert "1 key will retire now" in text
    assert key.label in text
    wrong = ask("alice", "post", url, {"confirmation": "Other"}, htmx=True)
    assert wrong.status_code == 422
    assert "Nothing was changed. Enter “Payments” to confirm." in text_of(wrong)
    assert ask("alice", "post", url, {"confirmation": "payments"})["Location"] == "/clients/"
    payments.refresh_from_db()
    assert payments.is_archived


def test_an_archived_client_leaves_the_lists_and_can_be_taken_back(
    ask: Any, payments: Client, key: ClientKey, cast: SimpleNamespace
) -> None:
    assert ask("alice", "get", "/")["Location"] == path("client", payments)
    assert "?archived=1" not in text_of(ask("alice", "get", "/clients/"))
    archive_client(payments, by=cast.alice)
    assert ask("alice", "get", "/")["Location"] == "/clients/"
    listed = text_of(ask("alice", "get", "/clients/"))
    assert payments.client_id not in listed
    assert "?archived=1" in listed
    assert payments.client_id in text_of(ask("alice", "get", "/clients/?archived=1"))
    console = "/console/clients/"
    assert payments.client_id not in text_of(ask("admin", "get", console))
    assert payments.client_id in text_of(ask("admin", "get", f"{console}?only=archived"))
    settings_page = text_of(ask("alice", "get", path("client", payments)))
    assert "This client is archived" in settings_page
    assert 'name="material"' not in settings_page
    assert "Take it back" not in text_of(ask("dev", "get", path("client", payments)))
    ask("alice", "post", path("client_archive_withdrawal", payments))
    assert 'name="material"' in text_of(ask("alice", "get", path("client", payments)))


@pytest.mark.sqlite
def test_a_client_that_never_had_a_key_is_deleted_and_all_its_urls_get_404(
    ask: Any, browser_of: Any, payments: Client
) -> None:
    url = path("client_delete", payments)
    assert url in text_of(ask("alice", "get", path("client_edit", payments)))
    assert "Delete Payments?" in text_of(ask("alice", "get", url))
    assert ask("alice", "post", url)["Location"] == "/clients/"
    console = "/console/clients/"
    assert payments.client_id not in text_of(ask("admin", "get", f"{console}?only=archived"))
    for who in ("alice", "admin"):
        for name in ("client", "client_edit", "team", "client_delete"):
            assert ask(who, "get", path(name, payments)).status_code == 404
    rights = path("console_client_rights", payments)
    assert ask("admin", "get", rights).status_code == 404
    jwks = browser_of(None).get(f"/clients/{payments.client_id}/jwks.json")
    assert jwks.status_code == 404


def test_a_client_with_a_key_is_not_deleted(
    ask: Any, browser_of: Any, payments: Client, key: ClientKey
) -> None:
    url = path("client_delete", payments)
    text = text_of(ask("alice", "get", url))
    assert "Payments cannot be deleted" in text
    assert path("client_archive", payments) in text
    said = text_of(browser_of("alice").post(url, follow=True))
    assert "Payments has had a key, so it can only be archived." in said
