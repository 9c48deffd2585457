"""An upgrade beside traffic: the version before and this one write to one PostgreSQL."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from portal.registry.follower import BOUND_S
from tests.interop.served import ASKS, serve
from tests.interop.test_front import ask
from tests.migrated import migrate, new_database
from tests.ops.production import PRODUCTION, ROOT
from tests.shell import Shell
from tests.waiting import PATIENCE_S, wait_until

FIRST_OF_THIS = "portal/registry/migrations/0020_ledger.py"
"""What the version before does not have: it writes events without number and leaf."""

SET_UP = """
from portal.accounts.models import User
User.objects.create_user("a@example.com")
"""
# Verbs that both versions have under one name.
WRITE = """
from portal.accounts.models import User
from portal.registry.actions import (
    change_client, create_client, resume_client, suspend_client,
)
person = User.objects.get(email="a@example.com")
def write(name):
    client = create_client(name=name, by=person)
    suspend_client(client, note="", by=person)
    resume_client(client, by=person)
    change_client(client, name="Changed", contacts=["a@example.com"], redirect_uris=[], by=person)
    return 4
"""
WRITE_ONCE = f"{WRITE}\nprint(write('Once'))"
# It ends when its standard input does.
GO_ON_WRITING = f"""{WRITE}
import sys, threading
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
done = 0
print("begun", flush=True)
while not over.wait(0.1):
    done += write("Written")
print(done)
"""


def git(*words: str) -> bytes:
    """Return what git says of this repository."""
    found = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=False)
    assert found.returncode == 0, (
        "This test runs the version before, from the history of the repository. "
        f"Please fetch all of it (git fetch --unshallow): {found.stderr.decode()}"
    )
    return found.stdout


class Version:
    """A version of the portal in a folder, on a database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.environment = PRODUCTION | {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "CLIENT_LIMIT": "1000000",
            "DATABASE_URL": url,
        }

    def do(self, code: str) -> str:
        """Run Python with Django set up and return what it prints."""
        ended = subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @contextmanager
    def writing(self) -> Iterator[list[int]]:
        """Let a process write events in this block; it then tells how many they were."""
        with subprocess.Popen(
            [sys.executable, "-c", f"import django; django.setup()\n{GO_ON_WRITING}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            told: list[int] = []
            try:
                assert process.stdout
                process.stdout.readline()
                yield told
                output, said = process.communicate(timeout=PATIENCE_S)
                assert process.returncode == 0, said
                told.append(int(output))
            finally:
                process.kill()


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The URL of an empty database."""
    with new_database("older_version", empty=True) as url:
        yield url


@pytest.fixture(scope="module")
def older(database: str, tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The version before, with a database of its own making."""
    [first, *_] = git("log", "--diff-filter=A", "--format=%H", "--", FIRST_OF_THIS).split()
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=io.BytesIO(git("archive", f"{first.decode()}^"))) as files:
        files.extractall(folder, filter="data")
    version = Version(folder, database)
    migrate(version.environment, folder)
    version.do(SET_UP)
    return version


@pytest.fixture(scope="module")
def shell(older: Version, database: str) -> Iterator[Shell]:
    """A process of this version, on the database of the version before."""
    with closing(Shell(Version(ROOT, database).environment)) as shell:
        yield shell


def count(database: str) -> int:
    with psycopg.connect(database) as server:
        [(counted,)] = server.execute("SELECT count(*) FROM registry_event").fetchall()
        return int(counted)


def numbers(database: str) -> list[tuple[int | None, str | None]]:
    with psycopg.connect(database) as server:
        return server.execute("SELECT number, leaf FROM registry_event ORDER BY id").fetchall()


def test_events_of_the_version_before_get_number_and_leaf_beside_traffic(
    older: Version, shell: Shell, database: str
) -> None:
    with older.writing() as before, older.writing() as beside:
        # It has to wait for verbs that run, and they for it.
        shell.manage("migrate", "--verbosity=0")
        with Version(ROOT, database).writing() as now:
            counted = count(database)
            wait_until(lambda: count(database) > counted + 60, "Nothing is written.")
    after = older.do(WRITE_ONCE)
    assert (None, None) in numbers(database)
    # The next verb of this version numbers what was added without a number.
    last = shell.do(WRITE_ONCE)
    found = numbers(database)
    assert len(found) == sum([*before, *beside, *now, int(after), int(last)])
    assert sorted(number or 0 for number, _ in found) == list(range(1, len(found) + 1))
    assert all(leaf for _, leaf in found)
    said = shell.manage("verify_ledger")
    assert said.startswith(f"{len(found)} events are as they were recorded. Root: ")


REGISTER = """
from portal.accounts.models import User
from portal.registry.actions import create_client
from tests.keys import new_private_key, public_pem
from tests.registering import register_pem
person = User.objects.get(email="a@example.com")
client = create_client(name="Beside", by=person)
for label in ("kept", "leaked"):
    material = public_pem(new_private_key())
    register_pem(client, material=material, alg="EdDSA", label=label, by=person)
print(client.client_id)
"""
REVOKE = """
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
key = ClientKey.objects.get(label="leaked")
revoke_key(key, reason="compromised", by=key.registered_by)
print(key.kid)
"""


def test_revocation_by_the_version_before_shows_within_the_bound(
    older: Version, shell: Shell, database: str, tmp_path: Path
) -> None:
    shell.manage("migrate", "--verbosity=0")
    path = f"/clients/{shell.do(REGISTER).strip()}/jwks.json"
    with serve(tmp_path, workers=1, DATABASE_URL=database) as portal:
        # Every worker has the set in memory.
        assert {ask(portal, path)[2].count(b'"kid"') for _ in range(3 * ASKS)} == {2}
        kid = older.do(REVOKE).strip().encode()
        wait_until(
            lambda: not any(kid in ask(portal, path)[2] for _ in range(ASKS)),
            "The revoked key is still served.",
            within_s=BOUND_S,
        )
        assert ask(portal, path)[2].count(b'"kid"') == 1
