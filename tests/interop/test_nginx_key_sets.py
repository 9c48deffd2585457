"""Key sets behind a real nginx with deploy/nginx.conf: what it caches, and for how long."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.accounts.models import User
from portal.publishing.bound import bound_seconds
from portal.registry.actions import create_client, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.follower import BOUND_S
from portal.registry.models import Client, ClientKey
from tests.interop.conftest import Register
from tests.interop.nginx import (
    HOST,
    OPERATOR,
    Answer,
    Fleet,
    jwks,
    kids,
)
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
from tests.waiting import wait_until


@pytest.mark.parametrize("https", [True, False])
def test_a_key_set_is_answered_as_the_portal_answers_it(
    *, https: bool, front: Fleet, client: Client, register: Register
) -> None:
    register(client, "ES256")
    front.ask(jwks(client))  # is cached, for https
    with closing(HTTPConnection("127.0.0.1", front.ports[0])) as wire:
        scheme = {"X-Forwarded-Proto": "https"} if https else {}
        wire.request("GET", jwks(client), headers=scheme)
        plain = wire.getresponse()
        body = plain.read()
    given = front.ask(jwks(client), https=https)
    assert given.status == (200 if https else 403)
    assert (given.status, given.body) == (plain.status, body)
    # nginx gives each request an id, which it answers with.
    hops = {"server", "date", "connection", "cache-status", "x-accel-expires", "x-request-id"}
    assert "X-Accel-Expires" not in given.headers
    assert {k.lower(): v for k, v in given.headers.items() if k.lower() not in hops} == {
        k.lower(): v for k, v in plain.headers.items() if k.lower() not in hops
    }


def test_a_key_set_is_fetched_once_and_tells_its_age_by_the_date(
    front: Fleet, client: Client
) -> None:
    at_the_beginning_of_a_second()
    first = front.ask(jwks(client))
    time.sleep(1.1)
    second = front.ask(jwks(client))
    assert (first.cached, second.cached) == ("MISS", "HIT")
    # RFC 9111 §4.2.3: the apparent age of an answer without Age comes from the Date of the origin.
    assert second.headers["Date"] == first.headers["Date"]


def at_the_beginning_of_a_second() -> None:
    """Return then: nginx counts whole seconds, and keeps a set until the next one is over."""
    time.sleep(1.05 - time.time() % 1)


def test_who_has_a_cached_key_set_gets_304_and_no_more(front: Fleet, client: Client) -> None:
    tag = front.ask(jwks(client)).headers["ETag"]
    again = front.ask(jwks(client), headers={"If-None-Match": tag})
    assert (again.status, again.body, again.cached) == (304, b"", "HIT")


@pytest.mark.parametrize("expired", [False, True])
def test_many_who_ask_at_once_for_what_is_not_cached_make_one_request(
    *, expired: bool, front: Fleet, client: Client
) -> None:
    together = threading.Barrier(40)
    if expired:
        at_the_beginning_of_a_second()
        assert front.ask(jwks(client)).cached == "MISS"
        time.sleep(2)

    def ask(_: int) -> Answer:
        with closing(front.connect()) as wire:
            wire.connect()
            together.wait()
            wire.request("GET", jwks(client), headers={"Host": HOST})
            response = wire.getresponse()
            return Answer(response.status, response.headers, response.read())

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(ask, range(40)))
    assert {answer.status for answer in answers} == {200}
    seen = Counter(answer.cached for answer in answers)
    # Those who come while an expired set is fetched get it as it was.
    fetched, others = seen["MISS"] + seen["EXPIRED"], seen["HIT"] + seen["UPDATING"]
    assert (fetched, others) == (1, 39), seen


@pytest.mark.parametrize(
    ("method", "spelling", "headers"),
    [
        ("HEAD", "{}", {}),
        ("OPTIONS", "{}", {"Origin": "https://elsewhere.example.com"}),
        ("POST", "{}", {}),
        ("GET", "{}?client=other", {}),
        ("GET", "{}?x=%0d%0aSet-Cookie:%20a=b", {}),
        ("GET", "//.//{}", {}),
        ("GET", "/clients/other/../..{}", {}),
        ("GET", "/%2e{}", {}),
        ("GET", "{}", {"Range": "bytes=0-3"}),
        ("GET", "{}", {"If-None-Match": "*"}),
        ("GET", "{}", {"Accept": "text/html", "Accept-Encoding": "gzip", "Cookie": "a=b"}),
        ("GET", "{}", {"X-Forwarded-Host": "elsewhere.example.com", "X-Original-URL": "/other"}),
        ("GET", "{}", {"X-HTTP-Method-Override": "POST", "X-Forwarded-Proto": "http"}),
    ],
)
def test_nothing_that_a_stranger_sends_gets_into_the_cache(
    *,
    method: str,
    spelling: str,
    headers: dict[str, str],
    front: Fleet,
    client: Client,
    register: Register,
) -> None:
    pair = register(client, "ES256")
    front.ask(spelling.format(jwks(client)), method=method, headers=headers)
    found = front.ask(jwks(client))
    assert kids(found) == {pair.kid}
    assert found.headers["Content-Type"] == "application/jwk-set+json"
    assert found.headers["Set-Cookie"] is None


def test_the_cache_can_be_emptied(front: Fleet, client: Client) -> None:
    assert [front.ask(jwks(client)).cached for _ in range(2)] == ["MISS", "HIT"]
    for each in (front.folder / "cache" / "key_sets").iterdir():
        shutil.rmtree(each)
    front.reload()
    assert [front.ask(jwks(client)).cached for _ in range(2)] == ["MISS", "HIT"]


def test_unknown_clients_are_not_kept(front: Fleet) -> None:
    answers = [front.ask("/clients/nobody/jwks.json") for _ in range(2)]
    assert [(answer.status, answer.cached) for answer in answers] == [(404, "MISS")] * 2


def test_the_portals_own_keys_and_checkpoints_are_reached(front: Fleet) -> None:
    assert json.loads(front.ask("/portal/jwks.json").body) == {"keys": []}
    answer = front.ask("/ledger/checkpoint")
    assert (answer.status, json.loads(answer.body)["error"]) == (404, "not_found")


def test_a_revoked_key_leaves_the_cache_when_an_operator_has_it_refreshed(
    front: Fleet, client: Client, person: User, register: Register
) -> None:
    old, new = register(client, "ES256"), register(client, "EdDSA")
    assert kids(front.ask(jwks(client))) == {old.kid, new.kid}
    revoke_key(old.key, reason=RevocationReason.COMPROMISED, by=person)

    assert (
        front.ask(jwks(client), headers={"Cache-Control": "no-cache"}).cached == "HIT"
    )  # a stranger's word
    time.sleep(BOUND_S)  # until both portals know of it
    refreshed = front.ask(jwks(client), source=OPERATOR, headers={"Cache-Control": "no-cache"})
    assert (refreshed.cached, kids(refreshed)) == ("BYPASS", {new.kid})
    after = front.ask(jwks(client))
    assert (after.cached, kids(after)) == ("HIT", {new.kid})


def test_a_key_that_is_revoked_or_ends_leaves_the_cache_by_itself_within_the_bound(
    front: Fleet, person: User, register: Register, settings: Settings
) -> None:
    """Others ask all the time, and max-age is a minute. At the end of a key nobody writes."""
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    *revoked, ending = [create_client(name="Interop", by=person) for _ in range(6)]
    ends = timezone.now() + timedelta(seconds=8)
    material = public_pem(new_private_key("ES256"))
    short = register_pem(
        ending, material=material, alg="ES256", label="Short", by=person, expires_at=ends
    )
    assert kids(front.ask(jwks(ending))) == {short.kid}
    assert front.ask(jwks(ending)).cached == "HIT"

    def shows(client: Client, key: ClientKey) -> bool:
        return key.kid in kids(front.ask(jwks(client)))

    keys = {}
    for client in revoked:
        keys[client] = register(client, "ES256").key
        front.ask(jwks(client))
    for client, key in keys.items():
        wait_until(partial(shows, client, key), "It is not there.")
    acknowledged = {}
    for client, key in keys.items():
        revoke_key(key, reason=RevocationReason.COMPROMISED, by=person)
        acknowledged[client] = time.monotonic()
        time.sleep(0.2)  # nginx counts whole seconds: each in another part of one
    while acknowledged:
        for client, at in list(acknowledged.items()):
            asked = time.monotonic()
            if shows(client, keys[client]):
                assert asked < at + bound_seconds(), "The key is still there."
            else:
                del acknowledged[client]

    time.sleep(max(0.0, (ends - timezone.now()).total_seconds() + 1))
    assert not shows(ending, short)
