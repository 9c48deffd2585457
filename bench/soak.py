"""Whether an hour leaves traces: `python tests/postgres.py --durable python bench/soak.py`.

Clients get tokens at half of the rate that one worker reaches, on 16 connections. Beside it, a key
is replaced in each round: a new one is registered and confirmed, and after the round the old one is
revoked. Its next assertion has to be refused, and its set must not contain it after the bound. An
admin opens pages, `manage.py work` runs, and `prune` deletes old assertions, as many as are added
for it.

It prints a line for each minute, with medians of its rounds, and in the end the first ten minutes
beside the last ten: p50 and p99 of the tokens, and for the serving process and for `manage.py work`
the memory of their own, threads and open files. Servers and load have a core each, as in
`bench/tokens.py`; on a busy machine only memory, threads and files say something.

It needs wrk (Debian: `apt-get install wrk`).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median

from django.conf import settings
from django.db import connection
from jwks import FIRST_CORE, SECOND_CORE
from tokens import End, ask, body, register

from portal.accounts.models import User
from portal.registry.actions import confirm_key, revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.follower import BOUND_S
from portal.registry.models import ClientKey
from tests.interop.served import ROOT, Served, database_url, own_database, serve
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.registering import register_pem
from tests.sessions import session_of

CLIENTS = 20
OLD = """
INSERT INTO registry_redeemedassertion
    (client_id, key_id, jti_sha256, reference, kid_sent, at, expires_at)
SELECT k.client_id, k.id, encode(sha256(random()::text::bytea), 'hex'),
    substr(md5(random()::text), 1, 16), true, now() - interval '99 days',
    now() - interval '99 days'
FROM registry_clientkey k, generate_series(1, %s)
WHERE k.id = (SELECT max(id) FROM registry_clientkey)"""
"""Assertions that are old enough to be deleted."""

PAGES = (
    *("/", "/clients/{0}/", "/clients/{0}/keys/{1}/", "/console/", "/console/keys/?q={1}"),
    *("/console/clients/", "/console/events/", "/console/refused/"),
)
"""With the client_id and the kid."""

UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Sample:
    """The result of one round, or the medians of several."""

    rate: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    threads: float
    files: float
    work_memory_mb: float
    work_threads: float
    work_files: float

    def __str__(self) -> str:
        return (
            f"{self.rate:6,.0f}/s, p50 {self.p50_ms:6.1f} ms, p99 {self.p99_ms:6.1f} ms;"
            f" serving: {self.memory_mb:5.1f} MB, {self.threads:3.0f} threads,"
            f" {self.files:3.0f} files; working: {self.work_memory_mb:5.1f} MB,"
            f" {self.work_threads:3.0f} threads, {self.work_files:3.0f} files"
        )


def middle(samples: list[Sample]) -> Sample:
    """Return the median of each figure."""
    names = [field.name for field in fields(Sample)]
    return Sample(*(median(getattr(each, name) for each in samples) for name in names))


def milliseconds(text: str) -> float:
    """Return a time as wrk prints it in milliseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * UNITS_MS[unit]


def held(pid: int) -> tuple[float, int, int]:
    """Return a process's own memory in MB, its threads and its open files (proc(5))."""
    home = Path(f"/proc/{pid}")
    private = re.findall(r"Private_\w+:\s+(\d+)", (home / "smaps_rollup").read_text())
    return (
        sum(map(int, private)) / 1024,
        len(list((home / "task").iterdir())),
        len(list((home / "fd").iterdir())),
    )


def visit(portal: str, keys: list[ClientKey], over: threading.Event) -> int:
    """Open a page every second, as an admin, until it is over; return how many."""
    opened = 0
    with closing(connection):
        while not over.wait(1):
            key = keys[opened % len(keys)]
            path = PAGES[opened % len(PAGES)].format(key.client.client_id, key.kid)
            cookie = f"{settings.SESSION_COOKIE_NAME}={session_of(key.registered_by)}"
            request = urllib.request.Request(portal + path, headers={"Cookie": cookie})
            with urllib.request.urlopen(request) as answer:
                assert answer.url.endswith(path), answer.url
                answer.read()
            opened += 1
    return opened


def prune(environment: dict[str, str], rows: int, over: threading.Event) -> int:
    """Add old assertions and run `prune`, a minute after it ended; return how often it did."""
    command, ended = [*SECOND_CORE, sys.executable, "manage.py", "prune"], 0
    with closing(connection):
        while not over.wait(60):
            with connection.cursor() as cursor:
                cursor.execute(OLD, [rows])
            subprocess.run(
                command, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL
            )
            ended += 1
    return ended


class Soak:
    """The portal under load, and the keys that clients sign with now."""

    def __init__(self, served: Served, worker: int, scratch: Path) -> None:
        self._end = End(served.url, served.url, served.process.pid).at("token")
        [self._serving] = served.workers()
        self._worker, self._scratch = worker, scratch
        self.pairs = [register("PS256") for _ in range(CLIENTS)]

    def full(self, requests: int) -> float:
        """Return the tokens per second that the portal gives when nobody waits."""
        return ask(self._end, self.bodies(0, requests), 16, self._scratch).rate

    def bodies(self, at: int, count: int) -> list[str]:
        """Return requests of a client, signed with its key."""
        key, private = self.pairs[at % CLIENTS]
        return [body(key, private, self._end.issuer) for _ in range(count)]

    def round(self, bodies: list[str], rate: float) -> Sample:
        """Send the requests, so many per second."""
        seen = ask(self._end, bodies, 16, self._scratch, rate)
        times = milliseconds(seen.p50), milliseconds(seen.p99)
        return Sample(seen.rate, *times, *held(self._serving), *held(self._worker))

    def status(self, form: str) -> int:
        """Return the status of the answer to a token request."""
        try:
            with urllib.request.urlopen(self._end.url, form.encode()) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def replace(self, at: int) -> None:
        """Let a client register a new key, and revoke the one that it signed with until now."""
        key, private = self.pairs[at % CLIENTS]
        renewed: PrivateKey = new_private_key("PS256")
        person = key.registered_by
        pem = public_pem(renewed)
        added = register_pem(key.client, material=pem, alg="PS256", label=str(at), by=person)
        self.pairs[at % CLIENTS] = (confirm_key(added, by=person), renewed)
        revoke_key(key, reason=RevocationReason.SUPERSEDED, by=person)
        assert self.status(body(key, private, self._end.issuer)) == 401, "It was accepted."
        time.sleep(BOUND_S)
        address = f"{self._end.issuer}/clients/{key.client.client_id}/jwks.json"
        with urllib.request.urlopen(address) as answer:
            published = answer.read()
        assert key.kid.encode() not in published, "A revoked key is still published."
        assert added.kid.encode() in published, "A new key is missing."


def soak(minutes: float, seconds: float, requests: int, rows: int, folder: Path) -> None:
    """Measure, and print what is found."""
    with ExitStack() as stack:
        served = stack.enter_context(serve(folder, workers=1, prefix=FIRST_CORE))
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        command = [*SECOND_CORE, sys.executable, "manage.py", "work"]
        work = stack.enter_context(
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        )
        stack.callback(work.terminate)
        bench = Soak(served, work.pid, folder)
        rate = bench.full(requests) / 2
        print(f"half of the load: {rate:,.0f} tokens/s; load {os.getloadavg()[0]:.0f}", flush=True)
        User.objects.update(is_staff=True)
        over = threading.Event()
        beside = stack.enter_context(ThreadPoolExecutor(3))
        visiting = beside.submit(visit, served.url, [key for key, _ in bench.pairs], over)
        pruning = beside.submit(prune, environment, rows, over)
        stack.callback(over.set)
        samples: list[tuple[float, Sample]] = []
        began, at = time.monotonic(), 0
        count = max(4, int(rate * seconds))
        bodies = bench.bodies(0, count)
        minute = 0
        while time.monotonic() - began < minutes * 60:
            following = beside.submit(bench.bodies, at + 1, count)
            samples.append((time.monotonic() - began, bench.round(bodies, rate)))
            bodies = following.result()
            bench.replace(at)
            at += 1
            if (time.monotonic() - began) // 60 > minute:
                recent = [each for when, each in samples if when >= minute * 60]
                print(f"minute {minute:2}: {middle(recent)}", flush=True)
                minute = int((time.monotonic() - began) // 60)
        over.set()
        ends = time.monotonic() - began
        window = min(600.0, ends)
        print(f"first: {middle([each for when, each in samples if when <= window])}")
        print(f"last:  {middle([each for when, each in samples if when >= ends - window])}")
        print(
            f"{at * count:,} tokens, {at} keys replaced, {visiting.result():,} pages,"
            f" prune ended {pruning.result()} times"
        )


def main() -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seconds", type=float, default=15, help="how long a round takes")
    parser.add_argument("--requests", type=int, default=4000, help="for the full load")
    parser.add_argument("--rows", type=int, default=100_000, help="for each prune")
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    amounts = (options.minutes, options.seconds, options.requests, options.rows)
    if options.smoke:
        amounts = (0.001, 0.01, 4, 10)
    with own_database(keep=options.smoke), tempfile.TemporaryDirectory() as folder:
        soak(*amounts, Path(folder))


if __name__ == "__main__":
    main()
