"""Webhooks to a server of the test, and a worker whose clock the test sets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.own_keys import OwnKey
from portal.registry.models import Client, ClientKey
from portal.webhooks.actions import add_webhook
from portal.webhooks.deliver import WEBHOOK
from portal.webhooks.follow import FOLLOW
from portal.webhooks.models import EventType, Webhook
from portal.work.tasks import put_recurring
from portal.work.worker import Worker
from tests.keys import new_private_key, public_pem
from tests.own_keys import new_own_key
from tests.receiving import Receiver, header_of, receiving
from tests.registering import register_pem

ALL = [value for value, _ in EventType.choosable()]
SECOND = timedelta(seconds=1)
FAILS = b"500 No"


@dataclass
class Hooked:
    """A receiver, how it answers the next requests, and the worker."""

    receiver: Receiver
    now: datetime
    answers: list[bytes]
    """The next status lines and headers; 204 when there are no more."""

    def work(self, after: timedelta = timedelta(0)) -> None:
        """Let a worker do all that is due after this time."""
        self.now += after
        put_recurring([FOLLOW.name], self.now)
        worker = Worker(kinds=[FOLLOW.name, WEBHOOK.name], clock=lambda: self.now)
        while worker.step():
            pass

    def add(self, client: Any, by: Any, **more: Any) -> Webhook:
        """Add a webhook that leads to the receiver, and let the worker notice it."""
        values: dict[str, Any] = {
            "url": f"http://127.0.0.1:{self.receiver.port}/hook",
            "types": ALL,
        }
        values |= {"has_secret": False, "now": self.now} | more
        webhook, _ = add_webhook(client, by=by, **values)
        self.work(timedelta(seconds=5))
        return webhook

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The bodies that the receiver got, with the id of the message."""
        return [
            json.loads(each.partition(b"\r\n\r\n")[2]) | {"id": header_of(each, "webhook-id")}
            for each in self.receiver.requests
        ]

    @property
    def types(self) -> list[str]:
        return [each["type"] for each in self.messages]


def register(client: Client, by: Any, **more: Any) -> ClientKey:
    material = public_pem(new_private_key())
    return register_pem(client, material=material, alg="EdDSA", label="Secret plan", by=by, **more)


@pytest.fixture
def own_key(settings: Settings) -> OwnKey:
    """The key that signs webhooks."""
    key = new_own_key()
    settings.OWN_KEYS = {"checkpoint": (), "webhooks": (key,)}
    return key


@pytest.fixture
def hooked(settings: Settings, own_key: OwnKey) -> Iterator[Hooked]:
    settings.OUTGOING_NETWORKS = (ip_network("127.0.0.0/8"),)
    settings.OUTGOING_HTTP = True

    answers: list[bytes] = []

    def answer(talk: Any, _: Receiver) -> None:
        head = answers.pop(0) if answers else b"204 No Content"
        talk.sendall(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n")

    with receiving(answer) as receiver:
        yield Hooked(receiver, timezone.now(), answers)


@pytest.fixture
def failed(hooked: Hooked, payments: Client, cast: SimpleNamespace) -> Webhook:
    """A webhook whose receiver refused its first message."""
    webhook = hooked.add(payments, cast.dev)
    hooked.answers[:] = [FAILS]
    register(payments, cast.dev)
    hooked.work(5 * SECOND)
    return webhook
