"""The console in a real browser: finding a key by pasting it, and revoking it knowingly."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

from portal.registry import actions
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.browser.checks import check_accessible
from tests.keys import new_private_key, private_pem, public_pem
from tests.registering import register_pem

Opener = Callable[..., Page]


@pytest.fixture
def world(cast: SimpleNamespace, payments: Client, other: Client) -> SimpleNamespace:
    """A client with a single key, one with three, a suspended one, and a blocked key."""
    suspended = actions.create_client(name="Suspended", by=cast.bob)
    private = new_private_key()

    def register(client: Client, material: str, label: str) -> ClientKey:
        return register_pem(client, material=material, alg="EdDSA", label=label, by=cast.bob)

    only = register(payments, public_pem(private), "Only")
    others = [
        register(other, public_pem(new_private_key()), label) for label in ("Old", "New", "Gone")
    ]
    actions.retire_key(others[0], grace=timedelta(days=1), by=cast.bob)
    actions.revoke_key(others[2], reason=RevocationReason.SUPERSEDED, by=cast.bob)
    actions.suspend_client(suspended, note="Audit", by=cast.admin)
    actions.block_key("ab" * 32, by=cast.admin, note="Seen on a forum")
    return SimpleNamespace(
        payments=payments, suspended=suspended, only=only, private=private, others=others
    )


@pytest.fixture
def open_as_admin(sign_in: Any, cast: SimpleNamespace, world: SimpleNamespace) -> Opener:
    """A function that opens a path with the admin signed in; see `sign_in`."""

    def open_path(path: str, *args: Any, **options: Any) -> Page:
        page: Page = sign_in(cast.admin, *args, **options)
        page.goto(path)
        return page

    return open_path


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_an_admin_finds_a_key_by_pasting_it_and_revokes_it_after_seeing_the_impact(
    scripts: bool,
    open_as_admin: Opener,
    world: SimpleNamespace,
) -> None:
    page = open_as_admin("/console/keys/", java_script_enabled=scripts)
    box = page.get_by_label("Find a key")
    box.fill(public_pem(world.private).replace("\n", " "))
    if not scripts:
        page.get_by_role("button", name="Search").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.wait_for_url(f"**/console/keys/?q={world.only.spki_sha256}")

    tick = page.get_by_label("Select Only of Payments")
    tick.check()
    if scripts:
        # Leaving the box must not fetch the list again, and the tick be lost.
        page.wait_for_timeout(600)
    expect(tick).to_be_checked()
    page.get_by_role("button", name="Revoke selected keys…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Revoke this key?")
    expect(page.get_by_text("no other live key")).to_be_visible()
    page.get_by_label("Compromised").check()
    page.get_by_label("Note (optional)").fill("Laptop stolen")
    page.get_by_role("button", name="Revoke the key").click()

    expect(page.get_by_role("alert")).to_contain_text("the last live key of “Payments”")
    expect(page.get_by_label("Note (optional)")).to_have_value("Laptop stolen")
    page.get_by_label("I understand that Payments will no longer be able to authenticate").check()
    page.get_by_role("button", name="Revoke the key").click()

    expect(page.get_by_role("status")).to_contain_text("1 key of 1 client is revoked")
    expect(page.locator("tbody tr")).to_contain_text("Revoked")
    world.only.refresh_from_db()
    assert world.only.revocation_reason == RevocationReason.COMPROMISED
    jwks = page.request.get(f"/clients/{world.payments.client_id}/jwks.json")
    assert world.only.kid not in jwks.text()


def test_the_list_follows_while_one_types_and_the_address_can_be_kept(
    open_as_admin: Opener, world: SimpleNamespace
) -> None:
    page = open_as_admin("/console/keys/")
    expect(page.locator("tbody tr")).to_have_count(4)
    page.get_by_label("Find a key").press_sequentially("Other", delay=10)
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Status").select_option("live")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.wait_for_url("**/console/keys/?q=Other&status=live")
    page.reload()
    expect(page.get_by_label("Find a key")).to_have_value("Other")
    expect(page.locator("tbody tr")).to_have_count(2)


def test_all_keys_of_the_page_are_ticked_at_once(
    open_as_admin: Opener, world: SimpleNamespace
) -> None:
    page = open_as_admin("/console/keys/?q=Other")
    page.get_by_label("Select all keys on this page").check()
    page.get_by_role("button", name="Revoke selected keys…").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Revoke 2 keys?")


@pytest.mark.parametrize("path", ["/console/keys/", "/console/blocked/"])
def test_a_private_key_is_stopped_before_anything_is_sent(
    path: str, open_as_admin: Opener, world: SimpleNamespace
) -> None:
    page = open_as_admin(path)
    sent: list[str] = []

    def remember(request: Request) -> None:
        sent.append(request.url)

    page.on("request", remember)
    box = page.locator("#id_q")
    box.fill(private_pem(world.private).replace("\n", " "))
    expect(page.get_by_role("alert")).to_contain_text("This is a private key.")
    expect(box).to_have_value("")
    page.wait_for_timeout(600)
    assert [url for url in sent if "/static/" not in url] == []


def test_a_leaked_private_key_is_blocked_after_a_second_click(
    open_as_admin: Opener, world: SimpleNamespace
) -> None:
    page = open_as_admin("/console/blocked/")
    page.locator("#id_q").fill(private_pem(world.private).replace("\n", " "))
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("It was not sent")
    assert not ClientKey.objects.get(pk=world.only.pk).revoked_at
    alert.get_by_role("button", name="Send the private key and block it").click()
    expect(page.get_by_role("alert").first).to_contain_text("is now blocked")
    expect(page.locator("#id_q")).to_have_value("")
    assert private_pem(world.private).splitlines()[1] not in page.content()
    page.get_by_role("link", name="SHA-256").click()
    expect(page.get_by_role("heading", name="This key is blocked")).to_be_visible()
    assert ClientKey.objects.get(pk=world.only.pk).revoked_at


def test_a_private_key_that_got_through_is_refused_and_leaves_the_page(
    open_as_admin: Opener, world: SimpleNamespace
) -> None:
    page = open_as_admin("/console/keys/", java_script_enabled=False)
    page.locator("#id_q").fill(private_pem(world.private).replace("\n", " "))
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("alert")).to_contain_text("is now blocked")
    assert private_pem(world.private).splitlines()[1] not in page.content()
    world.only.refresh_from_db()
    assert world.only.revoked_at


def test_an_admin_suspends_and_resumes_a_client(
    open_as_admin: Opener, world: SimpleNamespace
) -> None:
    page = open_as_admin("/console/clients/?q=Payments", java_script_enabled=False)
    page.get_by_role("link", name="Suspend… Payments").click()
    page.get_by_label("Reason").fill("Contract ended")
    page.get_by_role("button", name="Suspend client").click()
    expect(page.get_by_role("status")).to_contain_text("Payments is suspended")
    page.get_by_role("link", name="Resume… Payments").click()
    page.get_by_role("button", name="Resume client").click()
    expect(page.get_by_role("status")).to_contain_text("publishes 1 live key")


def test_an_admin_blocks_a_key_after_seeing_whose_it_is(
    open_as_admin: Opener, world: SimpleNamespace
) -> None:
    page = open_as_admin("/console/blocked/")
    page.locator("#id_q").fill(public_pem(world.private))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Block this key?")
    page.get_by_label("I understand that Payments").check()
    page.get_by_role("button", name="Block and revoke the key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This key is blocked")


def test_events_are_taken_away_as_a_file(open_as_admin: Opener, world: SimpleNamespace) -> None:
    page = open_as_admin("/console/events/?verb=register_key")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename.startswith("events-")
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == 1 + ClientKey.objects.count()


@pytest.mark.parametrize("look", ["light", "phone"])
def test_axe_finds_nothing_and_nothing_overflows(
    look: str, open_as_admin: Opener, world: SimpleNamespace
) -> None:
    keys = "&".join(f"key={key.pk}" for key in [world.only, *world.others])
    page = open_as_admin("/console/", look)
    for path in (
        "/console/",
        "/console/policy/",
        "/console/policy/new",
        "/console/keys/",
        "/console/keys/?q=nowhere",
        "/console/keys/?status=x&before=x",
        "/console/keys/?sort=expiry&size=under-3072&unused=1",
        f"/console/keys/revocation?{keys}",
        "/console/clients/",
        f"/console/clients/{world.payments.client_id}/suspension",
        f"/console/clients/{world.suspended.client_id}/resumption",
        f"/console/clients/{world.payments.client_id}/owner",
        "/console/events/",
        "/console/refused/",
        "/console/blocked/",
        "/console/verifiers/",
        f"/console/blocked/{'ab' * 32}",
        f"/console/blocked/{world.only.spki_sha256}",
    ):
        page.goto(path)
        page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
        check_accessible(page, look)
