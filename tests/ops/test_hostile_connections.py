"""Connections that hold what they get: key sets are served beside them, and others told to wait.

The figures: pytest tests/ops/test_hostile_connections.py -o log_cli=true -o log_cli_level=INFO
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from socket import socket
from threading import Event, Thread

import pytest

from tests.ops.hostile import ASKS, CSRF, FORM, LOGIN, TOKEN, Target
from tests.ops.wire import connect, head
from tests.waiting import wait_until

logger = logging.getLogger(__name__)

COOKIE = f"Cookie: csrftoken={CSRF}"
BODY = (f"Content-Type: {FORM}", "Content-Length: 1000")
CHUNKS = (f"Content-Type: {FORM}", "Transfer-Encoding: chunked")

QUIET = {
    "that say nothing": (2000, b""),
    "that send half a line": (300, b"GET /clien"),
    "that send half a head": (300, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "),
    "that ask for a set with half a body": (
        60,
        head("/clients/x/jwks.json", "Content-Length: 1000") + b"x",
    ),
    # No length is a form without content, which nobody waits for.
    "that send half a chunk": (60, head(LOGIN, COOKIE, *CHUNKS, method="POST") + b"ff\r\nx"),
}
MANY = 600
"""More than two workers wait for: 2 * (3 + 58) pages, 2 * 262 token requests."""

SLOW = {
    "half a form": head(LOGIN, COOKIE, *BODY, method="POST") + b"csrfmiddlewaretoken=",
    "half a token request": head(TOKEN, *BODY, method="POST") + b"grant_type=",
}


def hold_all_places(target: Target, held: ExitStack, slow: str) -> list[socket]:
    """Hold connections until both workers refuse whatever is of this kind."""
    ask = target.page if slow == "half a form" else target.token
    links: list[socket] = []

    def hold(how_many: int) -> None:
        for _ in range(how_many):
            links.append(held.enter_context(connect(target.port)))
            links[-1].sendall(SLOW[slow])

    def are_held() -> bool:
        if {ask().status for _ in range(ASKS)} == {503}:
            return True
        # The kernel may have given one worker many more of them than the other.
        hold(ASKS)
        return False

    hold(MANY)
    wait_until(are_held, "Places are left.")
    return links


@pytest.mark.parametrize(("how_many", "sent"), QUIET.values(), ids=QUIET)
def test_everybody_is_served_beside_connections(target: Target, how_many: int, sent: bytes) -> None:
    with ExitStack() as held:
        for _ in range(how_many):
            held.enter_context(connect(target.port)).sendall(sent)
        time.sleep(0.5)
        taken_s = target.check_known()
        target.check_all_works()
    logger.info("%d connections: a set took %.1f ms", how_many, taken_s * 1000)


@pytest.mark.parametrize("slow", SLOW)
def test_bodies_that_do_not_end_hold_up_their_own_kind_and_nobody_else(
    target: Target, slow: str
) -> None:
    with ExitStack() as held:
        hold_all_places(target, held, slow)
        taken_s = target.check_known()
        if slow == "half a form":
            target.check_pages_busy()
            assert {target.token().status for _ in range(ASKS)} == {200}
        else:
            target.check_clients_busy()
            assert {target.page().status for _ in range(ASKS)} == {200}
        # In whatever order the server has come to them, it is still so.
        target.check_known()
        assert target.ask(target.cold()).status == 200
        assert target.ask("/readyz").status == 200
    target.check_all_works()
    logger.info("a set took %.1f ms", taken_s * 1000)


def test_bodies_that_come_a_byte_at_a_time_are_not_taken_for_work(target: Target) -> None:
    with ExitStack() as held:
        links = hold_all_places(target, held, "half a token request")
        over = Event()

        def trickle() -> None:
            while not over.wait(0.01):
                for link in links:
                    with suppress(OSError):  # who was refused is cut off
                        link.send(b"a")

        trickling = Thread(target=trickle)
        trickling.start()
        try:
            target.check_known()
            target.check_clients_busy()
            target.check_known()
        finally:
            over.set()
            trickling.join()
    target.check_all_works()


# To fill what the kernel keeps for 60 of them takes 200,000 answers with a set.
@pytest.mark.parametrize(
    ("what", "how_many"),
    [("a large file", 60), ("a set", 12), pytest.param("a set", 60, marks=pytest.mark.exhaustive)],
)
def test_everybody_is_served_beside_readers_that_do_not_read(
    target: Target, what: str, how_many: int
) -> None:
    static = Path(target.serving.environment["STATIC_ROOT"])
    [largest] = sorted(static.rglob("*.css"), key=lambda path: path.stat().st_size)[-1:]
    path = target.known if what == "a set" else f"/static/{largest.relative_to(static)}"
    asked = 2**20 // len(head(path)) * head(path)
    with ExitStack() as held:
        for _ in range(how_many):
            link = held.enter_context(connect(target.port, window=2048))
            link.settimeout(0)
            for _ in range(10):
                with suppress(BlockingIOError):
                    link.send(asked)
        time.sleep(1)
        target.check_known()
        target.check_all_works()
        assert target.ask(f"/static/{largest.relative_to(static)}").status == 200


def test_sockets_of_those_who_are_gone_are_given_back(target: Target) -> None:
    def held() -> int:
        # Files and sockets: nothing opens files meanwhile.
        return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in target.serving.workers())

    before = held()
    with ExitStack() as links:
        for _ in range(500):
            links.enter_context(connect(target.port))
        wait_until(lambda: held() >= before + 500, "They are not let in.")
    wait_until(lambda: held() <= before + 20, "Sockets are left.")
