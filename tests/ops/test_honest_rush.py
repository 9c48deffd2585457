"""Honest people who all come at once are served one after another, and none is sent away."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from functools import partial
from urllib.parse import urlencode

import psycopg
import pytest

from tests.interop.databases import Database
from tests.ops.hostile import CSRF, EMAIL, FORM, LOGIN, PASSWORD, Answer, Target, at_once


def sign_in(target: Target) -> Answer:
    body = urlencode({"csrfmiddlewaretoken": CSRF, "login": EMAIL, "password": PASSWORD})
    headers = {"Content-Type": FORM, "Cookie": f"csrftoken={CSRF}"}
    return target.ask(LOGIN, "POST", body, headers)


def statuses(begun: list[Future[Answer]]) -> Counter[int]:
    return Counter(each.result().status for each in begun)


def test_256_token_requests_at_once_are_all_granted(target: Target) -> None:
    forms = [target.token_form() for _ in range(256)]
    begun = at_once([partial(target.token, form) for form in forms])
    assert statuses(begun) == {200: 256}


def test_forty_pages_at_once_are_all_shown(target: Target) -> None:
    begun = at_once([target.page] * 40)
    assert statuses(begun) == {200: 40}


# Two workers hash four passwords at a time, so of eight some wait.
@pytest.mark.parametrize("people", [8, pytest.param(20, marks=pytest.mark.exhaustive)])
def test_all_who_sign_in_at_once_are_let_in(target: Target, people: int) -> None:
    """A password keeps a processor busy for most of a second, on purpose."""
    begun = at_once([partial(sign_in, target)] * people)
    assert statuses(begun) == {302: people}


def test_key_sets_and_tokens_are_served_while_many_sign_in(target: Target) -> None:
    begun = at_once([partial(sign_in, target)] * 20)
    target.check_known()
    assert target.ask(target.cold()).status == 200
    assert target.token().status == 200
    assert set(statuses(begun)) <= {302, 429}


def test_forty_sets_that_are_not_in_memory_are_all_read(target: Target) -> None:
    paths = [target.cold() for _ in range(40)]
    begun = at_once([partial(target.ask, path) for path in paths])
    assert statuses(begun) == {200: 40}


def test_no_rush_takes_more_connections_than_there_are_places(
    target: Target, database: Database
) -> None:
    pages = at_once([target.page] * 60)
    asked = [partial(target.ask, target.cold()) for _ in range(20)]
    assert statuses([*pages, *at_once(asked)]) == {200: 80}
    with psycopg.connect(database.url) as session:
        [count] = session.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        ).fetchone() or [0]
    # The follower has one of its own, and so have token requests.
    assert 0 < count <= 2 * (10 + 2)
