"""Clients that ask for tokens while workers and the database are killed, and what each of them got.

Each assertion is sent again until it is known what became of it: 200, or 401 for a used one. No
assertion may get two tokens, and no token may be given that the database does not know.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from itertools import count
from urllib.parse import urlencode

import psycopg

from tests.assertions import claims_of, form_of, sign
from tests.keys import PrivateKey, new_private_key, public_pem

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LOST = 0
"""The status of a request whose connection ended before the answer."""

# The first key takes the usual way; the others are like it, and written without their events.
SET_UP = """
from copy import copy
from portal.accounts.models import User
from portal.core.jwk import published_jwk
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions import confirm_key, create_client
from portal.registry.models import Client, ClientKey
from tests.registering import register_pem
person = User.objects.create_user("clients@example.com", is_staff=True)
first, *others = {pems!r}
client = create_client(name="Client", by=person)
model = register_pem(client, material=first, alg="EdDSA", label="x", by=person)
model = confirm_key(model, by=person)
print(client.client_id, model.kid)
clients = Client.objects.bulk_create(Client(name="Client", created_by=person) for _ in others)
keys = []
for client, pem in zip(clients, others, strict=True):
    material, key = parse_public_key(pem), copy(model)
    key.pk, key.client, key.pem = None, client, pem
    key.kid, key.spki_sha256 = material.thumbprint, material.spki_sha256
    key.jwk = published_jwk(material, "EdDSA")
    keys.append(key)
    print(client.client_id, key.kid)
ClientKey.objects.bulk_create(keys)
"""


@dataclass(frozen=True)
class Signer:
    """A client with its confirmed key."""

    client_id: str
    kid: str
    private: PrivateKey


def register(do: Callable[[str], str], number: int) -> list[Signer]:
    """Register so many clients by a function that runs Python beside the portal."""
    privates = [new_private_key() for _ in range(number)]
    told = do(SET_UP.format(pems=[public_pem(each) for each in privates]))
    names = [line.split() for line in told.splitlines()]
    return [
        Signer(client_id, kid, private)
        for (client_id, kid), private in zip(names, privates, strict=True)
    ]


@dataclass
class Rush:
    """Threads that send token requests to a portal until `operations` assertions are decided."""

    port: int
    issuer: str
    signers: list[Signer]
    operations: int
    threads: int
    statuses: Counter[int] = field(default_factory=Counter)
    tokens: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers: Iterator[int] = count()
        self._running = [
            threading.Thread(target=self._work, daemon=True) for _ in range(self.threads)
        ]

    @property
    def is_over(self) -> bool:
        """Whether all assertions are decided."""
        return not any(each.is_alive() for each in self._running)

    @property
    def done(self) -> int:
        """How many answers came so far, of all kinds."""
        return sum(self.statuses.values())

    def start(self) -> None:
        """Begin to send."""
        for each in self._running:
            each.start()

    def join(self) -> None:
        """Return when all assertions are decided."""
        for each in self._running:
            each.join()

    def _work(self) -> None:
        wire = HTTPConnection("127.0.0.1", self.port, timeout=60)
        while (number := next(self._numbers)) < self.operations:
            signer = self.signers[number % len(self.signers)]
            claims = claims_of(signer.client_id, self.issuer)
            assertion = sign(signer.private, "EdDSA", claims, kid=signer.kid)
            body, given = urlencode(form_of(assertion)), 0
            # Once more after the answer, so that each assertion is replayed.
            decided = 0
            while decided < 2:
                status, answer = _send(wire, body)
                self.statuses[status] += 1
                decided += status in {200, 401}
                if status == 200:
                    given += 1
                    self.tokens.append(json.loads(answer)["access_token"])
            if given > 1:
                self.twice.append(assertion)
        wire.close()

    def unknown(self, database_url: str) -> set[str]:
        """Return the tokens that were given and that the database does not know."""
        with psycopg.connect(database_url) as server:
            rows = server.execute("SELECT token_checksum FROM registry_accesstoken").fetchall()
        known = {checksum for (checksum,) in rows}
        return {each for each in self.tokens if _sha256(each) not in known}


def _send(wire: HTTPConnection, body: str) -> tuple[int, bytes]:
    """Send a token request; return the status and the body, or `LOST` without an answer."""
    try:
        wire.request("POST", "/api/oauth2/token", body, FORM)
        response = wire.getresponse()
        return response.status, response.read()
    except (OSError, HTTPException):
        wire.close()
        time.sleep(0.05)  # there may be no portal for a while
        return LOST, b""


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode("ascii")).hexdigest()
