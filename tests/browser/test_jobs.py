"""Acting on all that matches a filter, in a real browser: from the list to the end of the job."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from portal.registry.actions.carry_on_job import BATCH
from portal.registry.models import Client, ClientKey
from portal.work.worker import Worker
from tests.browser.checks import check_accessible
from tests.db.console.conftest import KeyMaker, make_keys

__all__ = ["make_keys"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_an_admin_revokes_all_keys_of_a_leaked_build(
    scripts: bool,
    sign_in: Any,
    cast: SimpleNamespace,
    payments: Client,
    other: Client,
    make_keys: KeyMaker,
) -> None:
    """The progress shows by itself; without JavaScript, when the page is loaded again."""
    leaked = [
        *make_keys(payments, BATCH + 3, label="Leaked build"),
        *make_keys(other, 1, label="Leaked build"),
    ]
    make_keys(payments, 1, label="Stays")
    page: Page = sign_in(cast.admin, java_script_enabled=scripts)
    page.goto("/console/keys/?q=Leaked")
    page.get_by_role("button", name="Revoke all keys that match…").click()
    number = str(len(leaked))
    expect(page.get_by_role("heading", name=f"Revoke {number} keys?")).to_be_visible()
    expect(page.get_by_text("1 client will no longer be able to authenticate")).to_be_visible()
    page.get_by_label("Compromised").check()
    page.get_by_label("Note").fill("Build 4711")
    page.get_by_role("button", name=f"Revoke {number} keys").click()
    expect(page.get_by_text(f"Type {number} to confirm.")).to_be_visible()
    if scripts:
        _look(page, sign_in, cast)
    page.get_by_label(f"To confirm, type {number}").fill(number)
    page.get_by_role("button", name=f"Revoke {number} keys").click()
    expect(page.get_by_text("No worker has run yet.")).to_be_visible()
    worker = Worker()
    for done in (BATCH, len(leaked)):
        worker.step()
        if not scripts:
            # As its refresh does after five seconds.
            page.reload()
        expect(page.get_by_text(f"{done} of {number}")).to_be_visible()
    if scripts:
        _look(page, sign_in, cast)
    expect(page.get_by_text("Done")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel the job")).to_have_count(0)
    page.get_by_role("link", name="All jobs").click()
    expect(page.get_by_role("row", name="Revoke keys job #")).to_contain_text(f"{number} of")
    if scripts:
        _look(page, sign_in, cast)
    assert ClientKey.objects.filter(revoked_at=None).count() == 1


def _look(page: Page, sign_in: Any, cast: SimpleNamespace) -> None:
    """Check that the page is accessible in each look."""
    check_accessible(page, "light")
    other: Page = sign_in(cast.admin, "phone")
    other.goto(page.url)
    check_accessible(other, "phone")
