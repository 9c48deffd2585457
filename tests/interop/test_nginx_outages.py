"""A real nginx with deploy/nginx.conf, and portals or a database that are stopped or gone."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Self

import pytest

from portal.publishing.bound import bound_seconds
from portal.registry.models import Client
from tests.interop.conftest import Pair, Register
from tests.interop.databases import own_server
from tests.interop.nginx import (
    LOGIN,
    OPERATOR,
    Fleet,
    fleet,
    jwks,
    kids,
    nginx,
    portal,
    post_token,
)
from tests.processes import end, free_port

KNOWN, UNKNOWN = "/clients/a/jwks.json", "/clients/b/jwks.json"
MAX_AGE_S = 2
STALE_S = 10


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
            time.sleep(0.2)


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
    """A portal that answers 503."""

    def do_GET(self) -> None:
        self.send_response(503)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class Well(Busy):
    """A portal that answers."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=60")
        self.send_header("X-Accel-Expires", "0")
        self.end_headers()
        self.wfile.write(b"set")


@contextmanager
def in_front_of(*kinds: type[BaseHTTPRequestHandler], folder: Path) -> Iterator[Fleet]:
    """Run nginx in front of programs that answer as portals of these kinds do."""
    with ExitStack() as stack:
        portals = [
            stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), kind)) for kind in kinds
        ]
        for each in portals:
            threading.Thread(target=each.serve_forever).start()
            stack.callback(each.shutdown)
        made = Fleet(folder, [each.server_port for each in portals])
        stack.enter_context(nginx(made))
        yield made


def test_where_one_portal_answers_503_the_other_is_asked(tmp_path: Path) -> None:
    with in_front_of(Busy, Well, folder=tmp_path) as made:
        answers = [made.ask("/clients/a/jwks.json") for _ in range(10)]
    assert Counter((answer.status, answer.body) for answer in answers) == {(200, b"set"): 10}


class Failing(Busy):
    """A portal that loses its database after its first answer, and never had a set of UNKNOWN."""

    answered: ClassVar[set[str]] = {UNKNOWN}

    def do_GET(self) -> None:
        fails = self.path in self.answered
        self.answered.add(self.path)
        self.send_response(503 if fails else 200)
        reuse = f"public, max-age={MAX_AGE_S}, stale-if-error={STALE_S}"
        self.send_header("Cache-Control", "no-store" if fails else reuse)
        self.end_headers()
        self.wfile.write(b"failed" if fails else b"set")


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
        in_front_of(Failing, Failing, folder=tmp_path_factory.mktemp("failing")) as busy,
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
