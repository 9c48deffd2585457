"""Behind a pooler, here PgBouncer in transaction mode, no notification comes through: it looks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from portal.registry.follower import BOUND_S
from tests.migrated import new_database
from tests.ops.serving import Serving, serve
from tests.postgres import die_with_parent
from tests.processes import end, free_port
from tests.waiting import PATIENCE_S, wait_until
from tests.workers import let_each_worker_cache

PGBOUNCER = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin") or "pgbouncer"
NAME = "pooled"
ASKS = 16
"""Each on a connection of its own: enough for both workers to take some."""

CONFIGURATION = """
[databases]
{name} = host={there} user=portal
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
"""
SET_UP = """
from portal.accounts.models import User
from portal.registry.actions import create_client
from tests.registering import register_pem
from tests.keys import new_private_key, public_pem
person = User.objects.create_user("a@example.com", is_staff=True)
client = create_client(name="Known", by=person)
for label in ("goes", "stays"):
    material = public_pem(new_private_key())
    print(register_pem(client, material=material, alg="EdDSA", label=label, by=person).kid)
print(f"/clients/{client.client_id}/jwks.json")
"""
REVOKE = """
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
key = ClientKey.objects.get(label="goes")
revoke_key(key, reason="compromised", by=key.registered_by)
"""
PATH = """
from portal.registry.models import Client
print(f"/clients/{Client.objects.get().client_id}/jwks.json")
"""


@dataclass(frozen=True)
class Pooler:
    """Its URL and its process."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def pooler() -> Iterator[Pooler]:
    """A pooler in front of a database of its own."""
    port = free_port()
    with (
        new_database(NAME) as url,
        tempfile.TemporaryDirectory(prefix="pooler-", dir="/tmp") as folder,
    ):
        [there] = parse_qs(urlsplit(url).query)["host"]
        Path(folder).chmod(0o755)
        configuration = Path(folder) / "pgbouncer.ini"
        configuration.write_text(CONFIGURATION.format(name=NAME, there=there, port=port), "utf-8")
        process = subprocess.Popen(
            [PGBOUNCER, "--quiet", configuration],
            # It refuses to run as root.
            user="nobody" if os.geteuid() == 0 else None,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel
        )
        pooled = f"postgresql://portal@127.0.0.1:{port}/{NAME}"
        try:
            _wait_until_ready(pooled, process)
            yield Pooler(pooled, process)
        finally:
            end(process)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    def ready() -> bool:
        assert process.poll() is None
        with suppress(psycopg.OperationalError), psycopg.connect(url):
            return True
        return False

    wait_until(ready, "The pooler does not take connections.")


@pytest.fixture(scope="module")
def portal(pooler: Pooler, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The portal that reaches its database through the pooler only."""
    # Empty as docs/operations.md has it: PgBouncer refuses options.
    with serve(
        pooler.url, tmp_path_factory.mktemp("pooled"), PGOPTIONS="", LOG_LEVEL="WARNING"
    ) as portal:
        yield portal


def fetch(portal: Serving, path: str) -> tuple[int, bytes]:
    wire = HTTPConnection("127.0.0.1", portal.port, timeout=PATIENCE_S)
    wire.request("GET", path)
    response = wire.getresponse()
    answer = response.status, response.read()
    wire.close()
    return answer


def test_revocation_shows_within_the_bound_although_nothing_is_notified(portal: Serving) -> None:
    goes, stays, path = portal.do(SET_UP).split()
    let_each_worker_cache(portal.port, portal.workers(), path)
    assert goes.encode() in fetch(portal, path)[1]
    portal.do(REVOKE)
    time.sleep(BOUND_S)
    after = {fetch(portal, path) for _ in range(ASKS)}
    assert [(status, goes.encode() in body, stays.encode() in body) for status, body in after] == [
        (200, False, True)
    ]


def test_sets_are_served_from_memory_with_the_pooler_stopped(
    portal: Serving, pooler: Pooler
) -> None:
    [path] = portal.do(PATH).split()
    let_each_worker_cache(portal.port, portal.workers(), path)
    pooler.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(BOUND_S)
        assert {fetch(portal, path)[0] for _ in range(ASKS)} == {200}
    finally:
        pooler.process.send_signal(signal.SIGCONT)
