"""The block list."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.utils import timezone

from portal.console.views.blocked import MAX_SHOWN
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions import block_key
from portal.registry.choices import RevocationReason, Verb
from portal.registry.models import BlockedKey, Client, ClientKey, Event
from tests.keys import new_private_key, private_pem, public_pem
from tests.paths import key_path
from tests.registering import register_pem

from .conftest import KeyMaker

URL = "/console/blocked/"
SHA256 = "ab" * 32


def listed(answer: object) -> list[str]:
    """Return the SHA-256 of the rows, from top to bottom."""
    page = answer.content.decode()  # type: ignore[attr-defined]
    return re.findall(r'<code title="([0-9a-f]{64})">', page)


def test_lists_newest_first_with_who_and_why(admin: Browser, cast: SimpleNamespace) -> None:
    block_key(SHA256, by=cast.admin, note="Forum")
    block_key("cd" * 32, by=cast.admin)
    answer = admin.get(URL)
    assert listed(answer) == ["cd" * 32, SHA256]
    assert "“Forum”" in answer.content.decode()


def test_the_beginning_of_a_sha256_searches_the_list(admin: Browser, cast: SimpleNamespace) -> None:
    block_key(SHA256, by=cast.admin)
    block_key("cd" * 32, by=cast.admin)
    assert listed(admin.post(URL, {"q": "AB:AB"})) == [SHA256]
    assert listed(admin.get(URL, {"q": "cdcd"})) == ["cd" * 32]
    assert listed(admin.get(URL, {"q": "%"})) == []


@pytest.mark.parametrize("asked", [SHA256, SHA256.upper(), ":".join(["AB"] * 32), f" {SHA256}\n"])
def test_a_full_sha256_leads_to_the_page_of_that_key(asked: str, admin: Browser) -> None:
    assert admin.post(URL, {"q": asked})["Location"] == f"{URL}{SHA256}"


def test_a_pasted_key_leads_to_its_page_and_is_not_blocked_yet(admin: Browser) -> None:
    pem = public_pem(new_private_key())
    assert admin.post(URL, {"q": pem})["Location"] == f"{URL}{parse_public_key(pem).spki_sha256}"
    assert not BlockedKey.objects.exists()


def test_a_pasted_private_key_is_blocked_and_not_shown_again(admin: Browser) -> None:
    private = new_private_key()
    answer = admin.post(URL, {"q": private_pem(private)})
    page = answer.content.decode()
    sha256 = parse_public_key(public_pem(private)).spki_sha256
    assert answer.status_code == 422
    assert private_pem(private).splitlines()[1] not in page
    assert f'href="{URL}{sha256}"' in page
    assert BlockedKey.objects.filter(pk=sha256).exists()


def test_blocks_with_the_note_for_good(admin: Browser, cast: SimpleNamespace) -> None:
    assert "No client has this key now" in admin.get(URL + SHA256).content.decode()
    answer = admin.post(URL + SHA256, {"note": "Seen on a forum"}, follow=True)
    assert "This key is blocked" in answer.content.decode()
    blocked = BlockedKey.objects.get(pk=SHA256)
    assert (blocked.note, blocked.blocked_by) == ("Seen on a forum", cast.admin)


def test_shows_the_registered_key_and_asks_before_taking_the_last_one(
    admin: Browser, key: ClientKey
) -> None:
    path = URL + key.spki_sha256
    page = admin.get(path).content.decode()
    assert "Blocking revokes the key as compromised" in page
    assert "First" in page
    assert "I understand that Payments will no longer be able to authenticate" in page
    assert admin.post(path, {"note": ""}).status_code == 422
    assert not BlockedKey.objects.exists()
    assert admin.post(path, {"note": "", "last": key.client_id}).status_code == 302
    key.refresh_from_db()
    assert key.revocation_reason == RevocationReason.COMPROMISED


def test_blocking_again_changes_nothing(admin: Browser) -> None:
    admin.post(URL + SHA256, {"note": "First"})
    admin.post(URL + SHA256, {"note": "Second"})
    assert BlockedKey.objects.get().note == "First"
    assert Event.objects.filter(verb=Verb.BLOCK_KEY).count() == 1


@pytest.mark.parametrize("note", ["x" * 501, "a\0b"])
def test_a_note_that_cannot_be_kept_is_told(note: str, admin: Browser) -> None:
    assert admin.post(URL + SHA256, {"note": note}).status_code == 422
    assert not BlockedKey.objects.exists()


@pytest.mark.parametrize("asked", [{"q": "x" * 101}, {"before": "7"}, {"before": "'"}])
def test_absurd_filters_are_told(asked: dict[str, str], admin: Browser) -> None:
    answer = admin.get(URL, asked)
    assert answer.status_code == 422
    assert b"These filters are invalid" in answer.content


def test_pages_show_every_blocked_key_once_even_with_equal_dates(
    admin: Browser, cast: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The database refuses to change a date later on.
    monkeypatch.setattr(BlockedKey._meta.get_field("blocked_at"), "auto_now_add", False)
    facts = {"why": "admin", "blocked_by_user": cast.admin, "blocked_at": timezone.now()}
    BlockedKey.objects.bulk_create(BlockedKey(spki_sha256=f"{i:064x}", **facts) for i in range(120))
    seen, link = [], URL
    while link:
        answer = admin.get(link)
        seen += listed(answer)
        older = re.search(r'href="([^"]*)" rel="next"', answer.content.decode())
        link = older[1] if older else ""
    assert len(seen) == 120
    assert set(seen) == {f"{i:064x}" for i in range(120)}


def test_a_page_token_of_a_key_that_is_not_blocked_gives_an_empty_page(admin: Browser) -> None:
    assert listed(admin.get(URL, {"before": "00" * 32})) == []


def test_no_tick_is_needed_while_the_client_keeps_another_live_key(
    admin: Browser, payments: Client, make_keys: KeyMaker, key: ClientKey
) -> None:
    make_keys(payments, 1)
    admin.post(URL + key.spki_sha256, {"note": "n"})
    key.refresh_from_db()
    assert key.revoked_at


def test_a_key_of_several_clients_is_shown_and_blocked_in_each(
    admin: Browser, key: ClientKey, other: Client, cast: SimpleNamespace
) -> None:
    copy = register_pem(other, material=key.pem, alg="EdDSA", label="Copy", by=cast.bob)
    path = URL + key.spki_sha256
    page = admin.get(path).content.decode()
    assert key_path(key) in page
    assert key_path(copy) in page
    admin.post(path, {"note": "", "last": [key.client_id, copy.client_id]})
    assert not ClientKey.objects.filter(revoked_at=None).exists()
    assert "Blocking revokes the key" not in admin.get(path).content.decode()


def test_the_page_names_a_bounded_number_of_copies_and_blocks_all(
    admin: Browser, key: ClientKey, cast: SimpleNamespace, make_keys: KeyMaker
) -> None:
    clients = Client.objects.bulk_create(
        Client(name=f"Copy {i}", created_by=cast.bob) for i in range(MAX_SHOWN + 5)
    )
    facts = {"kid": key.kid, "spki_sha256": key.spki_sha256}
    for client in clients:
        make_keys(client, 1, **facts)
    path = URL + key.spki_sha256
    page = admin.get(path).content.decode()
    assert "and by 6 more clients" in page
    shown = re.findall(r'name="last" value="(\d+)"', page)
    assert len(shown) == MAX_SHOWN
    admin.post(path, {"note": "", "last": shown})
    assert not ClientKey.objects.filter(revoked_at=None).exists()
