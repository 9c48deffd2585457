"""The portal behind a real nginx with deploy/nginx.conf: two portals, https, caches and limits."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoDbBlocker, Settings

from portal.accounts.models import User
from portal.publishing.bound import bound_seconds
from portal.registry.actions import create_client, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.follower import BOUND_S
from portal.registry.models import Client, ClientKey
from tests.assertions import claims_of, form_of, sign
from tests.interop.conftest import Pair, Register
from tests.interop.databases import own_server
from tests.interop.nginx import HOST, OPERATOR, STRANGER, Answer, Fleet, fleet, nginx, portal
from tests.interop.served import ROOT, Served, free_port
from tests.keys import new_private_key, public_pem
from tests.processes import end
from tests.registering import register_pem
from tests.waiting import wait_until

TOKEN = "/api/oauth2/token"  # noqa: S105 - a path
LOGIN = "/account/login/"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ISSUER = f"https://{HOST}"
MAX_AGE_S = 2
STALE_S = 10


@pytest.fixture(scope="module")
def front(
    served: Served, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """nginx and two portals on the database of these tests."""
    with (
        django_db_blocker.unblock(),
        fleet(tmp_path_factory.mktemp("nginx"), SIGN_UP_RATE="2/1h/ip") as running,
    ):
        yield running


def jwks(client: Client) -> str:
    return f"/clients/{client.client_id}/jwks.json"


def kids(answer: Answer) -> set[str]:
    assert answer.status == 200, answer
    return {key["kid"] for key in json.loads(answer.body)["keys"]}


def token_request(pair: Pair, alg: str = "ES256") -> bytes:
    claims = claims_of(pair.key.client.client_id, ISSUER)
    return urlencode(form_of(sign(pair.private, alg, claims, kid=pair.kid))).encode()


def post_token(front: Fleet, body: bytes, **how: Any) -> Answer:
    """Send a form to the token endpoint."""
    return front.ask(TOKEN, method="POST", body=body, headers=FORM, **how)


class Load:
    """Twelve who ask all the time while the block runs, and what they were answered."""

    def __init__(self, front: Fleet, *, tokens: bool) -> None:
        self.found: Counter[str] = Counter()
        self._front = front
        self._tokens = tokens
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(12)

    def __enter__(self) -> Self:
        for number in range(12):
            self._pool.submit(self._keep_asking, number)
        time.sleep(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()

    def _keep_asking(self, number: int) -> None:
        source = f"127.0.1.{number + 1}"
        while not self._over.is_set():
            # Every look another client, so that each gets through to a portal.
            path = f"/clients/{number}-{time.monotonic_ns()}/jwks.json"
            try:
                answers = [self._front.ask(each, source=source) for each in (path, LOGIN)]
                if self._tokens:
                    answers += [post_token(self._front, b"a=b", source=source)]
            except (OSError, HTTPException) as error:
                self.found[repr(error)] += 1
            else:
                self.found[" ".join(str(answer.status) for answer in answers)] += 1
            time.sleep(0.1)


# --- Key sets ------------------------------------------------------------------------------------


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
    hops = {"server", "date", "connection", "cache-status", "x-accel-expires"}
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


MAKE_FLEET = """
from portal.accounts.models import User
from portal.registry.actions import create_client
import os
from tests.keys import new_private_key, public_pem
from tests.migrated import migrate
from tests.registering import register_pem
migrate(os.environ)
person = User.objects.create_user("a@example.com", is_staff=True)
for number in range(20):
    client = create_client(name=f"Client {number}", by=person)
    material = public_pem(new_private_key())
    register_pem(client, material=material, alg="EdDSA", label="x", by=person)
    print(f"/clients/{client.client_id}/jwks.json")
"""
CHANGE_FLEET = """
from portal.registry.models import Client
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
for client in Client.objects.all():
    material = public_pem(new_private_key())
    register_pem(client, material=material, alg="EdDSA", label="y", by=client.created_by)
"""


def test_with_the_database_dead_every_set_is_served_with_its_last_change(tmp_path: Path) -> None:
    """Each was asked of one portal only, and nobody asks between its change and the outage."""
    with own_server() as database:
        paths = database.do(MAKE_FLEET).split()
        with fleet(tmp_path, DATABASE_URL=database.url) as made:
            assert {made.ask(path).status for path in paths} == {200}
            database.do(CHANGE_FLEET)
            time.sleep(bound_seconds())
            database.stop()
            try:
                answers = [made.ask(path) for _ in range(3) for path in paths]
            finally:
                database.start()
    assert Counter(answer.status for answer in answers) == {200: 60}
    assert {len(kids(answer)) for answer in answers} == {2}


class Busy(BaseHTTPRequestHandler):
    """A portal that answers 503, next to one that does not."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class Well(Busy):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=60")
        self.send_header("X-Accel-Expires", "0")
        self.end_headers()
        self.wfile.write(b"set")


def test_where_one_portal_answers_503_the_other_is_asked(tmp_path: Path) -> None:
    with ExitStack() as stack:
        portals = [
            stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), kind))
            for kind in (Busy, Well)
        ]
        for each in portals:
            threading.Thread(target=each.serve_forever).start()
            stack.callback(each.shutdown)
        made = Fleet(tmp_path, [each.server_port for each in portals])
        stack.enter_context(nginx(made))
        answers = [made.ask("/clients/a/jwks.json") for _ in range(10)]
    assert Counter((answer.status, answer.body) for answer in answers) == {(200, b"set"): 10}


class Failing(BaseHTTPRequestHandler):
    """A portal that loses its database after its first answer."""

    answered: ClassVar[set[str]] = set()

    def do_GET(self) -> None:
        fails = self.path in self.answered
        self.answered.add(self.path)
        self.send_response(503 if fails else 200)
        reuse = f"public, max-age={MAX_AGE_S}, stale-if-error={STALE_S}"
        self.send_header("Cache-Control", "no-store" if fails else reuse)
        self.end_headers()
        self.wfile.write(b"failed" if fails else b"set")

    def log_message(self, *_: object) -> None: ...


@contextmanager
def failing(folder: Path) -> Iterator[Fleet]:
    """Run nginx in front of two portals that lose their database after their first answer."""
    Failing.answered = {UNKNOWN}
    with ExitStack() as stack:
        portals = [
            stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), Failing)) for _ in range(2)
        ]
        for each in portals:
            threading.Thread(target=each.serve_forever).start()
            stack.callback(each.shutdown)
        made = Fleet(folder, [each.server_port for each in portals])
        stack.enter_context(nginx(made))
        yield made


KNOWN, UNKNOWN = "/clients/a/jwks.json", "/clients/b/jwks.json"


def test_portals_are_stopped_one_by_one_and_then_all(
    *,
    client: Client,
    register: Register,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pair = register(client, "ES256")
    ages = {"JWKS_MAX_AGE": str(MAX_AGE_S), "JWKS_STALE_IF_ERROR": str(STALE_S)}
    with (
        fleet(tmp_path_factory.mktemp("gone"), **ages) as gone,
        failing(tmp_path_factory.mktemp("failing")) as busy,
        ExitStack() as stack,
    ):
        again = check_that_a_portal_that_is_left_out_loses_no_request(gone, stack)
        check_that_a_portal_that_is_stopped_loses_no_read(gone, again)
        check_that_sets_go_on_for_stale_if_error_and_no_longer(gone, busy, pair)


def check_that_a_portal_that_is_left_out_loses_no_request(
    front: Fleet, stack: ExitStack
) -> subprocess.Popen[bytes]:
    """Return the portal that has taken the place of the first one."""
    with Load(front, tokens=True) as load:
        front.leave_out(0)
        assert end(front.portals[0]) == 0
        again = stack.enter_context(portal(front, 0))
        front.take_in(0)
        time.sleep(1)
    assert set(load.found) == {"404 200 401"}, load.found
    return again


def check_that_a_portal_that_is_stopped_loses_no_read(
    front: Fleet, stopped: subprocess.Popen[bytes]
) -> None:
    with Load(front, tokens=False) as load:
        assert end(stopped) == 0
        time.sleep(1)
    assert set(load.found) == {"404 200"}, load.found


def check_that_sets_go_on_for_stale_if_error_and_no_longer(
    gone: Fleet, busy: Fleet, pair: Pair
) -> None:
    """With all portals gone, and with all that answer 503."""
    path = jwks(pair.key.client)
    assert kids(gone.ask(path)) == {pair.kid}
    began = time.monotonic()
    assert busy.ask(KNOWN).body == b"set"
    end(gone.portals[1])

    time.sleep(max(0.0, MAX_AGE_S + 1 - (time.monotonic() - began)))
    stale = gone.ask(path)
    assert (stale.cached, kids(stale)) == ("STALE", {pair.kid})
    stale = busy.ask(KNOWN)
    assert (stale.status, stale.cached, stale.body) == (200, "STALE", b"set")
    # Who wants to know whether it is refreshed is not given the old one.
    refused = busy.ask(KNOWN, source=OPERATOR, headers={"Cache-Control": "no-cache"})
    assert (refused.status, refused.cached) == (503, "")
    assert busy.ask(UNKNOWN).status == 503
    page = gone.ask(LOGIN)
    assert (page.status, page.headers["Retry-After"]) == (503, "5")
    assert "Try again in a few seconds" in page.body.decode()
    refused = post_token(gone, b"a=b")
    assert (refused.status, refused.headers["Cache-Control"]) == (503, "no-store")
    assert json.loads(refused.body)["error"] == "temporarily_unavailable"

    time.sleep(max(0.0, MAX_AGE_S + STALE_S + 2 - (time.monotonic() - began)))
    for over in (gone.ask(path), busy.ask(KNOWN)):
        assert (over.status, over.headers["Cache-Control"]) == (503, "no-store")
        assert json.loads(over.body)["error"] == "temporarily_unavailable"


# --- Tokens --------------------------------------------------------------------------------------


def test_a_client_gets_a_token_once_and_nobody_caches_it(
    front: Fleet, client: Client, register: Register
) -> None:
    body = token_request(register(client, "ES256"))
    given = post_token(front, body)
    assert given.status == 200, given.body
    assert given.headers["Cache-Control"] == "no-store"
    assert json.loads(given.body)["scope"] == "read"
    again = post_token(front, body)
    assert (again.status, json.loads(again.body)["error"]) == (401, "invalid_client")


def test_over_http_the_token_endpoint_refuses_and_does_not_redirect(
    front: Fleet, client: Client, register: Register
) -> None:
    body = token_request(register(client, "ES256"))
    claimed = FORM | {"X-Forwarded-Proto": "https", "Forwarded": "proto=https"}
    assert front.ask(TOKEN, method="POST", body=body, https=False, headers=claimed).status == 400
    assert post_token(front, body).status == 200  # none was redeemed


def test_a_token_request_may_have_64_kib_and_no_more(front: Fleet) -> None:
    fits = post_token(front, b"a" * 65_536)
    assert (fits.status, json.loads(fits.body)["error"]) == (401, "invalid_client")
    more = post_token(front, b"a" * 65_537)
    assert (more.status, json.loads(more.body)["error"]) == (413, "invalid_request")


def test_who_floods_the_token_endpoint_is_told_to_wait_and_nobody_else(front: Fleet) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(
                lambda _: post_token(front, b"a", source="127.0.0.9"),
                range(120),
            )
        )
    told = [answer for answer in answers if answer.status == 429]
    assert told
    assert json.loads(told[0].body)["error"] == "temporarily_unavailable"
    assert told[0].headers["Retry-After"] == "1"
    assert {answer.status for answer in answers} == {401, 429}
    assert post_token(front, b"a").status == 401
    # Key sets and pages are counted for themselves.
    assert front.ask("/clients/nobody/jwks.json", source="127.0.0.9").status == 404
    assert front.ask(LOGIN, source="127.0.0.9").status == 200


# --- Pages and static files ----------------------------------------------------------------------


def sign_up(front: Fleet, source: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send the form for a new account without a password, as a browser does."""
    path = "/account/signup/"
    page = front.ask(path, source=source)
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.body.decode())
    assert found
    form = {"csrfmiddlewaretoken": found[1], "email": "a@example.com"}
    sent = FORM | {"Cookie": cookie, "Referer": ISSUER + path} | dict(headers or {})
    return front.ask(
        path, method="POST", body=urlencode(form).encode(), source=source, headers=sent
    )


def test_limits_count_the_real_address_whatever_is_claimed(front: Fleet) -> None:
    claims = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(3)]
    claims[1] = {"X_Forwarded_For": "192.0.2.2"}
    assert [sign_up(front, "127.0.7.1", claim).status for claim in claims] == [200, 200, 429]
    assert sign_up(front, "127.0.8.1").status == 200


def test_people_are_led_to_https_whatever_is_claimed(front: Fleet) -> None:
    led = front.ask(LOGIN, https=False, headers={"X-Forwarded-Proto": "https"})
    assert (led.status, led.headers["Location"]) == (301, f"{ISSUER}/account/login/")
    # nginx drops names with underscores, which would be the same name to the portal.
    underscored = {"X_Forwarded_Proto": "https"}
    assert front.ask(LOGIN, https=False, headers=underscored).status == 301


def test_what_is_uploaded_is_never_written_to_a_file(front: Fleet) -> None:
    folder = front.folder / "client_body"
    before = folder.stat().st_mtime_ns
    most = 128 * 1024
    assert front.ask(LOGIN, method="POST", body=b"a" * most, headers=FORM).status == 403  # no token
    page = front.ask(LOGIN, method="POST", body=b"a" * (most + 1), headers=FORM)
    assert page.status == 413
    assert "The portal did not read or keep any of it." in page.body.decode()
    assert folder.stat().st_mtime_ns == before


def test_pages_are_not_cached(front: Fleet) -> None:
    pages = [front.ask(LOGIN) for _ in range(2)]
    assert pages[0].headers["Cache-Control"].startswith("max-age=0, no-cache, no-store")
    assert pages[0].headers["Set-Cookie"] != pages[1].headers["Set-Cookie"]


def test_static_files_are_cached_and_small(front: Fleet) -> None:
    page = front.ask(LOGIN).body.decode()
    found = re.search(r'href="(/static/web/portal[^"]+\.css)"', page)
    assert found
    answers = [
        front.ask(found[1], headers={"Accept-Encoding": how}) for how in ("gzip", "identity")
    ]
    assert [answer.status for answer in answers] == [200, 200]
    assert gzip.decompress(answers[0].body) == answers[1].body
    assert "immutable" in answers[0].headers["Cache-Control"]
    lines = [line for line in front.logged().splitlines() if found[1] in line]
    assert [line.split()[-1] for line in lines] == ["MISS", "HIT"]


# --- Portals that are gone -----------------------------------------------------------------------


def test_an_address_that_swallows_connections_costs_two_requests_a_wait(tmp_path: Path) -> None:
    # Nobody takes connections from this one, and its queue is full.
    with ExitStack() as stack:
        hole = stack.enter_context(socket.socket())
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            with suppress(BlockingIOError):
                waiting.connect(hole.getsockname())
        made = Fleet(tmp_path, [hole.getsockname()[1], free_port()])
        stack.enter_context(portal(made, 1))
        made.master = stack.enter_context(nginx(made))
        began = time.monotonic()
        answers = [made.ask(LOGIN) for _ in range(12)]
        sets = [made.ask(f"/clients/nobody-{number}/jwks.json") for number in range(12)]
        assert {answer.status for answer in answers} == {200}
        assert {answer.status for answer in sets} == {404}
        waits = (time.monotonic() - began) // 10
        tried = (tmp_path / "access.log").read_text("utf-8").count(f":{made.ports[0]}")
    # Two of each upstream before it is left out; then one more every ten seconds.
    assert 4 <= tried <= 4 + 2 * waits


def test_a_portal_that_is_back_is_asked_at_once_when_there_is_no_other(tmp_path: Path) -> None:
    made = Fleet(tmp_path, [free_port(), free_port()])
    with nginx(made) as made.master:
        path = "/clients/nobody/jwks.json"
        assert {made.ask(each).status for each in (LOGIN, path) * 4} == {503}
        with portal(made, 1):
            assert [made.ask(each).status for each in (LOGIN, path)] == [200, 404]


# --- Hygiene -------------------------------------------------------------------------------------


def test_another_host_gets_no_answer(front: Fleet) -> None:
    with pytest.raises(HTTPException):
        front.ask(LOGIN, https=False, host="elsewhere.example.com")
    with pytest.raises(HTTPException):
        front.ask(LOGIN, host="elsewhere.example.com")


def test_another_name_gets_no_certificate(front: Fleet) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", front.secure)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="elsewhere.example.com")


def test_health_is_answered_by_address(front: Fleet) -> None:
    for path in ("/healthz", "/readyz"):
        answer = front.ask(path, https=False, host=f"127.0.0.1:{front.plain}")
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")


def test_an_ipv6_network_counts_as_one_and_each_ipv4_address_for_itself(tmp_path: Path) -> None:
    made = Fleet(tmp_path, [free_port(), free_port()])
    port = free_port()
    beside = f"""server {{
        listen 127.0.0.1:{port};
        set_real_ip_from 127.0.0.1;
        real_ip_header Address;
        location / {{ return 200 $counted_address; }}
    }}"""

    def counted(address: str) -> str:
        with closing(HTTPConnection("127.0.0.1", port, 20)) as wire:
            wire.request("GET", "/", headers={"Address": address})
            return wire.getresponse().read().hex()

    with nginx(made, beside):
        assert counted("192.0.2.10") == "c000020a"
        assert counted("::ffff:192.0.2.10") == "c000020a"
        # A line feed is a byte like any other.
        assert counted("2001:db8:a0a:1::a0a") == counted("2001:db8:a0a:1:2:3:4:5")
        assert counted("2001:db8:a0a:1::a0a") == "20010db80a0a0001"
        assert counted(OPERATOR) == ""


def test_people_are_answered_over_ipv6_too(front: Fleet) -> None:
    assert front.ask(LOGIN, source="::1").status == 200
    assert front.ask(LOGIN, source="::1", https=False).status == 301


def handshake(front: Fleet, ciphers: str, version: ssl.TLSVersion) -> str | None:
    """Return the cipher that nginx takes of these in this version of TLS, None when it refuses."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings(action="ignore"):  # of old versions
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", front.secure)) as plain:
        try:
            with context.wrap_socket(plain, server_hostname=HOST) as secure:
                found = secure.cipher()
                return found[0] if found else None
        except ssl.SSLError:
            return None


def test_tls_is_what_rfc_9325_recommends(front: Fleet) -> None:
    old, new = ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2
    assert handshake(front, "ALL", old) is None
    every = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    every.set_ciphers("ALL:@SECLEVEL=0")
    kinds: dict[str, Any] = {
        each["name"]: each for each in every.get_ciphers() if each["protocol"] != "TLSv1.3"
    }
    taken = {name for name in kinds if handshake(front, name, new)}
    # The certificate of these tests is for ECDSA; what is offered with another is written down.
    found = re.search(r"ssl_ciphers (\S+);", (ROOT / "deploy/nginx.conf").read_text("utf-8"))
    assert found
    offered = set(found[1].split(":"))
    assert taken == {name for name in offered if "ECDSA" in name}
    assert {(kinds[name]["aead"], kinds[name]["kea"]) for name in offered} == {(True, "kx-ecdhe")}


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "CONNECT", "PURGE"])
def test_other_methods_end_at_nginx(method: str, front: Fleet) -> None:
    assert front.ask(LOGIN, method=method).status in {400, 405}
    assert front.ask("/clients/nobody/jwks.json", method=method).status in {400, 405}


def test_nothing_secret_is_logged(front: Fleet) -> None:
    front.ask(
        "/account/password/reset/key/4-secret-in-path/?secret-in-query",
        headers={"Referer": "secret-ref"},
    )
    front.ask("/?code=secret-in-query", headers={"Cookie": "secret-cookie"})
    elsewhere: dict[str, Any] = {"https": False, "host": "elsewhere.example.com"}
    front.ask("/healthz?secret-in-query", headers={"Referer": "secret-ref"}, **elsewhere)
    with suppress(HTTPException):
        front.ask("/?secret-in-query", **elsewhere)
    logged = front.logged()
    assert f"{STRANGER} " in logged
    assert "secret" not in logged
