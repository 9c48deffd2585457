"""Migrations run while traffic flows: nobody waits, and no change goes unnoticed."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest

from portal.registry.follower import BOUND_S
from tests.chaos.person import Person, fetch
from tests.migrated import new_database
from tests.ops.production import ROOT
from tests.ops.serving import Serving, serve
from tests.waiting import wait_until

ASKS = 16
"""Each on a connection of its own: enough for both workers to take some."""

SET_UP = """
from django.test import Client as Browser
from portal.accounts.models import User
from portal.registry.actions import create_client
from tests.registering import register_pem
from tests.keys import new_private_key, public_pem
person = User.objects.create_user("a@example.com", is_staff=True)
client = create_client(name="Known", by=person)
def new_kid():
    material = public_pem(new_private_key())
    return register_pem(client, material=material, alg="EdDSA", label="x", by=person).kid
kids = [new_kid() for _ in range(20)]
browser = Browser()
browser.force_login(person)
print(browser.cookies["sessionid"].value, client.client_id, *kids)
"""
# As `migrate registry 0006 --fake`, which computes the models after each migration, in seconds.
GO_BACK = """
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
graph = MigrationLoader(connection).graph
[next_one] = [each for each in graph.nodes if each[0] == "registry" and each[1][:4] == "0007"]
for each in graph.backwards_plan(next_one):
    MigrationRecorder(connection).record_unapplied(*each)
"""
REVOKE = """
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
key = ClientKey.objects.get(kid={!r})
revoke_key(key, reason="compromised", by=key.registered_by)
"""


class Traffic(threading.Thread):
    """Fetches the set all the time, and counts how it was answered."""

    def __init__(self, portal: Serving, client_id: str) -> None:
        super().__init__()
        self._port, self._client_id = portal.port, client_id
        self.over = threading.Event()
        self.outcomes: Counter[str] = Counter()

    def run(self) -> None:
        while not self.over.is_set():
            outcome, _ = fetch(self._port, self._client_id)
            self.outcomes[outcome] += 1
            self.over.wait(0.005)  # leaves some of a processor to the others


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The portal with a database of its own."""
    with (
        new_database("migrating") as own,
        serve(own, tmp_path_factory.mktemp("migrating"), KEY_LIMIT="20") as portal,
    ):
        # What came after 0006 stays in the tables, as the portal that serves here needs it.
        portal.do(GO_BACK)
        yield portal


@pytest.fixture(scope="module")
def known(portal: Serving) -> list[str]:
    """A session, a client_id, and the kids of its live keys."""
    return portal.do(SET_UP).split()


@pytest.fixture
def traffic(portal: Serving, known: list[str]) -> Iterator[Traffic]:
    """Somebody who fetches the set during the test; never was it missing."""
    traffic = Traffic(portal, known[1])
    traffic.start()
    yield traffic
    traffic.over.set()
    traffic.join()
    assert set(traffic.outcomes) == {"200"}
    assert traffic.outcomes.total() > 100


# Once back and again: more rounds give only further chances to a race.
@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.exhaustive)])
def test_key_that_is_revoked_beside_a_migration_is_gone_within_the_bound(
    portal: Serving, known: list[str], traffic: Traffic, times: int
) -> None:
    session, client_id, *kids = known
    person = Person(portal.port, session)
    # Without the triggers of 0006 the database tells nobody what changes.
    for target in ("0005", "0006") * times:
        migrating = threading.Thread(target=portal.manage, args=("migrate", "registry", target))
        migrating.start()
        during = kids.pop()
        _revoke(person, client_id, during)
        migrating.join()
        after = kids.pop()
        _revoke(person, client_id, after)
        _are_gone(portal, client_id, {during, after})


def _revoke(person: Person, client_id: str, kid: str) -> None:
    path = f"/clients/{client_id}/keys/{kid}/revocation/"
    assert person.post(path, reason="compromised", confirmation="Known") == ""


def _are_gone(portal: Serving, client_id: str, kids: set[str]) -> None:
    time.sleep(BOUND_S)
    assert not any(kids & fetch(portal.port, client_id)[1] for _ in range(ASKS))


def test_revocation_needs_no_trigger_to_be_noticed(portal: Serving, known: list[str]) -> None:
    client_id, kid = known[1], fetch(portal.port, known[1])[1].pop()
    with psycopg.connect(portal.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ALTER TABLE registry_clientkey DISABLE TRIGGER ALL")
        try:
            portal.do(REVOKE.format(kid))
        finally:
            connection.execute("ALTER TABLE registry_clientkey ENABLE TRIGGER ALL")
    _are_gone(portal, client_id, {kid})


def test_revocation_by_an_older_portal_is_noticed(portal: Serving, known: list[str]) -> None:
    """It adds an event without a number, and knows of no ledger."""
    client_id, kid = known[1], fetch(portal.port, known[1])[1].pop()
    with psycopg.connect(portal.environment["DATABASE_URL"]) as connection:
        connection.execute(
            "UPDATE registry_clientkey SET revoked_at = now(), revoked_by_id = registered_by_id, "
            "revocation_reason = 'compromised' WHERE kid = %s",
            [kid],
        )
        connection.execute(
            "INSERT INTO registry_event (at, actor_id, actor_portal, verb, client_id, key_id, "
            "detail) SELECT now(), registered_by_id, false, 'revoke_key', client_id, id, '{}' "
            "FROM registry_clientkey WHERE kid = %s",
            [kid],
        )
    _are_gone(portal, client_id, {kid})


def test_migration_that_cannot_have_its_lock_gives_up_and_holds_nobody_up(
    portal: Serving, traffic: Traffic
) -> None:
    """What waits for an exclusive lock lets nobody past it, so it may not wait for long."""
    with (
        psycopg.connect(portal.environment["DATABASE_URL"]) as connection,
        connection.execute("SELECT count(*) FROM registry_client"),
        subprocess.Popen(
            ["sh", "deploy/entry", "migrate", "registry", "0005"],
            cwd=ROOT,
            env=portal.environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as migrating,
    ):
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted"
        wait_until(lambda: connection.execute(waiting).fetchall(), "It waits for no lock.")
        answered = traffic.outcomes.total()
        _, said = migrating.communicate()
        # Requests that wait for the same lock get one answer meanwhile, at the end.
        assert traffic.outcomes.total() > answered + 2
    assert "lock timeout" in said
    assert migrating.returncode != 0
