"""What the middleware answers by itself, before any server has mended it, and what it hands on."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from pytest_django import Settings

from portal.metrics import HITS, HITS_304
from portal.publishing.cached_jwks import cached_jwks
from portal.publishing.jwks_cache import JwksCache, prepare
from portal.publishing.public_endpoint import Document, render
from portal.publishing.views import VIEWS
from portal.registry.follower import Follower
from portal.registry.models import ClientKey
from tests.db.publishing.test_jwks_cache import Never

KEPT = Document(b'{"keys": []}', "public, max-age=60")
TAG = dict(render(KEPT, "GET").headers)["ETag"]
PATH = "/clients/a/jwks.json"

Handed = tuple[str, list[tuple[str, str]], list[bytes]]


Ask = Callable[..., Handed | None]


class Counted(Follower):
    """A follower that says that all is well, and counts how often it is started or polls."""

    def __init__(self) -> None:
        super().__init__(Never(), stale_s=60)
        self.good_until = math.inf
        self.started = self.polls = 0

    def start(self) -> None:
        self.started += 1
        time.sleep(0.1)

    def step(self) -> float:
        self.polls += 1
        return 0.0


@pytest.fixture
def follower() -> Counted:
    return Counted()


@pytest.fixture
def ask(follower: Counted) -> Ask:
    """Asks the middleware, which has one set; None when the request was handed on."""
    cache = JwksCache(10_000, follower)
    cache.put("a", cache.version("a"), prepare(KEPT, math.inf), extended=False)

    def handed_on(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("handed on", [])
        return []

    application = cached_jwks(handed_on, cache, follower)

    def ask(
        method: str = "GET", path: str = PATH, held: str | None = None, **further: str
    ) -> Handed | None:
        told: list[Any] = []
        environ = {"PATH_INFO": path, "REQUEST_METHOD": method, **further}
        if held is not None:
            environ["HTTP_IF_NONE_MATCH"] = held
        body = list(application(environ, lambda *given: told.extend(given)))
        return None if told[0] == "handed on" else (told[0], told[1], body)

    return ask


def test_set_that_is_kept_is_handed_over(ask: Ask) -> None:
    assert ask() == ("200 OK", list(render(KEPT, "GET").headers), [KEPT.body])


def test_head_has_no_body(ask: Ask) -> None:
    assert ask("HEAD") == ("200 OK", list(render(KEPT, "HEAD").headers), [])


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("held", ["*", TAG, f"W/{TAG}"])
def test_who_has_it_gets_304_without_a_body(ask: Ask, method: str, held: str) -> None:
    expected: Handed = ("304 Not Modified", list(render(KEPT, method, held).headers), [])
    assert ask(method, held=held) == expected


def test_set_from_memory_is_answered_with_an_id_only_if_it_is_given_a_fit_one(ask: Ask) -> None:
    header = ("X-Request-ID", "request-of-a-test")
    for held in (None, "*"):
        for given, expected in ((header[1], [header]), ("un fit", []), ("", [])):
            answered = ask(held=held, HTTP_X_REQUEST_ID=given)
            assert answered
            assert [each for each in answered[1] if each[0] == header[0]] == expected


def test_sets_from_memory_are_counted_and_no_others(ask: Ask) -> None:
    before = HITS.read(), HITS_304.read()
    for how in ({}, {"method": "HEAD"}, {"held": "*"}, {"path": "/clients/b/jwks.json"}):
        ask(**how)
    assert (HITS.read() - before[0], HITS_304.read() - before[1]) == (2, 1)


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE", "get", ""])
def test_other_methods_are_handed_on(ask: Ask, method: str) -> None:
    assert ask(method) is None


@pytest.mark.parametrize("path", ["", "/", f"{PATH}/", f"/{PATH}", "/clients/b/jwks.json"])
def test_other_paths_are_handed_on(ask: Ask, path: str) -> None:
    assert ask(path=path) is None


HTTP, HTTPS = {"wsgi.url_scheme": "http"}, {"wsgi.url_scheme": "https"}


@pytest.mark.parametrize(
    ("header", "environ", "is_answered"),
    [
        (None, HTTPS, True),
        (None, HTTP, False),
        (None, HTTP | {"HTTP_X_FORWARDED_PROTO": "https"}, False),
        ("HTTP_X_FORWARDED_PROTO", HTTP | {"HTTP_X_FORWARDED_PROTO": "https"}, True),
        ("HTTP_X_FORWARDED_PROTO", HTTPS | {"HTTP_X_FORWARDED_PROTO": "http"}, False),
        # Django says yes to both; so it is asked.
        ("HTTP_X_FORWARDED_PROTO", HTTP | {"HTTP_X_FORWARDED_PROTO": "https, http"}, False),
        ("HTTP_X_FORWARDED_PROTO", HTTPS, False),
    ],
)
def test_over_http_nothing_is_handed_over(
    header: str | None,
    environ: dict[str, str],
    is_answered: bool,
    settings: Settings,
    ask: Ask,
) -> None:
    settings.ALLOW_HTTP_KEY_SETS = False
    settings.SECURE_PROXY_SSL_HEADER = (header, "https") if header else None
    assert bool(ask(**environ)) == is_answered
    settings.ALLOW_HTTP_KEY_SETS = True
    assert ask(**environ)


COLD = [
    ("GET", "/clients/{}/jwks.json", ""),
    ("HEAD", "/clients/{}/jwks.json", ""),
    ("GET", "/clients/{}/jwks-extended.json", ""),
    ("GET", "/clients/{}/jwks.json", "*"),
    ("GET", "/clients/unknown/jwks.json", ""),
]


@pytest.mark.parametrize(("method", "path", "held"), COLD)
def test_set_that_is_not_in_memory_is_answered_as_django_answers(
    method: str, path: str, held: str, key: ClientKey, caplog: pytest.LogCaptureFixture
) -> None:
    path = path.format(key.client.client_id)
    told: list[Any] = []
    environ = {"PATH_INFO": path, "REQUEST_METHOD": method, "HTTP_IF_NONE_MATCH": held}
    environ["HTTP_X_REQUEST_ID"] = named = "request-of-a-test"

    def handed_on(*_: Any) -> Iterable[bytes]:
        raise AssertionError("Django is entered.")

    application = cached_jwks(handed_on, JwksCache(0, Counted()), Counted(), views=VIEWS)
    body = b"".join(application(environ, lambda *given: told.extend(given)))
    mine = [record.getMessage() for record in caplog.records]
    caplog.clear()
    headers = {"If-None-Match": held, "X-Request-ID": named}
    theirs = Browser().generic(method, path, headers=headers)
    assert told == [f"{theirs.status_code} {theirs.reason_phrase}", list(theirs.headers.items())]
    assert body == theirs.content
    assert mine == [record.getMessage() for record in caplog.records]


@pytest.fixture
def _sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite")


@pytest.mark.usefixtures("_sqlite")
def test_file_of_sqlite_is_looked_at_before_each_answer(ask: Ask, follower: Counted) -> None:
    assert ask()
    assert ask()
    assert (follower.polls, follower.started) == (2, 0)


@pytest.mark.postgresql
def test_those_who_ask_first_together_start_one_follower(ask: Ask, follower: Counted) -> None:
    """More followers than processes would fill up the database's connections."""
    together = threading.Barrier(8)

    def ask_with_the_others() -> None:
        together.wait()
        ask()

    threads = [threading.Thread(target=ask_with_the_others) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ask()
    assert (follower.started, follower.polls) == (1, 0)
