"""Fixtures for verifiers of other projects, and the portal served as in production."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import DjangoDbBlocker

from portal.accounts.models import User
from portal.registry.actions import create_client
from portal.registry.models import Client, ClientKey
from tests.interop.nginx import Fleet, fleet
from tests.interop.peers import Jose
from tests.interop.served import Served, own_database, serve
from tests.keys import PrivateKey, new_private_key, public_pem
from tests.migrated import prepared
from tests.registering import register_pem

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Pair:
    """A registered key, and its private key, which the portal never gets."""

    private: PrivateKey
    key: ClientKey

    @property
    def kid(self) -> str:
        """The kid that a signer puts into the header."""
        return self.key.kid


def in_the_past() -> datetime:
    """Return a moment that is long past."""
    return datetime(2020, 1, 1, tzinfo=UTC)


Register = Callable[..., Pair]
"""Called with a client and an algorithm."""


@pytest.fixture(scope="session")
def served(
    django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The portal, served for all these tests from the database that they write to."""
    scratch = tmp_path_factory.mktemp("served")
    with django_db_blocker.unblock(), prepared(), own_database(), serve(scratch) as portal:
        yield portal


@pytest.fixture(autouse=True)
def _real_transactions(served: Served, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let each test commit, as the portal sees only committed rows.

    Tables are not emptied between tests: every test has its own client.
    """
    with django_db_blocker.unblock():
        yield


@pytest.fixture
def person() -> User:
    """The user who registers and revokes keys."""
    return User.objects.create_user(f"{uuid4().hex}@example.com", is_staff=True)


@pytest.fixture
def client(person: User) -> Client:
    """A client without keys."""
    return create_client(name="Interop", by=person)


@pytest.fixture
def register(person: User, served: Served) -> Register:
    """Registers a new key, and returns when every worker publishes it."""

    def register(client: Client, alg: str) -> Pair:
        private = new_private_key(alg)
        key = register_pem(client, material=public_pem(private), alg=alg, label=alg, by=person)
        served.wait_until(key, shown=True)
        return Pair(private, key)

    return register


@pytest.fixture(scope="session")
def front(
    served: Served, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fleet]:
    """nginx and two portals on the database of these tests."""
    with (
        django_db_blocker.unblock(),
        fleet(tmp_path_factory.mktemp("nginx"), SIGN_UP_RATE="2/1h/ip") as running,
    ):
        yield running


@pytest.fixture(scope="session")
def _node_modules() -> None:
    """The Node libraries of the lock file, installed if they are missing."""
    installed = FOLDER / "node_modules" / ".package-lock.json"
    locked = FOLDER / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < locked.stat().st_mtime:
        npm = Path(sys.executable).with_name("npm")
        subprocess.run([npm, "ci", "--silent"], cwd=FOLDER, check=True)


@pytest.fixture(scope="session")
def jose(_node_modules: None) -> Iterator[Jose]:
    """Node's jose."""
    process = Jose()
    yield process
    process.close()


@pytest.fixture(scope="session")
def published(served: Served, django_db_blocker: DjangoDbBlocker) -> Callable[[str], Pair]:
    """A function from an algorithm to the only key of a client, shared by tests that only read."""

    @cache
    def publish(alg: str) -> Pair:
        person = User.objects.create_user(f"{uuid4().hex}@example.com", is_staff=True)
        private = new_private_key(alg)
        client = create_client(name=alg, by=person)
        key = register_pem(client, material=public_pem(private), alg=alg, label=alg, by=person)
        return Pair(private, key)

    return publish
