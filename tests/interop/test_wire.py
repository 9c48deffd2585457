"""The documents as they leave granian: what a test client inside Django cannot see."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse

import psycopg
import pytest
from django.db import connection
from playwright.sync_api import sync_playwright

from portal.registry.follower import BOUND_S
from portal.registry.models import Client
from tests.chromium import launch_options
from tests.interop.conftest import Register
from tests.interop.served import Served, database_url
from tests.waiting import PATIENCE_S, wait_until

REQUESTS = 12
"""Each on a connection of its own: enough for both workers to take some."""


def ask(
    served: Served, path: str, method: str = "GET", **headers: str
) -> tuple[HTTPResponse, bytes]:
    host = served.url.removeprefix("http://")
    wire = HTTPConnection(host, timeout=PATIENCE_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    wire.request(method, path, headers=named)
    response = wire.getresponse()
    body = response.read()
    wire.close()
    return response, body


@pytest.fixture
def path(client: Client, register: Register, served: Served) -> str:
    """The JWKS of a client with one key."""
    register(client, "EdDSA")
    return served.jwks_url(client).removeprefix(served.url)


def test_nothing_is_added_on_the_way(path: str, served: Served) -> None:
    response, _ = ask(served, path)
    assert {name.lower() for name, _ in response.getheaders()} <= {
        *("content-type", "content-length", "etag", "cache-control", "x-content-type-options"),
        *("access-control-allow-origin", "access-control-expose-headers", "date", "server"),
        # For nginx, which sends it to nobody, and replaces the id.
        *("x-accel-expires", "x-request-id"),
    }


def test_head_tells_the_length_and_sends_nothing(path: str, served: Served) -> None:
    full, body = ask(served, path)
    response, nothing = ask(served, path, "HEAD")
    assert (response.status, nothing) == (200, b"")
    assert int(response.headers["Content-Length"]) == len(body)
    assert response.headers["ETag"] == full.headers["ETag"]


def test_304_has_no_body(path: str, served: Served) -> None:
    full, _ = ask(served, path)
    response, nothing = ask(served, path, If_None_Match=full.headers["ETag"])
    assert (response.status, nothing) == (304, b"")
    assert response.headers["ETag"] == full.headers["ETag"]


def test_bytes_are_the_same_from_both_workers_and_for_everybody(path: str, served: Served) -> None:
    bodies = {
        ask(served, path, **headers)[1]
        for headers in [
            {},
            {"Host": "evil.example"},
            {"Accept_Encoding": "gzip, br"},
            {"Accept": "text/html", "Cookie": "sessionid=x"},
            {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "evil.example"},
        ]
        for _ in range(10)
    }
    assert len(bodies) == 1


def test_odd_client_id_is_not_found(served: Served) -> None:
    for client_id in ("%00", "%ED%A0%80", "a" * 6000, "%0d%0aX-Injected:1"):
        response, _ = ask(served, f"/clients/{client_id}/jwks.json")
        assert response.status == 404
        assert "X-Injected" not in response.headers


def test_page_of_another_origin_may_read_it(path: str, served: Served) -> None:
    """A header that is not simple makes the browser ask before (a preflight)."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch_options())
        page = browser.new_page()
        page.goto(f"{served.url.replace('127.0.0.1', 'localhost')}/healthz")
        status, tag, body = page.evaluate(
            """async (url) => {
                const response = await fetch(url, {headers: {"X-Request-Id": "1"}});
                return [response.status, response.headers.get("ETag"), await response.text()];
            }""",
            served.url + path,
        )
        browser.close()
    direct, expected = ask(served, path)
    assert (status, tag, body) == (200, direct.headers["ETag"], expected.decode())


@contextmanager
def database_cut_off() -> Iterator[None]:
    """End every connection to the database and let nobody in until the block is over."""
    name = connection.settings_dict["NAME"]
    url = database_url()
    connection.close()
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        try:
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(url)
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


def _wait_for_503(served: Served, path: str) -> None:
    """A database that is there and lets nobody in may be written to by others: not for long."""
    wait_until(
        lambda: {ask(served, path)[0].status for _ in range(REQUESTS)} == {503},
        "Sets are served on.",
        within_s=BOUND_S,
    )


def test_with_no_way_into_its_database_no_worker_serves_a_set(path: str, served: Served) -> None:
    with database_cut_off():
        _wait_for_503(served, path)
        for _ in range(REQUESTS):
            response, body = ask(served, path)
            assert response.status == 503
            assert response.headers["Retry-After"] == "5"
            assert response.headers["Cache-Control"] == "no-store"
            assert b"keys" not in body
        assert ask(served, "/healthz")[0].status == 200
        assert ask(served, "/readyz")[0].status == 503


def test_with_its_database_back_every_worker_serves_the_same_again(
    path: str, served: Served
) -> None:
    _, before = ask(served, path)
    with database_cut_off():
        _wait_for_503(served, path)
    answers = [ask(served, path) for _ in range(REQUESTS)]
    assert {(response.status, body) for response, body in answers} == {(200, before)}
