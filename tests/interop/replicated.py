"""A portal on a primary and a replica: clients to try, and ways to make it hard for the replica."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection
from itertools import cycle
from threading import Thread

from tests.interop.databases import Database
from tests.interop.served import ASKS, Served
from tests.interop.test_front import ask
from tests.waiting import PATIENCE_S, wait_until

CLIENTS = 24

STALE_S = "7200"
# Each client has a key to lose and one that ends sooner: its set is never kept in memory.
SET_UP = f"""
import os
from datetime import timedelta
from django.utils import timezone
from django.test import Client as Browser
from portal.accounts.models import User
from portal.registry.actions import create_client
from tests.registering import register_pem
from tests.keys import new_private_key, public_pem
from tests.migrated import migrate
migrate(os.environ)
person = User.objects.create_user("a@example.com", is_staff=True)
ends = [None, timezone.now() + timedelta(hours=1)]
for number in range({CLIENTS}):
    client = create_client(name=str(number), by=person)
    kids = [
        register_pem(
            client, material=public_pem(new_private_key()), alg="EdDSA", label="x", by=person,
            expires_at=end,
        ).kid
        for end in ends
    ]
    print(client.client_id, kids[0])
browser = Browser()
browser.force_login(person)
print(browser.session.session_key, "")
"""

REGISTER = """
from portal.accounts.models import User
from tests.registering import register_pem
from portal.registry.models import Client
client = Client.objects.get(client_id={client_id!r})
person = User.objects.get()
key = register_pem(client, material={material!r}, alg="EdDSA", label="x", by=person)
print(key.kid, end="")
"""

REVOKE = """
import time
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
key = ClientKey.objects.get(kid={kid!r})
revoke_key(key, reason="compromised", by=key.registered_by)
print(time.monotonic())
"""

# In no time, once the test lets it.
REVOKE_BOTH = """
from django.db import connection
from portal.registry.actions import revoke_key
from portal.registry.models import ClientKey
keys = [ClientKey.objects.get(kid=kid) for kid in ({!r}, {!r})]
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_advisory_lock_shared(2)")
for key in keys:
    revoke_key(key, reason="compromised", by=key.registered_by)
"""

# A change that is seen after the keys were read, and before the reading is over.
OVERTAKE = """
from types import SimpleNamespace
from django.db import connections
from django.utils import timezone
from portal.publishing.replica import Replica
from portal.registry.follower import Head
from portal.registry.models import Ledger

head = Ledger.head()
known = Head(head.size, head.root)
later = Head(head.size + 1, head.root)
follower = SimpleNamespace(current_head=known)
replica = Replica(follower)

def overtake(execute, statement, *rest):
    result = execute(statement, *rest)
    if "registry_clientkey" in statement:
        follower.current_head = later
    return result

def read():
    return replica.read({client_id!r}, timezone.now(), extended=False) is not None

print(read())
with connections["replica"].execute_wrapper(overtake):
    print(read())
print(read())
follower.current_head = Head(head.size, "0" * 64)
print(read())
follower.current_head = known
while not read():
    pass
"""

# A read of keys as this user waits while somebody holds the lock, on a replica too.
READER = """
CREATE ROLE reader LOGIN;
GRANT SELECT ON registry_client, registry_clientkey, registry_ledger TO reader;
CREATE FUNCTION wait_at_gate() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1);
    RETURN true;
END $$;
ALTER TABLE registry_clientkey ENABLE ROW LEVEL SECURITY;
CREATE POLICY gate ON registry_clientkey TO reader USING (wait_at_gate())
"""


class Cold:
    """A set that every request reads again, of a client with a key to lose."""

    def __init__(self, client_id: str, kid: str) -> None:
        self.client_id, self.kid = client_id, kid
        self.path = f"/clients/{client_id}/jwks.json"

    def readings(self, database: Database) -> int:
        """How many times it was read from that database so far."""
        return sum(
            'FROM "registry_client"' in each and f"'{self.client_id}'" in each
            for each in database.statements()
        )

    def shown(self, portal: Served) -> set[bool]:
        """Whether the key is in it, as far as the workers know."""
        answers = [ask(portal, self.path) for _ in range(ASKS)]
        assert {status for status, _, _ in answers} == {200}
        return {self.kid in body.decode() for _, _, body in answers}

    def revoke(self, database: Database) -> float:
        """Revoke the key; return the moment of the acknowledgement."""
        return float(database.do(REVOKE.format(kid=self.kid)))


def settle(portal: Served, primary: Database, follower: Database, cold: Cold) -> None:
    """Return when all workers read from the replica alone, which stands still no longer."""
    follower.sql("SELECT pg_wal_replay_resume()")
    wait_until(
        lambda: count(portal, primary, cold) == 0, "The workers do not read from the replica."
    )


def count(portal: Served, database: Database, cold: Cold) -> int:
    """Return how many of some requests read from that database."""
    before = cold.readings(database)
    cold.shown(portal)
    # Another process writes the statements down.
    time.sleep(0.3)
    return cold.readings(database) - before


@contextmanager
def standing_still(follower: Database) -> Iterator[None]:
    """Let the replica fall behind in this block; it goes on answering."""
    follower.sql("SELECT pg_wal_replay_pause()")
    while follower.sql("SELECT pg_get_wal_replay_pause_state()") != [("paused",)]:
        time.sleep(0.01)
    try:
        yield
    finally:
        follower.sql("SELECT pg_wal_replay_resume()")


def wire_to(portal: Served) -> closing[HTTPConnection]:
    return closing(HTTPConnection(portal.url.removeprefix("http://"), timeout=PATIENCE_S))


def tables_read(database: Database) -> set[str]:
    said = "\n".join(database.statements())
    return set(re.findall(r'(?:FROM|INTO|UPDATE|JOIN) "(\w+)"', said))


@contextmanager
def balancer(*servers: Database) -> Iterator[str]:
    """An address that leads connections to these servers in turn."""
    turns = cycle(servers)

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece)
        writer.close()

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = await reader.readexactly(4)
        hello = size + await reader.readexactly(int.from_bytes(size) - 4)
        there = await asyncio.open_unix_connection(str(next(turns).scratch / ".s.PGSQL.5432"))
        there[1].write(hello)
        await asyncio.gather(pass_on(reader, there[1]), pass_on(there[0], writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(lead, "127.0.0.1", 0))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://portal@127.0.0.1:{port}/postgres?sslmode=disable"
    finally:
        asyncio.run_coroutine_threadsafe(end(server), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def end(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
