"""An export of the served portal, which a process of its own makes."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser

from portal.accounts.models import User
from portal.console.export.process import AT_ONCE
from portal.registry.choices import Verb
from tests.interop.served import Served
from tests.processes import children
from tests.waiting import PATIENCE_S, wait_until

MANY = 2_000
NOTE = "x" * 4_000
"""As many events with this note do not fit into the buffers between the process and who reads.

The next verb writes numbers into all of them, so a few long ones are quicker than many.
"""

FEW = 1_000


def events(person: User, number: int, note: str = "") -> str:
    """Create events of a person, and return the filter that finds them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_event (at, actor_id, verb, detail) "
            "SELECT now(), %s, %s, %s FROM generate_series(1, %s)",
            [person.pk, Verb.BLOCK_KEY, json.dumps({"note": note} if note else {}), number],
        )
    return f"person={person.email}"


@pytest.fixture
def many(person: User) -> str:
    """The filter of very many events."""
    return events(person, MANY, NOTE)


class Ask:
    """Asks for exports as JSON Lines, each on a connection of its own."""

    def __init__(self, served: Served, person: User) -> None:
        browser = Browser()
        browser.force_login(person)
        self._host = urlsplit(served.url).netloc
        self._headers = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
        self._open = ExitStack()

    def __call__(self, query: str) -> HTTPResponse:
        """Return an answer that can be read."""
        wire = HTTPConnection(self._host, timeout=PATIENCE_S)
        self._open.callback(wire.close)
        wire.request("GET", f"/console/events/export?format=jsonl&{query}", headers=self._headers)
        answer = wire.getresponse()
        self._open.callback(answer.close)
        return answer

    def leave(self) -> None:
        """Close all connections, whatever was read."""
        self._open.close()


@pytest.fixture
def ask(served: Served, person: User) -> Iterator[Ask]:
    """Somebody who may see all events."""
    ask = Ask(served, person)
    yield ask
    ask.leave()


def exporting(served: Served) -> list[int]:
    return [child for worker in served.workers() for child in children(worker)]


def test_it_is_what_the_command_writes(ask: Ask, person: User) -> None:
    found = events(person, FEW)
    answer = ask(found)
    assert answer.status == 200
    sent = answer.read().decode()
    assert sent.count("\n") == FEW
    output = io.StringIO()
    call_command("export_events", filter=found, stdout=output)
    assert sent == output.getvalue()


def test_it_says_so_when_its_process_fails(served: Served, ask: Ask, many: str) -> None:
    """The server ends the answer as if it was whole."""
    answer = ask(many)
    assert answer.read(100)
    (child,) = exporting(served)
    os.kill(child, signal.SIGKILL)
    lines = answer.read().decode().splitlines()
    assert len(lines) < MANY
    assert json.loads(lines[-1]) == {
        "error": "The export stopped here because of an error. There are more rows."
    }


def test_its_process_ends_with_who_reads(served: Served, ask: Ask, many: str) -> None:
    answer = ask(many)
    assert answer.read(100)
    assert exporting(served)
    ask.leave()
    wait_until(lambda: not exporting(served), "The process of an export that nobody reads is left.")


def test_few_run_at_once(served: Served, ask: Ask, many: str) -> None:
    # Which worker is asked nobody knows: after so many each has as many as it may.
    answers = [ask(many) for _ in range(len(served.workers()) * AT_ONCE + 1)]
    refused = [each for each in answers if each.status == 503]
    assert refused
    assert all(each.headers["Retry-After"] for each in refused)
    running = exporting(served)
    assert len(running) <= len(served.workers()) * AT_ONCE
    # Most of them are only starting, which takes a second of processor time.
    for each in running:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
