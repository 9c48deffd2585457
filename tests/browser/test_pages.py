"""Every page for developers in light, dark and on a phone: no axe violation, no overflow."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from portal.notices.addresses import token_of
from portal.notices.follow import follow_batch
from portal.notices.models import Position
from portal.registry.actions import (
    archive_client,
    ask_member,
    create_client,
    deactivate_person,
    retire_key,
    revoke_key,
)
from portal.registry.choices import RevocationReason, Role
from portal.registry.models import Client, ClientKey
from portal.webhooks.actions import add_webhook, send_test
from tests.browser.checks import check_accessible
from tests.keys import new_private_key, public_pem
from tests.paths import client_path, key_path
from tests.registering import register_pem

OF_NOBODY = (
    "/account/login/",
    "/account/signup/",
    "/account/password/reset/",
    "/account/password/reset/done/",
)
OF_PEOPLE = (
    "/clients/",
    "/clients/new/",
    "/account/email/",
    "/account/password/change/",
    "/account/notices/",
    "/account/logout/",
    "/no/such/page",
)


@pytest.fixture
def full(payments: Client, other: Client, key: ClientKey, cast: SimpleNamespace) -> list[str]:
    """Paths of a client that has keys in every state, and one that has none."""
    now = timezone.now()

    def add(label: str, **dates: Any) -> ClientKey:
        material = public_pem(new_private_key())
        return register_pem(
            payments, material=material, alg="EdDSA", label=label, by=cast.dev, **dates
        )

    add("Starting", not_before=now + timedelta(days=2))
    add("Ending", expires_at=now + timedelta(days=5))
    retiring, retired, revoked = add("Leaving"), add("Left"), add("Gone")
    retire_key(retiring, grace=timedelta(days=1), by=cast.dev)
    retire_key(retired, grace=timedelta(), by=cast.dev)
    revoke_key(revoked, reason=RevocationReason.COMPROMISED, note="Lost.", by=cast.dev)
    empty = create_client(name="A client with quite a long name, and no key", by=cast.alice)
    client = client_path(payments)
    member = payments.memberships.get(user=cast.viewer).pk
    for asking, email in ((payments, "bob@example.com"), (other, "alice@example.com")):
        ask_member(asking, email=email, role=Role.DEVELOPER, by=cast.bob)
    archived = archive_client(create_client(name="No longer used", by=cast.alice), by=cast.alice)
    Position.objects.update_or_create(pk=1, defaults={"number": 0})
    while follow_batch(now):
        pass
    asked = token_of(payments.asked_addresses.get(email="team@example.com"))
    webhook, _ = add_webhook(
        payments,
        url=f"https://receiver.example/{'a/long/path/' * 20}",
        types=["key.revoked", "key.expiring"],
        has_secret=True,
        by=cast.alice,
        now=now,
    )
    send_test(webhook, now=now)
    return [
        *(f"{client}webhooks/{part}" for part in ("", f"{webhook.pk}/", f"{webhook.pk}/removal/")),
        *(f"/account/notices/{asked}/{part}/" for part in ("agreement", "stop", "silence")),
        client,
        client_path(empty),
        client_path(archived),
        f"{client_path(empty)}deletion/",
        f"{client}archive/",
        f"{client}edit/",
        f"{client}team/",
        f"{client}team/{member}/removal/",
        *(key_path(each) for each in (key, retiring, revoked)),
        f"{key_path(key)}edit/",
        f"{key_path(key)}retirement/",
        f"{key_path(key)}revocation/",
    ]


@pytest.mark.parametrize("look", ["light", "phone"])
def test_axe_finds_nothing_and_nothing_overflows(
    sign_in: Any, full: list[str], cast: SimpleNamespace, look: str
) -> None:
    nobody, owner = sign_in(None, look), sign_in(cast.alice, look)
    pages = [(nobody, path) for path in OF_NOBODY] + [(owner, path) for path in (*OF_PEOPLE, *full)]
    deactivate_person(cast.viewer, by=cast.admin)
    pages += [(sign_in(cast.dev, look), path) for path in full if path.endswith("/team/")]
    for page, path in pages:
        page.goto(path)
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true })")
        check_accessible(page, look)


def test_the_account_menu_closes_on_escape_and_gives_the_focus_back(
    sign_in: Any, payments: Client, cast: SimpleNamespace
) -> None:
    page = sign_in(cast.alice)
    page.goto("/clients/")
    summary = page.locator("details.menu > summary")
    summary.click()
    check_accessible(page)
    page.keyboard.press("Escape")
    assert not page.get_by_role("button", name="Sign out").is_visible()
    assert summary.evaluate("element => element === document.activeElement")
