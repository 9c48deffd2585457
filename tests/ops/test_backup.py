"""Backup and restore, by the commands that are documented, word for word."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgres
from tests.migrated import new_database
from tests.ops.production import ROOT
from tests.shell import Shell

CLIENTS = 5

FILL = """
person = User.objects.create_user("a@example.com", is_staff=True)
def key(client, alg, **dates):
    material = public_pem(new_private_key(alg))
    return register_pem(client, material=material, alg=alg, label=alg, by=person, **dates)
for alg in ("PS256", "ES256", "EdDSA", "ML-DSA-65"):
    client = create_client(name=f"Client with {alg}", by=person)
    key(client, alg)
    retire_key(key(client, "EdDSA"), grace=timedelta(days=2), by=person)
    retire_key(key(client, "EdDSA"), grace=timedelta(0), by=person)
    revoke_key(key(client, alg), reason=RevocationReason.COMPROMISED, by=person)
    key(client, "EdDSA", not_before=timezone.now() + timedelta(days=1))
    key(client, "EdDSA", expires_at=timezone.now() + timedelta(days=1))
suspend_client(client, note="", by=person)
create_client(name="Without keys", by=person)
"""

CHANGE = """
person = User.objects.get()
for each in ClientKey.objects.filter(revoked_at=None):
    revoke_key(each, reason=RevocationReason.SUPERSEDED, by=person)
client = create_client(name="Later", by=person)
register_pem(client, material=public_pem(new_private_key()), alg="EdDSA", label="x", by=person)
"""

TELL = """
sets = {
    f"/clients/{client_id}/{name}": Browser().get(f"/clients/{client_id}/{name}").content.decode()
    for client_id in Client.objects.values_list("client_id", flat=True)
    for name in ("jwks.json", "jwks-extended.json")
}
rows = {model._meta.db_table: model.objects.count() for model in apps.get_models()}
print(json.dumps({"sets": sets, "rows": rows}))
"""

IMPORTS = """
import json
from datetime import timedelta
from django.apps import apps
from django.test import Client as Browser
from django.utils import timezone
from portal.accounts.models import User
from portal.registry.actions import create_client, retire_key, revoke_key, suspend_client
from tests.registering import register_pem
from portal.registry.choices import RevocationReason
from portal.registry.models import Client, ClientKey
from tests.keys import new_private_key, public_pem
"""


@dataclass(frozen=True)
class Portal:
    """A portal with a database of its own, without a server."""

    environment: dict[str, str]
    shell: Shell

    def run(self, command: str, folder: Path) -> None:
        """Run a command as the operator does; it has to succeed."""
        subprocess.run(["sh", "-c", command], cwd=folder, env=self.environment, check=True)

    def do(self, code: str) -> str:
        """Do something with the portal's tables."""
        return self.shell.do(IMPORTS + code)

    def told(self) -> Any:
        """Return every set that is published, and how many rows each table has."""
        return json.loads(self.do(TELL))


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal with clients, and with keys in all states."""
    binaries = postgres.find_binaries(tmp_path_factory.mktemp("binaries"))
    with new_database("backup") as url:
        environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": url,
        }
        with closing(Shell(environment)) as shell:
            portal = Portal(environment, shell)
            portal.do(FILL)
            yield portal


@pytest.fixture
def portal(filled: Portal) -> Iterator[Portal]:
    """The same portal for each test, whatever the others do to it."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE backup_before TEMPLATE backup")
        yield filled
        connection.execute("DROP DATABASE backup WITH (FORCE)")
        connection.execute("ALTER DATABASE backup_before RENAME TO backup")


def documented() -> list[str]:
    """Return the commands under "Backup and restore" that need no container."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    section = text.partition("## Backup and restore")[2].partition("\n## ")[0]
    first, _ = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return str(first).splitlines()


def test_what_is_restored_publishes_every_set_as_it_was(portal: Portal, tmp_path: Path) -> None:
    backup, restore = documented()
    before = portal.told()
    assert len(before["sets"]) == 2 * CLIENTS
    portal.run(backup, tmp_path)
    portal.do(CHANGE)
    assert portal.told() != before
    portal.run(restore, tmp_path)
    assert portal.told() == before


def test_what_is_restored_takes_new_keys_and_keeps_its_promises(
    portal: Portal, tmp_path: Path
) -> None:
    backup, restore = documented()
    portal.run(f"{backup} && {restore}", tmp_path)
    before = portal.told()
    portal.do(CHANGE)
    after = portal.told()
    assert after["rows"]["registry_clientkey"] == before["rows"]["registry_clientkey"] + 1
    with (
        psycopg.connect(portal.environment["DATABASE_URL"]) as connection,
        pytest.raises(psycopg.errors.IntegrityError, match="keys are never deleted"),
    ):
        connection.execute("DELETE FROM registry_clientkey")


def test_a_backup_signs_nobody_in(portal: Portal, tmp_path: Path) -> None:
    backup, restore = documented()
    portal.do(
        "from django.contrib.sessions.backends.db import SessionStore; SessionStore().create()"
    )
    assert portal.told()["rows"]["django_session"] == 1
    portal.run(f"{backup} && {restore}", tmp_path)
    assert portal.told()["rows"]["django_session"] == 0
