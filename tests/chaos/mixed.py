"""Mixed operations by several people at once, the killing, and what is found in the end."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf

from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from portal.accounts.models import User
from portal.core.placeholder_key import PLACEHOLDER_KEY
from portal.core.public_key.parse import parse_public_key
from portal.registry.actions import create_client
from portal.registry.models import ClientKey
from tests.chaos.database import Database
from tests.chaos.ledger import Account, Key, Ledger
from tests.chaos.person import Person, fetch
from tests.keys import new_private_key, public_pem

LIMIT_S = 480.0
WRITERS, READERS, CLIENTS_EACH = 6, 4, 3
FULL = 8
"""A client with this many keys ends one before it registers another."""

KILL_EVERY_S = 3.5
WORKER_READY_S = 12.0
OUTAGES_S = (0.0, 1.0, 4.0)
"""How long the database stays down, in turns."""

LEAST_KILLS = len(OUTAGES_S)
"""How often workers, and the database, have to be killed for the drill to prove anything."""

KINDS = ("register", "revoke", "retire", "retire later", "fetch")

RECOVERY_S = 20.0

BOUND_S = 0.0
"""How long after its acknowledgement a change may go unnoticed."""

with suppress(ImportError):
    from portal.registry.follower import BOUND_S  # noqa: F401


class Writer(threading.Thread):
    """Registers, retires and revokes keys of its own clients, and fetches their sets."""

    def __init__(self, drill: Drill, person: Person, accounts: list[Account]) -> None:
        super().__init__(daemon=True)
        self._drill, self._person, self._accounts = drill, person, accounts
        self._outcome = ""

    def run(self) -> None:
        while not self._drill.is_over():
            account = random.choice(self._accounts)
            if random.random() < 0.4:
                self._drill.fetch(account)
            else:
                account.changed = inf
                self._write(account)
                account.changed = time.monotonic()

    def _write(self, account: Account) -> None:
        unsettled = [key for key in account.keys.values() if key.end and key.ended == inf]
        open_keys = [key for key in account.keys.values() if key.is_open]
        if unsettled:
            # It failed before, and whether it happened is not known: asked for until it is.
            self._end(account, unsettled[0], unsettled[0].end)
        elif len(open_keys) < 2 or (len(open_keys) < FULL and random.random() < 0.5):
            self._register(account)
        else:
            kinds = ("revoked", "revoked", "retired", "planned")
            kind = random.choice(kinds)
            key = random.choice(open_keys)
            if kind == "planned":
                self._plan(account, key)
            else:
                self._end(account, key, kind)

    def _register(self, account: Account) -> None:
        kid, material = self._drill.new_key()
        # Known before it is sent: the set may hold it before the acknowledgement is here.
        key = account.keys[kid] = Key(kid)
        path = f"/clients/{account.client_id}/keys/"
        if self._post("register", path, material=material, alg="EdDSA", label="drill"):
            key.registered = time.monotonic()
        else:
            # Nobody was promised anything; it may be there or not, and takes a place if it is.
            key.end, key.ending = "revoked", time.monotonic()
            self._end(account, key, "revoked")

    def _plan(self, account: Account, key: Key) -> None:
        path = f"/clients/{account.client_id}/keys/{key.kid}/retirement/"
        if self._post("retire later", path, grace="168", confirmation=account.name):
            key.planned = True

    def _end(self, account: Account, key: Key, kind: str) -> None:
        key.end = kind
        key.ending = min(key.ending, time.monotonic())
        path = f"/clients/{account.client_id}/keys/{key.kid}/"
        if kind == "revoked":
            fields = {"reason": "superseded", "confirmation": account.name}
            done = self._post("revoke", f"{path}revocation/", **fields)
        else:
            fields = {"grace": "0", "confirmation": account.name}
            done = self._post("retire", f"{path}retirement/", **fields)
        if done:
            key.ended = time.monotonic()
        elif self._outcome == "404" and key.registered == inf:
            # A registration that was not acknowledged did not happen.
            del account.keys[key.kid]
        elif self._outcome == "404":
            self._drill.ledger.violated(f"{key.kid} was registered, and is not found")

    def _post(self, operation: str, path: str, **fields: str) -> bool:
        began = time.monotonic()
        self._outcome = self._person.post(path, **fields)
        self._drill.ledger.note(operation, self._outcome, time.monotonic() - began)
        if self._outcome and self._outcome != "404":
            time.sleep(0.05)
        return not self._outcome


class Reader(threading.Thread):
    """Fetches the sets of everybody's clients."""

    def __init__(self, drill: Drill) -> None:
        super().__init__(daemon=True)
        self._drill = drill

    def run(self) -> None:
        while not self._drill.is_over():
            self._drill.fetch(random.choice(self._drill.accounts))
            time.sleep(0.01)


class Drill:
    """The people, the killing, and what is found in the end."""

    def __init__(
        self,
        database: Database,
        port: int,
        workers: Callable[[], list[int]],
        *,
        operations: int,
        bound_s: float,
    ) -> None:
        self._database, self._port, self._workers = database, port, workers
        self._operations = operations
        self.ledger = Ledger(bound_s)
        self._began = time.monotonic()
        self._down_since = inf
        self.seconds = 0.0
        self.accounts: list[Account] = []
        self.worker_kills = self.database_kills = 0
        self.recoveries: list[float] = []

    def is_over(self) -> bool:
        """Whether enough was done and killed, or the time is over."""
        return not self._missing() or time.monotonic() - self._began > LIMIT_S

    def _missing(self) -> list[str]:
        """Return what there was too little of."""
        numbers = {
            "operations": (self.ledger.total, self._operations),
            "killed workers": (self.worker_kills, LEAST_KILLS),
            "killed databases": (self.database_kills, LEAST_KILLS),
            **{kind: (self.ledger.done[kind], 1) for kind in KINDS},
        }
        return [
            f"{what}: {number} in {LIMIT_S:.0f} s, and {least} are the least"
            for what, (number, least) in numbers.items()
            if number < least
        ]

    def new_key(self) -> tuple[str, str]:
        """Return the kid and the PEM of a new key."""
        material = public_pem(new_private_key())
        return parse_public_key(material).thumbprint, material

    def fetch(self, account: Account) -> None:
        """Fetch a set and hold it against the ledger."""
        asked_at, down = time.monotonic(), self._down_since
        outcome, kids = fetch(self._port, account.client_id)
        self.ledger.answered(outcome)
        # Which of the workers answers is left to chance, so all of them are asked.
        if asked_at > down == self._down_since and account.changed < down - self.ledger.bound_s:
            self.ledger.answered(f"{outcome} in an outage")
            if outcome == "503":
                self.ledger.violated(
                    f"{account.client_id} was not served while the database is dead"
                )
        if outcome == "200":
            self.ledger.note("fetch", "", time.monotonic() - asked_at)
            self.ledger.compare(account, kids, asked_at)
        elif outcome.isdigit() and outcome != "503":
            self.ledger.violated(f"The JWKS of {account.client_id} was answered with {outcome}")
        else:
            time.sleep(0.05)

    def run(self) -> None:
        """Let everybody work until enough is done, and kill meanwhile."""
        people: list[threading.Thread] = [*self._writers(), *(Reader(self) for _ in range(READERS))]
        for person in people:
            person.start()
        self._kill_until_over()
        for person in people:
            person.join()
        self.seconds = time.monotonic() - self._began
        for what in self._missing():
            self.ledger.violated(what)

    def _writers(self) -> list[Writer]:
        """Make the people, each with clients and a session."""
        writers = []
        for number in range(WRITERS):
            user = User.objects.create_user(f"person{number}@example.com", is_staff=True)
            browser = Browser()
            browser.force_login(user)
            clients = [
                create_client(name=f"Drill {number} {each}", by=user)
                for each in range(CLIENTS_EACH)
            ]
            accounts = [Account(client.client_id, client.name) for client in clients]
            self.accounts += accounts
            person = Person(self._port, browser.cookies["sessionid"].value)
            writers.append(Writer(self, person, accounts))
        return writers

    def _kill_until_over(self) -> None:
        """Kill a worker, then the database, and so on."""
        turn = 0
        while not self.is_over():
            time.sleep(KILL_EVERY_S)
            if turn % 2 == 0:
                self._kill_a_worker()
            else:
                # So long a new worker takes to start and to read what the other one was asked for.
                time.sleep(WORKER_READY_S)
                self._database.kill()
                self.database_kills += 1
                self._down_since = time.monotonic()
                time.sleep(OUTAGES_S[turn // 2 % len(OUTAGES_S)])
                self._down_since = inf
                self._database.start()
                self._wait_for_a_set()
            turn += 1

    def _kill_a_worker(self) -> None:
        """Kill the older worker, and return when there is another one in its place."""
        pids = sorted(self._workers())
        # The older one: granian gives up when a worker ends soon after it began.
        os.kill(pids[0], signal.SIGKILL)
        deadline = time.monotonic() + RECOVERY_S
        while pids[0] in self._workers() or len(self._workers()) < len(pids):
            if time.monotonic() > deadline:
                self.ledger.violated(f"No new worker {RECOVERY_S:.0f} s after one was killed")
                return
            time.sleep(0.05)
        self.worker_kills += 1

    def _wait_for_a_set(self) -> None:
        """Note how long after the database takes connections every set is to be had."""
        began = time.monotonic()
        for account in self.accounts:
            while fetch(self._port, account.client_id)[0] != "200":
                if time.monotonic() > began + RECOVERY_S:
                    self.ledger.violated(f"No set {RECOVERY_S:.0f} s after the database came back")
                    return
                time.sleep(0.02)
        self.recoveries.append(time.monotonic() - began)

    def settle(self) -> None:
        """Look in the database and at every set, from every worker, after one last crash."""
        self._database.kill()
        connection.close()
        self._database.start()
        self._wait_for_a_set()
        time.sleep(self.ledger.bound_s)
        for account in self.accounts:
            stored = ClientKey.objects.filter(client__client_id=account.client_id)
            rows = {key.kid: key for key in stored}
            for key in account.keys.values():
                self._settle(key, rows.get(key.kid))
            live = set(stored.live(timezone.now()).values_list("kid", flat=True))
            for _ in range(6):
                outcome, kids = fetch(self._port, account.client_id)
                if outcome != "200" or kids != (live or {PLACEHOLDER_KEY["kid"]}):
                    self.ledger.violated(f"In the end {account.client_id} is not as it is stored")

    def _settle(self, key: Key, row: ClientKey | None) -> None:
        events = set(row.events.values_list("verb", flat=True)) if row else set()
        promises = {
            "register_key": key.registered < inf,
            "revoke_key": key.end == "revoked" and key.ended < inf,
            "retire_key": key.planned or (key.end == "retired" and key.ended < inf),
        }
        kept = {
            "register_key": row is not None,
            "revoke_key": bool(row and row.revoked_at),
            "retire_key": bool(row and row.retires_at),
        }
        for verb, promised in promises.items():
            if promised and not (kept[verb] and verb in events):
                self.ledger.violated(f"{verb} of {key.kid} was acknowledged and is lost")
