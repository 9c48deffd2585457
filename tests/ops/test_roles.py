"""The portal serves as a role that owns no table, by the statements that are documented."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

import psycopg
import pytest

from portal.registry.follower import BOUND_S
from tests.chaos.person import fetch
from tests.interop.databases import Database, own_server
from tests.migrated import migrate
from tests.ops.production import ROOT
from tests.ops.running import status
from tests.ops.serving import Serving, serve

USE = """
from datetime import timedelta
from portal.accounts.models import User
from portal.registry.actions import create_client, retire_key, revoke_key
from tests.registering import register_pem
from portal.registry.choices import RevocationReason
from tests.keys import new_private_key, public_pem
person = User.objects.create_user("a@example.com", is_staff=True)
client = create_client(name="Known", by=person)
def key():
    material = public_pem(new_private_key())
    return register_pem(client, material=material, alg="EdDSA", label="x", by=person)
retire_key(key(), grace=timedelta(0), by=person)
revoke_key(key(), reason=RevocationReason.COMPROMISED, by=person)
print(client.client_id, key().kid)
"""
REVOKE = """
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
key = ClientKey.objects.get(kid={!r})
revoke_key(key, reason="compromised", by=key.registered_by)
"""


def documented() -> list[str]:
    """Return the two blocks of SQL: what a superuser does, and what the owner does."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    section = text.partition("## A role that owns nothing")[2].partition("\n## ")[0]
    return re.findall(r"```sql\n(.*?)```", section, re.DOTALL)


def as_role(database: Database, role: str) -> str:
    """Return the URL of the database of the portal for a role."""
    return database.url.replace("portal@/postgres", f"{role}@/portal")


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """A server with the roles, and a database that its owner has migrated."""
    with own_server() as database:
        superuser, owner = documented()
        for statement in filter(str.strip, superuser.split(";")):
            database.sql(statement)
        with psycopg.connect(as_role(database, "portal_owner")) as connection:
            connection.execute(owner.encode())
        # The migrations themselves run as an owner that is no superuser: see tests/migrated.py.
        migrate({**os.environ, "DATABASE_URL": as_role(database, "portal_owner")})
        yield database


@pytest.fixture(scope="module")
def portal(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The portal, served by the other role."""
    url = as_role(database, "portal_user")
    with serve(url, tmp_path_factory.mktemp("portal"), GRANIAN_WORKERS="1") as portal:
        yield portal


@pytest.fixture(scope="module")
def known(portal: Serving) -> tuple[str, str]:
    """A client with a live key, a retired one and a revoked one: its id, and the live one's kid."""
    client_id, kid = portal.do(USE).split()
    return client_id, kid


def test_all_that_the_portal_does_can_be_done_without_owning_a_table(
    portal: Serving, known: tuple[str, str]
) -> None:
    client_id, kid = known
    assert kid in fetch(portal.port, client_id)[1]
    assert status(f"http://127.0.0.1:{portal.port}/readyz") == 200
    portal.do(REVOKE.format(kid))
    time.sleep(BOUND_S)
    outcome, kids = fetch(portal.port, client_id)
    assert outcome == "200"
    assert kid not in kids
    portal.manage("prune")
    portal.manage("clearsessions")


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE registry_event DISABLE TRIGGER ALL",
        "ALTER TABLE registry_clientkey DISABLE TRIGGER key_revocation_is_final",
        "DROP TRIGGER key_revocation_is_final ON registry_clientkey",
        "TRUNCATE registry_event",
        "DROP TABLE registry_blockedkey",
        "ALTER FUNCTION registry_refuse() RENAME TO registry_take",
        "CREATE TABLE registry_other (id int)",
        "SET session_replication_role = replica",
        "DELETE FROM registry_event",
        "UPDATE registry_clientkey SET revoked_at = NULL",
        "DELETE FROM registry_clientkey",
    ],
)
def test_what_the_triggers_promise_cannot_be_got_round(
    statement: str, database: Database, known: tuple[str, str]
) -> None:
    with (
        psycopg.connect(as_role(database, "portal_user"), autocommit=True) as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityError)),
    ):
        connection.execute(statement.encode())
