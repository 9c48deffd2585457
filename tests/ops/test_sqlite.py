"""The portal on SQLite as `make run` serves it: two workers, and key sets in the memory of each."""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from portal.registry.follower import BOUND_S
from tests.ops.serving import Serving, serve
from tests.waiting import PATIENCE_S
from tests.workers import let_each_worker_cache

ASKS = 12
"""Each on a connection of its own: enough for both workers to take some."""

LOCK_S = 20
"""How long the portal waits for a lock (`timeout` in its settings)."""

SET_UP = """
from portal.accounts.models import User
from portal.registry.actions import create_client
from tests.registering import register_pem
from tests.keys import new_private_key, public_pem
from uuid import uuid4
person = User.objects.create_user(f"{uuid4().hex}@example.com", is_staff=True)
for name in ("Known", "Cold"):
    client = create_client(name=name, by=person)
    register_pem(client, material=public_pem(new_private_key()), alg="EdDSA", label="x", by=person)
    print(f"/clients/{client.client_id}/jwks.json")
"""
REVOKE = """
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
key = ClientKey.objects.get(client__client_id="{}")
revoke_key(key, reason="compromised", by=key.registered_by)
print(key.kid)
"""

Answer = tuple[int, tuple[tuple[str, str], ...], bytes]


def ask(portal: Serving, path: str, method: str = "GET", **headers: str) -> Answer:
    """All that comes over the wire but the date."""
    wire = HTTPConnection("127.0.0.1", portal.port, timeout=PATIENCE_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["X-Request-ID"] = "request-of-a-test"
    wire.request(method, path, headers=named)
    response = wire.getresponse()
    told = tuple(pair for pair in response.getheaders() if pair[0].lower() != "date")
    answer = response.status, told, response.read()
    wire.close()
    return answer


def answers(portal: Serving, path: str, method: str = "GET", **headers: str) -> set[Answer]:
    """What the workers answer; each of them is asked."""
    return {ask(portal, path, method, **headers) for _ in range(ASKS)}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sqlite") / "db.sqlite3"


@pytest.fixture(scope="module")
def portal(database: Path) -> Iterator[Serving]:
    """The portal on a file of its own."""
    with serve(f"sqlite:///{database}", database.parent) as portal:
        yield portal


@pytest.fixture
def paths(portal: Serving) -> list[str]:
    """The sets of a client that every worker knows, and of one that none does."""
    paths = portal.do(SET_UP).split()
    let_each_worker_cache(portal.port, portal.workers(), paths[0])
    return paths


def test_revocation_shows_at_once_on_every_worker(portal: Serving, paths: list[str]) -> None:
    known = paths[0]
    [(status, _, before)] = answers(portal, known)
    kid = portal.do(REVOKE.format(known.split("/")[2])).strip().encode()
    # No wait: each answer asks the file before.
    [(_, _, after)] = answers(portal, known)
    assert status == 200
    assert (kid in before, kid in after) == (True, False)


def test_cache_and_django_answer_with_the_same_bytes(
    portal: Serving, paths: list[str], database: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "plain"
    scratch.mkdir()
    with serve(f"sqlite:///{database}", scratch, JWKS_MEMORY_MB="0", GRANIAN_WORKERS="1") as plain:
        tag = dict(ask(plain, paths[0])[1])["etag"]
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            for held in ("", "*", tag, '"other"'):
                headers = {"If_None_Match": held} if held else {}
                expected = ask(plain, paths[0], method, **headers)
                assert answers(portal, paths[0], method, **headers) == {expected}


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_writer_that_takes_its_time_holds_no_set_up(
    portal: Serving, paths: list[str], database: Path, lock: str
) -> None:
    before = [ask(portal, path) for path in paths]
    writer = sqlite3.connect(database, isolation_level=None)
    # Constraints of the events ask for it; Django brings it.
    writer.create_function("REGEXP", 2, lambda pattern, text: bool(re.search(pattern, text)))
    writer.execute(f"BEGIN {lock}")
    writer.execute(
        "UPDATE registry_client "
        "SET suspended_at = '2026-01-01 00:00:00', suspended_by_id = created_by_id"
    )
    # As a portal of the version before the ledger writes it.
    writer.execute(
        "INSERT INTO registry_event (at, actor_id, actor_portal, verb, client_id, detail) "
        "SELECT '2026-01-01 00:00:00', created_by_id, false, 'suspend_client', id, '{}' "
        "FROM registry_client"
    )
    until = time.monotonic() + BOUND_S
    while (began := time.monotonic()) < until:
        assert [ask(portal, path) for path in paths] == before
        # As long as SQLite waits for a lock.
        assert time.monotonic() - began < LOCK_S
        time.sleep(0.05)
    writer.execute("COMMIT")
    for path, (_, _, body) in zip(paths, before, strict=True):
        assert body not in {answer[2] for answer in answers(portal, path)}
    writer.close()


def test_backup_that_takes_the_place_of_the_file_shows_at_once(
    portal: Serving, paths: list[str], database: Path, tmp_path: Path
) -> None:
    """Not what the documents ask for; but nothing may be served for ever that is not stored."""
    before = ask(portal, paths[0])
    backup = tmp_path / "backup"
    with sqlite3.connect(database) as source, sqlite3.connect(backup) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
    source.close()
    target.close()
    portal.do(REVOKE.format(paths[0].split("/")[2]))
    assert before not in answers(portal, paths[0])
    for beside in ("-wal", "-shm"):
        database.with_name(database.name + beside).unlink(missing_ok=True)
    shutil.move(backup, database)
    assert answers(portal, paths[0]) == {before}
    portal.do(REVOKE.format(paths[0].split("/")[2]))
    assert before not in answers(portal, paths[0])
