"""A whole year of a client: its team, its program, a verifier, mails and webhooks."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django import Settings

from portal.accounts.models import User
from portal.notices.models import Position
from portal.registry.cleanup import prune
from portal.registry.models import (
    AccessToken,
    Client,
    KeyUse,
    RedeemedAssertion,
    RefusedRequest,
    Replacement,
    Verifier,
)
from portal.webhooks.actions import add_webhook
from tests.assertions import sign
from tests.browser.year import KEPT, START, Pair, Portal, Year
from tests.db.mailed import use
from tests.db.webhooks.conftest import ALL, Hooked, hooked, own_key
from tests.mail_server import mail_server
from tests.paths import client_path

__all__ = ["hooked", "own_key"]

pytestmark = pytest.mark.postgresql


@pytest.fixture
def year(
    payments: Client, cast: SimpleNamespace, hooked: Hooked, settings: Settings
) -> Iterator[Year]:
    settings.REQUIRE_CONFIRMATION = True
    # As in a new portal. Other tests empty the table.
    Position.objects.update_or_create(pk=1, defaults={"number": 0})
    Verifier.objects.create(name="Our gateway", keeps_s=KEPT.total_seconds())
    with time_machine.travel(START, tick=False) as traveller, mail_server() as mails:
        use(mails, settings)
        portal = Portal()
        year = Year(traveller, portal, payments, mails, hooked)
        url = hooked.receiver.url(host="127.0.0.1")
        add_webhook(payments, url=url, types=ALL, has_secret=False, by=cast.alice, now=START)
        # What happened before is no part of the year.
        year.wait()
        year.sent.clear()
        yield year
        portal.close()


def register(page: Page, year: Year, pair: Pair, *, days: int | None = None) -> None:
    """Register and confirm the public key of a pair, on the pages."""
    if not page.get_by_role("textbox", name="Public key").is_visible():
        page.locator("details.add > summary").click()
    page.get_by_role("textbox", name="Public key").fill(pair.pem)
    expect(page.get_by_text("P-256 public key: ES256")).to_be_visible()
    page.get_by_label("Label").fill(pair.label)
    if days:
        ends = START + timedelta(days=days)
        page.get_by_text("Start and expiry dates").click()
        page.get_by_label("Expires (UTC)").fill(f"{ends:%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Add key").click()
    page.get_by_role("link", name=re.compile("^sign to confirm", re.IGNORECASE)).first.wait_for()
    pair.kid = year.client.keys.get(label=pair.label).kid


def confirm(page: Page, year: Year, pair: Pair) -> None:
    """Sign the challenge of the page."""
    page.goto(reverse("key_confirmation", args=[year.client.client_id, pair.kid]))
    asked = json.loads(page.locator("[data-challenge]").get_attribute("data-challenge") or "")
    now = int(timezone.now().timestamp())
    claims = asked["claims"] | {"iat": now, "exp": now + 120}
    signed = sign(pair.private, "ES256", claims, kid=pair.kid)
    page.get_by_label("What the command printed").fill(signed)
    page.get_by_role("button", name="Confirm key").click()
    expect(page.get_by_text("is confirmed: the private key")).to_be_visible()
    year.wait()


def to_both(day: int, subject: str) -> list[tuple[int, str, str]]:
    """Return the e-mails with this subject to those who keep the client's keys."""
    return [(day, who, f"Payments: {subject}") for who in ("alice", "dev")]


def replace(year: Year, sign_in: Any, person: User, first: Pair, second: Pair) -> None:
    """Replace a key on one page. The program switches when all verifiers know the new one."""
    page = sign_in(person)
    replacement = reverse("key_replacement", args=[year.client.client_id, first.kid])
    page.goto(replacement)
    step = page.locator("[aria-current=step] h2")
    page.get_by_role("button", name="Begin").click()
    expect(step).to_have_text("Register the new key")
    page.get_by_role("link", name="Register a new key").click()
    register(page, year, second, days=350)
    year.is_refused(second)
    assert second.kid not in year.verifier.kids()
    confirm(page, year, second)
    page.context.close()
    published_at = Replacement.objects.get().published_at
    assert published_at
    known_at = published_at + KEPT + timedelta(minutes=1)
    year.traveller.move_to(known_at - timedelta(seconds=1))
    year.sign(first)
    page = sign_in(person)  # an hour later, the session has ended
    step = page.locator("[aria-current=step] h2")
    page.goto(replacement)
    expect(step).to_have_text("Publish the new key")
    year.traveller.move_to(known_at)
    page.goto(replacement)
    expect(step).to_have_text("Sign with the new key")
    year.sign(second)
    page.goto(replacement)
    expect(step).to_have_text("Retire the old key")
    page.get_by_label("In 24 hours").check()
    page.get_by_role("button", name="Retire the old key").click()
    expect(page.get_by_text("“First” leaves the JWKS on")).to_be_visible()
    page.context.close()
    retires_at = known_at + timedelta(days=1)
    year.wait()
    # A machine that was forgotten signs with the old key until its end.
    year.traveller.move_to(retires_at - timedelta(seconds=1))
    year.sign(first)
    year.traveller.move_to(retires_at)
    year.sign(second)
    year.is_refused(first)


def stand_by(year: Year, sign_in: Any, person: User, standby: Pair) -> None:
    """Let the client always have a successor, and register one."""
    page = sign_in(person)
    page.goto(reverse("client_edit", args=[year.client.client_id]))
    page.get_by_label("Always have a successor").check()
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**{client_path(year.client)}")
    register(page, year, standby)
    confirm(page, year, standby)
    page.context.close()


def revoke(year: Year, sign_in: Any, person: User, second: Pair, standby: Pair) -> None:
    """Revoke a key in an emergency. The program goes on at once with the successor."""
    token = year.sign(second)
    page = sign_in(person)
    page.goto(reverse("key_revocation", args=[year.client.client_id, second.kid]))
    expect(page.get_by_text("The client can sign with “Standby” at once")).to_be_visible()
    page.get_by_label("Compromised").check()
    page.get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("“Second” is revoked.")).to_be_visible()
    page.context.close()
    year.is_refused(second)
    year.traveller.shift(1)
    year.sign(standby)
    assert not year.is_active(token, standby)
    year.wait()
    year.wait()


def check_rows(year: Year) -> None:
    """Check that a month later there is no row for each request."""
    # Of each day with uses there is one row a key, and of single requests only the last of a key.
    prune(timezone.now() + timedelta(days=31))
    rows = KeyUse.objects.values_list("key__kid", "day", "uses")
    assert {(kid, day): uses for kid, day, uses in rows} == year.signed
    last = Counter(RedeemedAssertion.objects.values_list("key__label", flat=True))
    assert last == {"First": 1, "Second": 1, "Standby": 1}
    assert not AccessToken.objects.exists()
    assert not RefusedRequest.objects.exists()


def test_a_year_of_a_client(year: Year, sign_in: Any, cast: SimpleNamespace) -> None:
    first, second, standby = map(Pair, ("First", "Second", "Standby"))
    # A key for a hundred days. It signs as soon as it is confirmed, and not before.
    page: Page = sign_in(cast.dev)
    page.goto(client_path(year.client))
    register(page, year, first, days=100)
    year.is_refused(first)
    confirm(page, year, first)
    page.context.close()
    year.sign(first)
    year.live(63, first, every=21)
    year.live(94, first)
    replace(year, sign_in, cast.dev, first, second)
    year.live(120, second, every=13)
    stand_by(year, sign_in, cast.alice, standby)
    year.live(250, second, every=26)
    revoke(year, sign_in, cast.alice, second, standby)
    year.live(365, standby, every=23)
    assert year.sent == [
        *to_both(0, "key “First” was registered"),
        *to_both(70, "key “First” ends in 30 days"),
        *to_both(86, "key “First” ends in 14 days"),
        *to_both(93, "key “First” ends in 7 days"),
        *to_both(94, "key “Second” was registered"),
        # Only to alice, as dev did it. From here on nobody has to do anything before an end.
        (94, "alice", "Payments: key “First” retires"),
        *to_both(120, "key “Standby” was registered"),
        *to_both(250, "key “Second” was revoked"),
        *to_both(250, "no successor stands by"),
    ]
    assert year.hooked == [
        *((0, "key.registered"), (0, "key.confirmed")),
        *((day, "key.expiring") for day in (70, 86, 93)),
        *((94, "key.registered"), (94, "key.confirmed")),
        *((94, "key.retired"), (94, "key.expiring")),  # in a day
        *((120, "key.registered"), (120, "key.confirmed")),
        (250, "key.revoked"),
    ]
    assert year.refused == [
        (0, "First", "key_unconfirmed"),
        (94, "Second", "key_unconfirmed"),
        (95, "First", "key_retired"),
        (250, "Second", "key_revoked"),
    ]
    check_rows(year)
