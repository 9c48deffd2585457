"""The portal that the tests of hostile HTTP send it to, and what they ask of it meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from statistics import median
from typing import TypeVar
from urllib.parse import urlencode

from portal.bulkhead import pages
from tests.assertions import claims_of, form_of, sign
from tests.keys import new_private_key, public_pem
from tests.ops.serving import Serving
from tests.waiting import PATIENCE_S, wait_until
from tests.workers import let_each_worker_cache

T = TypeVar("T")

ASKS = 16
"""Each on a connection of its own: enough for both workers to take some."""

PROMPT_S = pages._patience_s
"""A request that waits for a slot gets no answer before this time."""

STATEMENT_S = 8.0
"""After how long the database ends a statement of this portal."""

TOKEN = "/api/oauth2/token"  # noqa: S105 - a path
LOGIN = "/account/login/"
FORM = "application/x-www-form-urlencoded"
CSRF = "d" * 32
EMAIL, PASSWORD = "ann@example.com", "correct horse battery"

SET_UP = """
from portal.accounts.models import User
from portal.registry.actions import confirm_key, create_client
from portal.registry.models import Client
from tests.registering import register_pem
person = User.objects.create_user({email!r}, {password!r}, is_staff=True)
client = create_client(name="Known", by=person)
Client.objects.bulk_create(
    Client(name="Cold", created_by=person) for _ in range({cold})
)
key = register_pem(client, material={pem!r}, alg="ES256", label="x", by=person)
confirm_key(key, by=person)  # its first use would do that, and take its set out of memory
print(key.kid, client.client_id)
print(*Client.objects.exclude(pk=client.pk).values_list("client_id", flat=True))
"""

OF_PAGES = (
    "content-security-policy",
    "cross-origin-opener-policy",
    "permissions-policy",
    "referrer-policy",
    "x-content-type-options",
    "x-frame-options",
)
"""The headers that protect the reader of a page."""


@dataclass(frozen=True)
class Answer:
    """What came back, but for the date, and how long it took."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    seconds: float

    def header(self, name: str) -> str:
        """Return the value of a header, by its name in small letters."""
        return dict(self.headers).get(name, "")

    @property
    def content(self) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        """What may not differ between two answers that are the same."""
        return self.status, self.headers, self.body


class Target:
    """The portal with two workers, and clients; the set of the first is known to both workers."""

    def __init__(self, serving: Serving) -> None:
        self.serving, self.port = serving, serving.port
        self._private = new_private_key("ES256")
        self._kid, self._client_id, *others = serving.do(
            SET_UP.format(email=EMAIL, password=PASSWORD, cold=300, pem=public_pem(self._private))
        ).split()
        self.known = f"/clients/{self._client_id}/jwks.json"
        self.others = [f"/clients/{each}/jwks.json" for each in others]
        page = self.page()
        self._of_pages = {name: page.header(name) for name in OF_PAGES}
        assert all(self._of_pages.values())
        let_each_worker_cache(self.port, serving.workers(), self.known)

    def cold(self) -> str:
        """Return the path of a set that nobody has asked for."""
        return self.others.pop()

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request on a connection of its own."""
        began = time.monotonic()
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)) as wire:
            wire.request(method, path, body, {"X-Request-ID": "of-a-test", **(headers or {})})
            response = wire.getresponse()
            read = response.read()
        told = sorted((name.lower(), value) for name, value in response.getheaders())
        headers_told = tuple(each for each in told if each[0] != "date")
        return Answer(response.status, headers_told, read, time.monotonic() - began)

    def page(self) -> Answer:
        """Ask for the page to sign in, with a cookie that is looked up in the database."""
        return self.ask(LOGIN, headers={"Cookie": f"sessionid={'a' * 32}"})

    def token(self, form: str = "") -> Answer:
        """Send a token request, a good one unless a form is given."""
        headers = {"Content-Type": FORM}
        return self.ask(TOKEN, "POST", form or self.token_form(), headers)

    def token_form(self) -> str:
        """Return a good token request."""
        claims = claims_of(self._client_id, self.serving.environment["PUBLIC_URL"])
        return urlencode(form_of(sign(self._private, "ES256", claims, kid=self._kid)))

    def check_known(self) -> float:
        """Assert that both workers serve what is in memory promptly; return the median seconds."""
        answers = [self.ask(self.known) for _ in range(ASKS)]
        assert {answer.status for answer in answers} == {200}
        times = [answer.seconds for answer in answers]
        assert median(times) < PROMPT_S
        assert {self.ask("/healthz").status for _ in range(ASKS)} == {200}
        return median(times)

    def check_pages_busy(self) -> None:
        """Assert that pages are refused promptly, and in the form that is right."""
        pages = [self.page() for _ in range(ASKS // 2)]
        _check_refused(pages)
        for page in pages:
            assert b"Nothing was saved" in page.body
            assert {name: page.header(name) for name in self._of_pages} == self._of_pages

    def check_clients_busy(self) -> None:
        """Assert that token requests are refused promptly, and in the form that is right."""
        tokens = [self.token() for _ in range(ASKS // 2)]
        _check_refused(tokens)
        assert {json.loads(each.body)["error"] for each in tokens} == {"temporarily_unavailable"}

    def check_all_works(self) -> None:
        """Assert that everybody is answered again."""
        wait_until(
            lambda: {self.page().status for _ in range(ASKS)} == {200}, "Pages stay unanswered."
        )
        assert {self.token().status for _ in range(ASKS)} == {200}


def _check_refused(answers: Sequence[Answer]) -> None:
    for answer in answers:
        assert answer.status == 503
        assert answer.header("retry-after") == "5"
        assert answer.header("cache-control") == "no-store"
        assert answer.header("x-content-type-options") == "nosniff"
    assert median(answer.seconds for answer in answers) < PROMPT_S


def at_once(calls: Sequence[Callable[[], T]]) -> list[Future[T]]:
    """Begin all of them at the same time."""
    pool = ThreadPoolExecutor(len(calls))
    begun = [pool.submit(call) for call in calls]
    pool.shutdown(wait=False)
    return begun
