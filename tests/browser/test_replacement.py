"""A key is replaced on one page, with JavaScript and without; the timeline shows it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from portal.registry.actions import choose_successor, confirm_key
from portal.registry.models import Client, ClientKey, KeyUse, Replacement, Verifier
from tests.browser.checks import check_accessible
from tests.db.used import used
from tests.keys import new_private_key, public_pem
from tests.paths import client_path
from tests.registering import register_pem

DAY = timedelta(days=1)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_key_is_replaced_step_by_step(
    sign_in: Any, payments: Client, key: ClientKey, cast: SimpleNamespace, *, scripts: bool
) -> None:
    page: Page = sign_in(cast.dev, java_script_enabled=scripts)
    page.goto(client_path(payments))
    page.get_by_role("link", name="Replace First").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("[aria-current=step] h2")).to_have_text("Register the new key")
    page.get_by_role("link", name="Register a new key").click()
    if not page.get_by_role("textbox", name="Public key").is_visible():
        page.locator("details.add > summary").click()
    pem = public_pem(new_private_key("ES256"))
    page.get_by_role("textbox", name="Public key").fill(pem)
    if scripts:
        expect(page.get_by_text("P-256 public key: ES256")).to_be_visible()
    else:
        page.get_by_label("Algorithm").select_option("ES256")
    page.get_by_label("Label").fill("Next")
    page.get_by_role("button", name="Add key").click()

    # The portal has linked it to the replacement. The client confirms it by its first use.
    expect(page.locator("[aria-current=step] h2")).to_have_text("Confirm the new key")
    new = payments.keys.get(label="Next")
    confirm_key(new, by=cast.dev)
    Replacement.objects.update(published_at=timezone.now() - DAY)
    used(key, timedelta(0)).save()
    if not scripts:
        page.reload()
    expect(page.locator("[aria-current=step] h2")).to_have_text("Sign with the new key")
    expect(page.locator("#evidence-use")).to_contain_text("“First”: 1 today")
    used(new, timedelta(0))
    if not scripts:
        page.reload()
    expect(page.locator("[aria-current=step] h2")).to_have_text("Retire the old key")
    page.get_by_label("Now").check()
    page.get_by_role("button", name="Retire the old key").click()
    expect(page.get_by_text("“First” has left the JWKS.")).to_be_visible()
    page.get_by_role("button", name="Undo the retirement").click()
    expect(page.get_by_text("“First” stays live.")).to_be_visible()
    key.refresh_from_db()
    assert key.retires_at is None


@pytest.mark.parametrize("look", ["light", "phone"])
def test_how_it_looks(
    sign_in: Any, payments: Client, key: ClientKey, cast: SimpleNamespace, look: str
) -> None:
    page: Page = sign_in(cast.dev, look)
    path = reverse("key_replacement", args=[payments.client_id, key.kid])
    page.goto(path)
    check_accessible(page, look)
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("[aria-current=step] h2")).to_have_text("Register the new key")
    check_accessible(page, look)
    Verifier.objects.create(name="Our gateway", keeps_s=600)
    material = public_pem(new_private_key())
    new = register_pem(payments, material=material, alg="EdDSA", label="Next", by=cast.dev)
    confirm_key(new, by=cast.dev)
    choose_successor(Replacement.objects.get(), new, by=cast.dev)
    Replacement.objects.update(published_at=timezone.now())
    page.goto(path)
    page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
    gateway = page.locator("tr", has_text="Our gateway")
    expect(gateway.get_by_text("does not look for an unknown kid")).to_be_visible()
    check_accessible(page, look)
    for days in range(60):
        at = timezone.now() - days * DAY
        KeyUse.objects.create(key=key, day=at.date(), uses=1 + days % 9, last_at=at, up_to=1)
    payments.keys.update(expires_at=timezone.now())
    page.goto(reverse("client_timeline", args=[payments.client_id]))
    expect(page.get_by_text("There was a gap without a live key.")).to_be_visible()
    check_accessible(page, look)
