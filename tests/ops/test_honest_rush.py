"""Honest people who all come at once are served one after another, and none is sent away."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Future
from functools import partial
from urllib.parse import urlencode

from tests.ops.hostile import CSRF, EMAIL, FORM, LOGIN, PASSWORD, Answer, Target, at_once

PATIENCE_S = 60.0


def sign_in(target: Target) -> Answer:
    body = urlencode({"csrfmiddlewaretoken": CSRF, "login": EMAIL, "password": PASSWORD})
    headers = {"Content-Type": FORM, "Cookie": f"csrftoken={CSRF}"}
    return target.ask(LOGIN, "POST", body, headers, timeout=PATIENCE_S)


def statuses(begun: list[Future[Answer]]) -> Counter[int]:
    return Counter(each.result().status for each in begun)


def test_forty_token_requests_at_once_are_all_granted(target: Target) -> None:
    forms = [target.token_form() for _ in range(40)]
    begun = at_once([partial(target.token, form, timeout=PATIENCE_S) for form in forms])
    assert statuses(begun) == {200: 40}


def test_forty_pages_at_once_are_all_shown(target: Target) -> None:
    begun = at_once([partial(target.page, timeout=PATIENCE_S)] * 40)
    assert statuses(begun) == {200: 40}


def test_sixteen_who_sign_in_at_once_are_all_let_in(target: Target) -> None:
    """A password keeps a processor busy for most of a second, on purpose."""
    begun = at_once([partial(sign_in, target)] * 16)
    assert statuses(begun) == {302: 16}
