"""What no statistics make slow: lists and look-ups that filter by one column and sort by another.

PostgreSQL judges by statistics which way to the rows of a client, a key or a person is short, and
statistics are old between two runs of autovacuum. Here they say that nearly all rows are of
`absent`, who has none, and know nothing of `present`, who has nearly all. A walk through a table in
place of an index then reads thousands of pages, and EXPLAIN (ANALYZE, BUFFERS) counts them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.db import connection, transaction
from django.test import Client as Browser
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from portal.accounts.models import User
from portal.publishing.key_set import publish
from portal.registry import cleanup as pruning
from portal.registry.actions import create_client
from portal.registry.choices import Verb
from portal.registry.models import ClientKey, Event, RedeemedAssertion, RefusedRequest
from portal.registry.uses import count_uses
from tests.assertions import claims_of, form_of, sign
from tests.buffers import counting
from tests.db.oauth.token_requests import ISSUER, TOKEN, post
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.registering import register_pem

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]

ROWS: Final = 100_000
SAMPLE: Final = 3_000
"""As many rows as ANALYZE needs."""
REQUESTS: Final = 300_000
"""How many token requests of `present` were accepted."""
ENDED: Final = 10_000
"""How many keys of `present` are over: one an hour for a year."""

# Of eleven rows one is of another: few keys have many rows each, so each key is expected to.
HISTORY = """
INSERT INTO registry_event (
    number, leaf, version, salts, at, actor_id, verb, client_id, key_id, detail
)
SELECT 1000000 + i, encode(sha256(i::text::bytea), 'hex'), 1, '{{}}',
    now() - ({rows} - i) * interval '1 minute',
    CASE WHEN i % 11 > 0 THEN {person} ELSE {admin} END,
    CASE WHEN i % 11 > 0 THEN '{verb}' ELSE 'suspend_client' END,
    CASE WHEN i % 11 > 0 THEN {client} END, CASE WHEN i % 11 > 0 THEN {key} END, '{{}}'
FROM generate_series(1, {rows}) i;
INSERT INTO registry_redeemedassertion (client_id, key_id, jti_sha256, reference, at, expires_at)
SELECT CASE WHEN i % 11 > 0 THEN {client} ELSE -1 END, CASE WHEN i % 11 > 0 THEN {key} ELSE -1 END,
    encode(sha256(i::text::bytea), 'hex'), {accepted}, now(), now()
FROM generate_series(1, {requests}) i;
INSERT INTO registry_refusedrequest (client_id, kid, reason, seen, expected, reference, at)
SELECT CASE WHEN i % 11 > 0 THEN {client} END, '', 'expired', '', '', {refused},
    now() - (2 * {rows} - i) * interval '1 second'
FROM generate_series(1, 2 * {rows}) i;
"""
# A client with many members, and a person with many clients.
MEMBERS = """
INSERT INTO accounts_user (email, password, is_active, is_staff, is_superuser, date_joined)
SELECT 'member' || i || '@example.com', '', true, false, false, now()
FROM generate_series(1, {members}) i;
INSERT INTO registry_membership (client_id, user_id, role, since)
SELECT {client}, id, 'viewer', now() FROM accounts_user WHERE email LIKE 'member%';
INSERT INTO registry_client (client_id, name, contacts, redirect_uris, created_at, created_by_id,
    suspension_note)
SELECT md5(i::text), 'Client ' || i, '[]', '[]', now(), {person}, ''
FROM generate_series(1, 4 * {clients}) i;
INSERT INTO registry_membership (client_id, user_id, role, since)
SELECT id, {person}, 'owner', now() FROM registry_client WHERE name LIKE 'Client %' LIMIT {clients};
ANALYZE registry_client, registry_membership;
SELECT gin_clean_pending_list('client_name_trigrams'), gin_clean_pending_list('key_label_trigrams');
"""
REFERENCE = "'{}' || translate(lpad(i::text, 15, '0'), '0189', 'abcd')"
ENDED_KEYS = """
INSERT INTO registry_clientkey (client_id, number, label, pem, alg, kty, curve, bits, kid,
    spki_sha256, jwk, registered_at, registered_by_id, confirmation_required, revoked_at,
    revoked_by_id, revocation_reason, revocation_note)
SELECT client_id, 1 + i, label, pem, alg, kty, curve, bits, lpad(i::text, 43, 'k'),
    encode(sha256(i::text::bytea), 'hex'), jwk, registered_at, registered_by_id, false,
    now(), registered_by_id, 'superseded', ''
FROM registry_clientkey, generate_series(1, {ended}) i WHERE id = {key};
ANALYZE registry_clientkey;
"""
EMPTY = "TRUNCATE registry_event, registry_redeemedassertion, registry_refusedrequest"


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[SimpleNamespace]:
    """An admin's browser, and the keys of two clients; all is rolled back in the end."""
    whole = transaction.atomic()
    # As Django's TestCase marks its own: verbs, which end a transaction, take no notice of it.
    whole._from_testcase = True  # type: ignore[attr-defined]
    # Rows that the tests before have rolled back still stand in the indexes.
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("VACUUM")
    with django_db_blocker.unblock(), whole, connection.cursor() as cursor:
        # Without triggers and references, which would take most of the time.
        cursor.execute("SET LOCAL session_replication_role = replica")
        admin, *people = (
            User.objects.create_user(f"{name}@example.com", is_staff=name == "admin")
            for name in ("admin", "absent", "present")
        )
        private = new_private_key()
        absent = _key_of(people[0], new_private_key(), by=admin)
        present = _key_of(people[1], private, by=admin)
        for person, key, rows, requests in (
            (people[0], absent, SAMPLE, SAMPLE),
            (people[1], present, ROWS, REQUESTS),
        ):
            cursor.execute(EMPTY)
            cursor.execute(
                HISTORY.format(
                    rows=rows,
                    requests=requests,
                    admin=admin.pk,
                    person=person.pk,
                    verb=_verb_of(key),
                    client=key.client_id,
                    key=key.pk,
                    accepted=REFERENCE.format("a"),
                    refused=REFERENCE.format("f"),
                )
            )
            if rows == SAMPLE:
                cursor.execute("ANALYZE")
        cursor.execute(ENDED_KEYS.format(ended=ENDED, key=present.pk))
        cursor.execute(
            MEMBERS.format(
                members=3_000, clients=5_000, client=present.client_id, person=people[1].pk
            )
        )
        browsers = [Browser() for _ in range(3)]
        for each, user in zip(browsers, [admin, *people], strict=True):
            each.force_login(user)
        yield SimpleNamespace(
            browser=browsers[0],
            absent=absent,
            present=present,
            private=private,
            own={"absent": browsers[1], "present": browsers[2]},
        )
        transaction.set_rollback(True)


def _key_of(person: User, private: PrivateKey, *, by: User) -> ClientKey:
    client = create_client(name=person.email, by=by)
    material = public_pem(private)
    return register_pem(client, material=material, alg="EdDSA", label=person.email, by=by)


def _verb_of(key: ClientKey) -> Verb:
    return Verb.KEEP_KEY if key.label.startswith("absent") else Verb.RETIRE_KEY


def _query(tab: str, query: str) -> Callable[[ClientKey], str]:
    def address(key: ClientKey) -> str:
        values = {
            "client": key.client.client_id,
            "key": key.kid,
            "person": key.label,
            "verb": _verb_of(key),
            "middle": _middle(Event),
            "day": (timezone.now() - timedelta(days=30)).date(),
        }
        return f"/console/{tab}/?{query.format(**values)}"

    return address


def _events(query: str) -> Callable[[ClientKey], str]:
    return _query("events", query)


def _console(action: str) -> Callable[[ClientKey], str]:
    return lambda key: f"/console/clients/{key.client.client_id}/{action}"


def _client(rest: str = "", query: str = "") -> Callable[[ClientKey], str]:
    def address(key: ClientKey) -> str:
        cut = f"{_middle(RefusedRequest)}.{_middle(RedeemedAssertion)}"
        path = f"/clients/{key.client.client_id}/{rest.format(kid=key.kid)}"
        return path + query.format(cut=cut, key=key.pk)

    return address


def _middle(model: type[Any]) -> int:
    """Return the primary key of a row in the middle."""
    newest: int = model.objects.order_by("-pk").values_list("pk", flat=True)[0]
    return newest - ROWS // 2


FEW: Final = 50
"""Steps in an index, and the rows of a page."""
USED: Final = 50 * 4
"""A page of keys, with when each was used last: four steps in an index."""
LATE: Final = 1500
"""What is newer than a place in the list and unknown to the statistics: here one half of all rows,
and with the settings of migration 0010 a hundredth."""

WALKED: Final = 4 * 10_000
"""As many candidates as a page examines, with a look-up for each: four steps in an index."""
BYTES: Final = 250_000
"""The largest page: fifty rows."""
COUNTED: Final = 1_000
"""What a list counts, at most 10,000 rows: so many entries of an index, or rows in their order."""

PAGES: dict[str, tuple[Callable[[ClientKey], str], int]] = {
    "settings": (_client(), FEW),
    "settings, oldest ended keys": (_client("", "?keys=ended&after={key}"), FEW),
    "key": (_client("keys/{kid}/"), FEW),
    "retirement": (_client("keys/{kid}/retirement/"), FEW),
    "token requests": (_client("token-requests/"), FEW),
    "token requests, accepted": (_client("token-requests/", "?only=accepted"), FEW),
    "token requests, refused": (_client("token-requests/", "?only=refused"), FEW),
    "token requests, older": (_client("token-requests/", "?before={cut}"), FEW),
    "token requests, newer": (_client("token-requests/", "?after={cut}"), LATE),
    "team": (_client("team/"), USED),
    "team, a member": (_client("team/", "?q=member7@example.com"), FEW),
    "team, later": (_client("team/", "?before=3"), USED),
    "console, keys": (lambda _: "/console/keys/", USED),
    "console, keys of an algorithm": (lambda _: "/console/keys/?alg=PS256", FEW),
    "console, unconfirmed keys": (lambda _: "/console/keys/?status=unconfirmed", FEW),
    "console, suspended clients": (lambda _: "/console/clients/?only=suspended", FEW),
    "console, refused": (lambda _: "/console/refused/", FEW),
    "console, blocked": (lambda _: "/console/blocked/?q=abab", FEW),
    "console, never used keys": (lambda _: "/console/keys/?never_used=on", WALKED),
    "console, keys of a client": (_query("keys", "q={client}"), USED),
    "console, keys by label": (_query("keys", "q={person}"), USED),
    "console, keys by person": (_query("keys", "registered_by=admin@example.com"), USED),
    "console, keys by expiry": (lambda _: "/console/keys/?sort=expiry", FEW),
    "console, keys without an owner": (lambda _: "/console/keys/?ownerless=on", WALKED),
    "console, clients": (lambda _: "/console/clients/", WALKED),
    "console, a client": (_query("clients", "q={client}"), FEW),
    "console, clients without a key": (lambda _: "/console/clients/?only=keyless", WALKED),
    "console, clients without an owner": (lambda _: "/console/clients/?only=ownerless", WALKED),
    "console, rights": (_console("rights"), FEW),
    "console, suspension": (_console("suspension"), FEW),
    "console, owner": (_console("owner"), FEW),
    "console, refused by reason": (lambda _: "/console/refused/?reason=expired", FEW),
    "console, refused of a client": (_query("refused", "client={client}"), FEW),
    "console, refused of a day": (_query("refused", "since={day}&until={day}"), FEW),
    "console, events": (_events(""), FEW),
    "console, events of dates": (_events("since={day}&until={day}"), FEW),
    "console, events of a client": (_events("client={client}"), FEW),
    "console, events of a client, older": (_events("client={client}&before={middle}"), FEW),
    "console, events of a client, newer": (_events("client={client}&after={middle}"), LATE),
    "console, events of a client, of dates": (
        _events("client={client}&since={day}&until={day}"),
        FEW,
    ),
    "console, events of two clients": (_events("client=example.com"), FEW),
    "console, events of a key": (_events("key={key}"), FEW),
    "console, events of a person": (_events("person={person}"), FEW),
    "console, events of a verb": (_events("verb={verb}"), FEW),
    "console, events of a verb, of dates": (_events("verb={verb}&since={day}&until={day}"), FEW),
    "console, events of a verb and a client": (_events("verb={verb}&client={client}"), FEW),
}


OWN: Final = {
    "own clients": (lambda _: "/clients/", WALKED),
    "own clients, older": (lambda _: "/clients/?before=3", WALKED),
    "own clients by name": (lambda _: "/clients/?q=4999", WALKED),
}
"""The pages of the person."""
PAGES |= OWN


@pytest.mark.parametrize("who", ["absent", "present"])
@pytest.mark.parametrize("what", PAGES)
def test_a_page_reads_what_it_shows(world: SimpleNamespace, what: str, who: str) -> None:
    address, most = PAGES[what]
    browser = world.own[who] if what in OWN else world.browser
    path = address(getattr(world, who))
    with counting() as read:
        answer = browser.get(path)
    assert answer.status_code == 200
    assert len(answer.content) < BYTES
    counts = {sql for sql in read if "COUNT(" in sql or " OFFSET " in sql}
    allowed = {sql: max(most, COUNTED) if sql in counts else most for sql in read}
    assert {sql: pages for sql, pages in read.items() if pages > allowed[sql]} == {}


@pytest.mark.parametrize("table", [RedeemedAssertion, RefusedRequest])
def test_a_request_is_found_by_its_reference(
    world: SimpleNamespace, table: type[RedeemedAssertion | RefusedRequest]
) -> None:
    row = table.objects.filter(client=world.present.client).order_by("-pk")[ROWS // 2]
    path = f"/clients/{world.present.client.client_id}/token-requests/{row.reference}/"
    with counting() as read:
        answer = world.browser.get(path)
    assert answer.status_code == 200
    assert {sql: pages for sql, pages in read.items() if pages > FEW} == {}


def test_keys_that_are_over_cost_a_key_set_nothing(world: SimpleNamespace) -> None:
    with counting() as read:
        assert publish(world.present.client.client_id, timezone.now(), extended=False)
    assert max(read.values()) < FEW


@pytest.mark.parametrize("names_key", [True, False])
def test_keys_that_are_over_cost_a_token_request_nothing(
    world: SimpleNamespace, *, names_key: bool
) -> None:
    key = world.present
    claims = claims_of(key.client.client_id, ISSUER)
    kid = key.kid if names_key else None
    assertion = sign(world.private, key.alg, claims, kid=kid)
    with counting() as read:
        answer = post(TOKEN, form_of(assertion))
    assert answer.status_code == 200, answer.content
    assert max(read.values()) < FEW


MAX_BYTES: Final = 64_000
"""The Settings page with a few keys; with ten it has 20,000 more."""


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}], ids=["page", "htmx"])
def test_history_of_a_client_costs_the_work_with_its_keys_nothing(
    world: SimpleNamespace, headers: dict[str, str]
) -> None:
    """Each answer, with the page that it leads to, has few bytes, and no query reads history."""
    client = world.present.client
    path = f"/clients/{client.client_id}/"

    def send(path: str, **data: str) -> str:
        with counting() as read:
            answer = world.browser.post(path, data, headers=headers, follow=True)
        assert answer.status_code == 200
        assert len(answer.content) < MAX_BYTES
        assert {sql: pages for sql, pages in read.items() if pages > FEW} == {}
        return str(answer.content.decode())

    form = {"material": public_pem(new_private_key()), "alg": "EdDSA", "label": "New"}
    inspected = send(f"{path}keys/inspection/", **form)
    assert "Ed25519 public key" in inspected
    added = send(f"{path}keys/", **form)
    assert f"{ENDED:,}" in added
    assert "is live" in added
    kid = client.keys.latest("pk").kid
    send(f"{path}keys/{kid}/retirement/", grace="0")
    assert not client.keys.current(timezone.now()).filter(kid=kid).exists()


def test_settings_page_is_small_whatever_the_history(world: SimpleNamespace) -> None:
    answer = world.browser.get(f"/clients/{world.present.client.client_id}/")
    assert len(answer.content) < MAX_BYTES


TOKENS = """
INSERT INTO registry_redeemedassertion (client_id, key_id, jti_sha256, reference, at, expires_at)
SELECT 1 + i / {of_each}, {key}, encode(sha256(i::text::bytea), 'hex'), i, {date}, {date}
FROM generate_series(1, {rows}) i;
INSERT INTO registry_refusedrequest (client_id, kid, reason, seen, expected, reference, at)
SELECT 1 + i / {of_each}, '', 'expired', '', '', i, {date} FROM generate_series(1, {rows}) i;
INSERT INTO registry_accesstoken (token, token_checksum, expires, scope, resource, created, updated,
    application_id, key_id)
SELECT '', encode(sha256(i::text::bytea), 'hex'), {date}, '', '[]', {date}, {date}, {client}, {key}
FROM generate_series(1, {rows}) i;
INSERT INTO registry_authorizationcode (code, expires, redirect_uri, scope, created, updated,
    code_challenge, code_challenge_method, nonce, claims, resource, application_id, user_id)
SELECT i, {date}, '', '', {date}, {date}, '', '', '', '', '[]', {client}, {user}
FROM generate_series(1, {rows}) i;
INSERT INTO registry_refreshtoken (token, token_checksum, token_family, resource, created, updated,
    application_id, user_id, key_id, access_token_id)
SELECT '', token_checksum, gen_random_uuid(), '[]', created, updated, application_id, {user},
    key_id, id
FROM registry_accesstoken LIMIT {some};
"""


def test_pruning_reads_what_is_over(
    world: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Statistics say that everything is over, and of one client, and nothing is."""
    monkeypatch.setattr(pruning, "BATCH", 100)
    monkeypatch.setattr(pruning, "LISTED", 5_000)
    tables = "accesstoken", "refreshtoken", "authorizationcode"
    stale, true = (SAMPLE, ROWS, "interval '-1 year'"), (ROWS // 3, 2_000, "interval '1 minute'")
    with connection.cursor() as cursor:
        for rows, of_each, shift in (stale, true):
            cursor.execute(", registry_".join((EMPTY, *tables)))
            cursor.execute(
                TOKENS.format(
                    rows=rows,
                    some=SAMPLE,
                    of_each=of_each,
                    date=f"now() + {shift} + i * interval '1 ms'",
                    key=world.present.pk,
                    client=world.present.client_id,
                    user=world.present.registered_by_id,
                )
            )
            if rows == SAMPLE:
                cursor.execute("ANALYZE")
    # As the worker does every minute: counting reads each use once.
    while count_uses():
        pass
    with counting() as read:
        assert set(pruning.prune(timezone.now()).values()) == {0}
    # Three steps for each of a hundred refresh tokens.
    assert {sql: pages for sql, pages in read.items() if pages > 400} == {}
