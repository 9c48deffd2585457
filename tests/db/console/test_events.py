"""The list of events."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import Settings

from portal.console.event_text import event_text
from portal.console.filters.base import PAGE_SIZE
from portal.core.ledger import sealed
from portal.core.reasons import Refused
from portal.registry import actions
from portal.registry.actions.policy_rule import RuleValues
from portal.registry.choices import RevocationReason, Role, Verb
from portal.registry.models import PORTAL, Client, ClientKey, Event, Ledger
from portal.webhooks.actions import add_webhook, change_webhook, remove_webhook
from tests.keys import new_private_key, private_pem, public_pem
from tests.own_keys import new_own_key
from tests.registering import register_pem
from tests.triggers import triggers_off

URL = "/console/events/"


def told(answer: object) -> list[str]:
    """Return the sentences that the answer lists, from top to bottom."""
    page = answer.content.decode()  # type: ignore[attr-defined]
    return [
        html.unescape(each)
        for each in re.findall(r"<li>.*?<summary>(.*?)</summary>", page, re.DOTALL)
    ]


def replace_and_revoke(key: ClientKey, cast: SimpleNamespace) -> None:
    """Do every verb of replacements, and revoke the key."""
    replacement = actions.begin_replacement(key, by=cast.dev)
    detail = {"new_kid": "k", "new_label": "Next"}
    Event.objects.record(
        Verb.CHOOSE_SUCCESSOR, by=cast.dev, client=key.client, key=key, detail=detail
    )
    actions.withdraw_replacement(replacement, by=cast.dev)
    Event.objects.record(Verb.USE_SUCCESSOR, by=PORTAL, client=key.client, key=key)
    actions.save_verifier(None, name="Ours", keeps_s=60, looks_after_s=None, by=cast.admin)
    actions.revoke_key(key, reason=RevocationReason.SUPERSEDED, note="Old.", by=cast.dev)


@pytest.fixture
def history(payments: Client, cast: SimpleNamespace) -> ClientKey:
    """Every verb there is, once or more; returns the key it was done with."""
    first = register_pem(
        payments, material=public_pem(new_private_key()), alg="EdDSA", label="First", by=cast.dev
    )
    actions.change_client(
        payments,
        name="Payments 2",
        contacts=["new@example.com"],
        redirect_uris=["https://app.example.com/cb"],
        by=cast.alice,
    )
    viewer = payments.memberships.get(user=cast.viewer)
    actions.change_role(viewer, role=Role.DEVELOPER, by=cast.alice)
    actions.remove_member(viewer, by=cast.alice)
    actions.change_key(
        first, label="1st", expires_at=timezone.now() + timedelta(days=1), by=cast.dev
    )
    actions.change_key(first, label="First", expires_at=None, by=cast.dev)
    actions.retire_key(first, grace=timedelta(days=1), by=cast.dev)
    actions.keep_key(first, by=cast.dev)
    actions.confirm_key(first, by=cast.dev)
    replace_and_revoke(first, cast)
    actions.suspend_client(payments, note="Audit", by=cast.admin)
    actions.resume_client(payments, by=cast.admin)
    actions.change_rights(
        payments,
        scopes=["read", "write"],
        grant_types=["authorization_code", "client_credentials"],
        resources=[],
        by=cast.admin,
    )
    actions.block_key("ab" * 32, by=cast.admin, note="Seen on a forum")
    for material in ("nothing", private_pem(new_private_key())):
        with pytest.raises(Refused):
            register_pem(payments, material=material, alg="EdDSA", label="x", by=cast.dev)
    weakness = {"reason": "rsa_shared_prime", "note": "It shares a prime."}
    Event.objects.record(Verb.FIND_WEAKNESS, by=PORTAL, client=payments, key=first, detail=weakness)
    actions.grant_admin(cast.bob, by=cast.admin)
    actions.withdraw_admin(cast.bob, by=cast.admin)
    actions.deactivate_person(cast.alice, by=cast.admin)
    actions.appoint_owner(payments, email="dev@example.com", by=cast.admin)
    actions.activate_person(cast.alice, by=cast.admin)
    actions.invite_person("ann@example.com", by=cast.admin)
    values = RuleValues("Yearly", timezone.now(), longest_days=365)
    rule = actions.save_rule(actions.draft_rule(values, by=cast.admin), by=cast.admin)
    until = timezone.now() + timedelta(days=1)
    exemption = actions.exempt_client(rule, payments, note="Old.", until=until, by=cast.admin)
    actions.end_exemption(exemption, by=cast.admin)
    changed = actions.draft_rule(values, by=cast.admin, replaces=rule)
    actions.end_rule(actions.save_rule(changed, by=cast.admin), by=cast.admin)
    empty = actions.create_client(name="Empty", by=cast.bob)
    actions.archive_client(empty, by=cast.bob)
    actions.unarchive_client(empty, by=cast.bob)
    actions.make_calendar_feed(empty, by=cast.bob)
    actions.revoke_calendar_feed(empty, by=cast.bob)
    url, types, now = "https://receiver.example", ["key.blocked"], timezone.now()
    webhook, _ = add_webhook(empty, url=url, types=types, has_secret=True, by=cast.bob, now=now)
    change_webhook(webhook, url=url, types=["key.revoked"], by=cast.bob, now=now)
    remove_webhook(webhook, by=cast.bob)
    for role in (Role.VIEWER, Role.DEVELOPER, Role.OWNER):
        pending = actions.ask_member(empty, email="dev@example.com", role=role, by=cast.bob)
        if role == Role.VIEWER:
            actions.withdraw_member(pending, by=cast.bob)
        elif role == Role.DEVELOPER:
            actions.decline_membership(pending, by=cast.dev)
        else:
            actions.accept_membership(pending, by=cast.dev)
    actions.delete_client(empty, by=cast.bob)
    return first


def test_every_event_is_a_sentence_newest_first(admin: Browser, history: ClientKey) -> None:
    last = Event.objects.order_by("-pk")[49]
    sentences = told(admin.get(URL)) + told(admin.get(URL, {"before": last.pk}))
    when = re.escape(f"{timezone.now() + timedelta(days=1):%b %Y}")
    today = re.escape(f"{timezone.now():%b %Y}")
    expected = [
        r"bob@example\.com deleted the client “Empty”\.",
        r"dev@example\.com joined the client “Empty” as owner\.",
        r"bob@example\.com asked dev@example\.com to join the client “Empty” as owner\.",
        r"dev@example\.com declined to join the client “Empty” as developer\.",
        r"bob@example\.com asked dev@example\.com to join the client “Empty” as developer\.",
        r"bob@example\.com withdrew the request to dev@example\.com to join the client “Empty”\.",
        r"bob@example\.com asked dev@example\.com to join the client “Empty” as viewer\.",
        r"bob@example\.com removed a webhook of the client “Empty”\.",
        r"bob@example\.com changed a webhook of the client “Empty”\.",
        r"bob@example\.com added a webhook of the client “Empty”\.",
        r"bob@example\.com revoked the calendar address of the client “Empty”\.",
        r"bob@example\.com made a calendar address of the client “Empty”\.",
        r"bob@example\.com took the client “Empty” out of the archive\.",
        r"bob@example\.com archived the client “Empty”\.",
        r"bob@example\.com created the client “Empty”\.",
        r"admin@example\.com ended the rule “Yearly” of the key policy\.",
        rf"admin@example\.com changed the rule “Yearly” of the key policy, from \d+ {today}, .*\.",
        (
            r"admin@example\.com ended the exemption of the client “Payments 2” "
            r"from the rule “Yearly” of the key policy\."
        ),
        (
            r"admin@example\.com exempted the client “Payments 2” from the rule “Yearly” of the "
            rf"key policy until \d+ {when}, .* UTC, with the note “Old”\."
        ),
        rf"admin@example\.com added the rule “Yearly” of the key policy, from \d+ {today}, .*\.",
        r"admin@example\.com invited ann@example\.com\.",
        r"admin@example\.com reactivated the account of alice@example\.com\.",
        (
            r"admin@example\.com appointed dev@example\.com owner of the client “Payments 2”, "
            r"which had none\."
        ),
        r"admin@example\.com deactivated the account of alice@example\.com\.",
        r"admin@example\.com withdrew admin rights from bob@example\.com\.",
        r"admin@example\.com made bob@example\.com an admin of the portal\.",
        (
            r"The portal found a weakness in the key “First” of “Payments 2”, "
            r"with the note “It shares a prime”\."
        ),
        (
            r"dev@example\.com tried a key for the client “Payments 2” "
            r"that was refused \(private key\)\."
        ),
        (
            r"dev@example\.com sent a private key for the client “Payments 2”, "
            r"which blocked the key with SHA-256 [0-9a-f]{16}…\."
        ),
        (
            r"dev@example\.com tried a key for the client “Payments 2” "
            r"that was refused \([a-z ]+\)\."
        ),
        (
            r"admin@example\.com blocked the key with SHA-256 abababababababab…, "
            r"with the note “Seen on a forum”\."
        ),
        (
            r"admin@example\.com allowed the scope write and no longer allowed the grant type "
            r"refresh_token for the client “Payments 2”\."
        ),
        r"admin@example\.com resumed the client “Payments 2”\.",
        r"admin@example\.com suspended the client “Payments 2”, with the note “Audit”\.",
        (
            r"dev@example\.com revoked the key “First” of “Payments 2” \(superseded\), "
            r"with the note “Old”\."
        ),
        r"admin@example\.com added the verifier “Ours”\.",
        (
            r"The portal noticed that the key “First” of “Payments 2”, the standing successor, "
            r"signed\."
        ),
        r"dev@example\.com took the replacement of the key “First” of “Payments 2” back\.",
        r"dev@example\.com chose “Next” to replace the key “First” of “Payments 2”\.",
        r"dev@example\.com began to replace the key “First” of “Payments 2”\.",
        r"dev@example\.com confirmed the key “First” of “Payments 2” by signing with it\.",
        r"dev@example\.com cancelled the retirement of the key “First” of “Payments 2”\.",
        (
            r"dev@example\.com retired the key “First” of “Payments 2”, "
            rf"which leaves the JWKS on \d\d? {when}, \d?\d:\d\d UTC\."
        ),
        (
            r"dev@example\.com renamed “1st” to “First” and moved its expiry "
            rf"from \d\d? {when}, \d?\d:\d\d UTC to never\."
        ),
        (
            r"dev@example\.com renamed “First” to “1st” and moved its expiry "
            rf"from never to \d\d? {when}, \d?\d:\d\d UTC\."
        ),
        (
            r"alice@example\.com removed viewer@example\.com, who was developer, "
            r"from the client “Payments 2”\."
        ),
        r"alice@example\.com made viewer@example\.com developer of the client “Payments 2”\.",
        (
            r"alice@example\.com renamed the client “Payments” to “Payments 2” "
            r"and changed its contacts \(added new@example\.com; removed team@example\.com\) "
            r"and changed its redirect URIs \(added https://app\.example\.com/cb\)\."
        ),
        r"dev@example\.com registered the key “First” of “Payments 2” for EdDSA\.",
        r"alice@example\.com added viewer@example\.com to the client “Payments 2” as viewer\.",
        r"alice@example\.com added dev@example\.com to the client “Payments 2” as developer\.",
        r"alice@example\.com created the client “Payments 2”\.",
    ]
    assert len(sentences) == len(expected)
    for text, pattern in zip(sentences, expected, strict=True):
        assert re.fullmatch(pattern, text), text
    assert set(Event.objects.values_list("verb", flat=True)) == set(Verb.values)


def test_a_sentence_survives_details_it_does_not_know(
    payments: Client, cast: SimpleNamespace
) -> None:
    for verb in Verb:
        for detail in ({}, {"role": 7, "retires_at": "soon", "before": None, "reason": None}):
            assert event_text(Event(actor_user=cast.dev, verb=verb, client=payments, detail=detail))
            assert event_text(Event(actor_user=cast.dev, verb=verb, detail=detail))


def test_filters(admin: Browser, history: ClientKey, other: Client, cast: SimpleNamespace) -> None:
    def count(**asked: str) -> int:
        return len(told(admin.get(URL, asked)))

    today = timezone.now().date()
    assert count(verb="revoke_key") == 1
    assert count(client=other.client_id) == 1
    assert count(client="other") == 1
    of_key = Event.objects.filter(key=history).count()
    assert of_key > 1
    for named in (history.kid, history.kid[:8], history.spki_sha256.upper()):
        assert count(key=named) == of_key
    of_bob = Event.objects.filter(actor_user=cast.bob).count()
    assert count(person=" BOB@example.com ") == of_bob > 1
    assert count(since=today.isoformat()) == min(Event.objects.count(), PAGE_SIZE)
    assert count(until=(today - timedelta(days=1)).isoformat()) == 0
    assert count(person="admin@example.com", verb="block_key", until=today.isoformat()) == 1


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"verb": "delete_key"}, "Choose one from the list."),
        ({"client": "nowhere"}, "No clients match this."),
        ({"key": "nowhere"}, "No keys match this."),
        ({"person": "nobody@example.com"}, "Nobody has the e-mail address"),
        ({"person": "x" * 300}, "at most 254"),
        ({"since": "yesterday"}, "Enter a date like 2026-03-31."),
        ({"until": "9999-12-31"}, "between 2000-01-01 and 2999-12-31"),
        ({"since": "0001-01-01"}, "between 2000-01-01 and 2999-12-31"),
        ({"before": "9" * 300}, "The link to this page of the list is invalid."),
        ({"after": "-5"}, "The link to this page of the list is invalid."),
    ],
)
@pytest.mark.parametrize("path", [URL, f"{URL}export"])
def test_absurd_filters_are_told(
    asked: dict[str, str], why: str, path: str, admin: Browser, payments: Client
) -> None:
    answer = admin.get(path, asked)
    assert answer.status_code == 422
    assert why in answer.content.decode()


def test_a_name_of_very_many_clients_has_to_be_more_precise(
    admin: Browser, cast: SimpleNamespace
) -> None:
    Client.objects.bulk_create(Client(name=f"Same {i}", created_by=cast.alice) for i in range(51))
    answer = admin.get(URL, {"client": "same"})
    assert answer.status_code == 422
    assert "matches more than 50 clients" in answer.content.decode()


def test_pages_show_every_event_once(admin: Browser, cast: SimpleNamespace) -> None:
    Event.objects.bulk_create(
        Event(actor_user=cast.admin, verb=Verb.BLOCK_KEY, detail={"spki_sha256": f"{i:016}"})
        for i in range(120)
    )
    for filters in ("", f"since={timezone.now().date()}&"):
        seen, link = [], f"?{filters}"
        while link:
            page = admin.get(URL + link).content.decode()
            seen += re.findall(r"SHA-256 (\d{16})…", page)
            older = re.search(rf'href="{URL}(\?[^"]*)" rel="next"', page)
            link = html.unescape(older[1]) if older else ""
        assert seen == [f"{i:016}" for i in reversed(range(120))]


@pytest.mark.parametrize("number", [2, 50])
def test_the_number_of_queries_does_not_grow_with_the_rows(
    number: int,
    admin: Browser,
    key: ClientKey,
    cast: SimpleNamespace,
    django_assert_max_num_queries: Callable[[int], AbstractContextManager[object]],
) -> None:
    Event.objects.bulk_create(
        Event(actor_user=cast.admin, verb=Verb.REVOKE_KEY, client=key.client, key=key)
        for _ in range(number)
    )
    # The person (2), the key and client of the filter (2), the events, their people, clients and
    # keys, where the search may stop, and how many there are (2).
    with django_assert_max_num_queries(11):
        admin.get(URL, {"key": key.kid, "client": "Payments"})


def test_a_client_and_the_portal_are_named_as_people_are(
    admin: Browser, key: ClientKey, payments: Client
) -> None:
    actions.confirm_key(key, by=key)
    actions.block_key(key.spki_sha256, by=PORTAL)
    page = admin.get(URL)
    assert told(page)[:3] == [
        (
            "The portal revoked the key “First” of “Payments” (compromised), "
            "with the note “Blocked by an admin”."
        ),
        f"The portal blocked the key with SHA-256 {key.spki_sha256[:16]}….",
        "The client “Payments” confirmed the key “First” of “Payments” by signing with it.",
    ]
    assert "<dt>Actor</dt><dd>the portal</dd>" in page.content.decode()
    assert "<dt>Actor</dt><dd>the client “Payments” " in page.content.decode()
    assert "by the portal" in admin.get(f"/console/blocked/{key.spki_sha256}").content.decode()
    assert '<td data-head="By">the portal' in admin.get("/console/blocked/").content.decode()


def test_changes_of_a_client_as_earlier_versions_kept_them_are_sentences_too(
    admin: Browser, payments: Client, cast: SimpleNamespace
) -> None:
    before = {"name": "Payments", "contacts": ["a@example.com"], "redirect_uris": []}
    after = {"name": "Payments", "contacts": ["b@example.com"], "redirect_uris": []}
    detail = {"before": before, "after": after}
    Event.objects.record(Verb.CHANGE_CLIENT, by=cast.alice, client=payments, detail=detail)
    assert told(admin.get(URL))[0] == (
        "alice@example.com changed the client “Payments”'s contacts "
        "(added b@example.com; removed a@example.com)."
    )


def test_another_order_is_a_change(admin: Browser, payments: Client, cast: SimpleNamespace) -> None:
    for contacts in (["a@example.com", "b@example.com"], ["b@example.com", "a@example.com"]):
        actions.change_client(
            payments, name="Payments", contacts=contacts, redirect_uris=[], by=cast.alice
        )
    assert "contacts (in a different order)" in told(admin.get(URL))[0]


def test_the_page_shows_number_size_and_root(admin: Browser, key: ClientKey) -> None:
    page = admin.get(URL).content.decode()
    head = Ledger.head()
    assert f"The ledger holds {head.size} events." in page
    assert head.root in page
    assert f"<dd>Number {head.size}, register_key" in page
    assert head.root not in admin.get(URL, {"verb": "register_key"}).content.decode()


def test_the_page_shows_the_last_checkpoint(
    admin: Browser, key: ClientKey, settings: Settings
) -> None:
    assert "Checkpoints are off" in admin.get(URL).content.decode()
    settings.OWN_KEYS = {"checkpoint": (new_own_key(),)}
    page = admin.get(URL).content.decode()
    assert html.escape(Browser().get("/ledger/checkpoint").content.decode()) in page
    assert "Checkpoints are off" not in page


def test_an_erased_text_is_shown_as_erased(
    admin: Browser, payments: Client, key: ClientKey
) -> None:
    with triggers_off():
        for event in Event.objects.all():
            event.detail, event.salts = sealed(event.detail, event.salts or {}), {}
            event.save(update_fields=["detail", "salts"])
    page = admin.get(URL)
    assert "alice@example.com added (erased) to the client “Payments” as developer." in told(page)
    assert "sha256" not in re.sub(r"SHA-256", "", page.content.decode().split('id="found"')[1])
