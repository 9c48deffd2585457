"""How long the pages take with a million keys.

    python tests/postgres.py python bench/console.py

fills two databases of an empty PostgreSQL, one with 1,000,000 keys of 100,000 clients, one with
20,000 keys of 2,000, both with what three years leave behind (`console.sql`; a few minutes). It
then requests each page of the console, and each page of two clients and their owners, ten times
from both. It prints the processor time of a request, the ratio of both, the part of it that
PostgreSQL takes, the number of queries, and the pages of 8 kB that they read; other work on the
machine changes none of these much. Finally it streams the newest 100,000 events and prints how much
the memory of the process grew. `--keys` and `--beside` are other numbers of keys, and `--only`
requests only some pages. It reuses existing databases, so DATABASE_URL can name a server from an
earlier run.
"""
# ruff: noqa: E402 - Django has to be set up before its models are imported

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection
from django.http.response import StreamingHttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.core.jwk import published_jwk
from portal.core.public_key.parse import parse_public_key
from portal.registry.models import BlockedKey, Client, ClientKey, Job, RefusedRequest
from tests.buffers import counting
from tests.filling import bulk
from tests.keys import new_private_key, public_pem

PEOPLE = 200

FILL = Path(__file__).with_suffix(".sql")


def use(name: str) -> None:
    """Connect to this database of the server, and create it if it does not exist."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if not cursor.fetchone():
            cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    connection.settings_dict["NAME"] = name


def fill(number: int) -> None:
    """Create the rows if there are none."""
    call_command("migrate", verbosity=0)
    if ClientKey.objects.exists():
        return
    began = time.perf_counter()
    people = [User(email=f"person{i}@example.com", is_staff=i == 0) for i in range(PEOPLE)]
    private = new_private_key("PS256")
    values: dict[str, int | str] = {
        "keys": number,
        "clients": number // 10,
        "people": PEOPLE,
        "first": min(user.pk for user in User.objects.bulk_create(people)),
        "pem": public_pem(private),
        "jwk": json.dumps(published_jwk(parse_public_key(public_pem(private)), "PS256")),
    }
    with connection.cursor() as cursor:
        with bulk():
            for statement in FILL.read_text().split(";\n"):
                if statement.strip():
                    cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
    print(f"{number:,} keys were made in {time.perf_counter() - began:.0f} s", flush=True)


def pages(number: int) -> dict[str, tuple[User, str]]:
    """Return who requests each page to measure, and its address, by its description."""
    admin = User.objects.get(is_staff=True)
    console = {
        f"console, {name}": (admin, f"/console/{address}")
        for name, address in (lists(number) | console_pages(number)).items()
    }
    client = _client_in_the_middle(number)
    busy = ClientKey.objects.select_related("client").get(pk=number)
    return (
        console
        | developer_pages("a client", _key_of(client))
        | developer_pages("the busy client", busy)
    )


def _client_in_the_middle(number: int) -> Client:
    """Return a client with a webhook."""
    clients_number = number // 10
    return Client.objects.get(pk=clients_number // 2 + 6 - clients_number // 2 % 5)


def _key_of(client: Client) -> ClientKey:
    """Return a live and confirmed key of the client."""
    keys = ClientKey.objects.select_related("client").live(timezone.now())
    return keys.filter(client=client, confirmed_at__isnull=False).order_by("pk")[0]


def lists(number: int) -> dict[str, str]:
    """Return the address of each page and search of a long list, below the console."""
    clients_number = number // 10
    client = _client_in_the_middle(number)
    key = _key_of(client)
    busy = Client.objects.get(pk=1).client_id
    keys = {
        "newest": "",
        "a page in the middle": f"before={key.pk}",
        "a page in the middle, backwards": f"after={key.pk}",
        "by kid": f"q={key.kid}",
        "by the beginning of a kid": f"q={key.kid[:6]}",
        "by SHA-256": f"q={key.spki_sha256}",
        "by client_id": f"q={client.client_id}",
        "by client_id of the busy client": f"q={busy}",
        "by a common label": "q=production",
        "by a rare label": f"q=2026-{number - 4}",
        "by a client's name": f"q=Asia+{clients_number // 3}",
        "by a name of many clients": "q=Treasury",
        "by two letters": "q=ci",
        "by what is nowhere": "q=nowhere+at+all",
        "by two letters that are nowhere": "q=zq",
        **{
            f"status {status}": f"status={status}"
            for status in ("live", "active", "pending", "retiring", "expired", "retired", "revoked")
        },
        "algorithm": "alg=ES512",
        "algorithm nobody has": "alg=Ed448",
        "legacy (all of them old)": "legacy=on",
        "legacy and live": "legacy=on&status=live",
        "legacy in the last 7 days": "legacy=on&age=week",
        "older than a year": "age=old",
        "older than a year and live": "age=old&status=live",
        "older than a year, PS384": "age=old&alg=PS384",
        "dates long ago": "registered_from=2024-06-01&registered_to=2024-06-03",
        "expiring": "expiring=on",
        "expiring, by label": "expiring=on&q=vault",
        "label and algorithm": "q=staging&alg=EdDSA&status=retiring",
        "never used": "never_used=on",
        "not used for 90 days": "unused=90",
        "not used for years": "unused=3650",
        "RSA under 3072 bits": "size=under-3072",
        "RSA of 4096 bits or more": "size=from-4096",
        "registered by": "registered_by=person7@example.com",
        "registered by, and never used": "registered_by=person7@example.com&never_used=on",
        "no active owner": "ownerless=on",
        "never confirmed": "unproved=on",
        "that end without a successor": "no_successor=on",
        "that end without a successor, with a label": "no_successor=on&q=vault",
        "outside a rule": "outside=2",
        "outside a rule for some clients": "outside=3",
        "outside a rule, in use": "outside=2&status=live&unused=1",
        "by expiry": "sort=expiry",
        "by expiry, expired": "sort=expiry&status=expired",
    }
    clients = {
        "newest": "",
        "a page in the middle": f"before={clients_number // 2}",
        "by name": f"q=Asia+{clients_number // 3}",
        "by a common name": "q=Treasury",
        "by client_id": f"q={client.client_id}",
        "suspended": "only=suspended",
        "archived": "only=archived",
        "whose last request was refused": "only=failing",
        "without a live key, by a common name": "only=keyless&q=Treasury",
        "without a live key": "only=keyless",
        "without an active owner": "only=ownerless",
        "extra rights": "only=more",
    }
    events = {
        "newest": "",
        "a page in the middle": f"before={number // 2}",
        "by a rare verb": "verb=suspend_client",
        "by a verb nobody did": "verb=remove_member",
        "of a client": f"client={client.client_id}",
        "of the busy client": f"client={busy}",
        "of the busy client and a rare verb": f"client={busy}&verb=suspend_client",
        "of a key": f"key={key.kid}",
        "of a person": "person=person7@example.com",
        "of dates long ago": "since=2024-06-01&until=2024-06-03",
        "of a person, long ago": "person=person7@example.com&until=2024-06-03",
        "of a rare verb, long ago": "verb=suspend_client&until=2024-06-03",
    }
    blocked = {"newest": "", "by the beginning of a SHA-256": "q=ab12"}
    refused = {
        "newest": "",
        "of a client": f"client={client.client_id}",
        "of the busy client": f"client={busy}",
        "of the busy client and a rare reason": f"client={busy}&reason=jti_reused",
        "by reference": f"q={RefusedRequest.objects.order_by('pk')[0].reference}",
        "of a rare reason": "reason=jti_reused",
        "of a reason nobody had": "reason=nbf_ahead",
        "of today": f"since={timezone.now().date()}",
    }
    return {
        f"{tab}: {name}": f"{tab}/?{query}"
        for tab, queries in (
            ("keys", keys),
            ("clients", clients),
            ("events", events),
            ("blocked", blocked),
            ("refused", refused),
        )
        for name, query in queries.items()
    }


def console_pages(number: int) -> dict[str, str]:
    """Return the address of each other page of the console."""
    client = _client_in_the_middle(number)
    key = _key_of(client)
    busy = Client.objects.get(pk=1).client_id
    webhook = client.webhooks.get().pk
    prepared = Job.objects.get(started_at=None).pk
    return {
        "attention": "",
        "jobs": "jobs/",
        "a job": "jobs/1",
        "the effect of a job of 1,000 keys": f"jobs/{prepared}",
        "policy": "policy/",
        "a rule with exemptions": "policy/2",
        "a rule for some clients": "policy/3",
        "a new rule": "policy/new",
        "the change of a rule": "policy/new?replaces=2",
        "verifiers": "verifiers/",
        "a verifier": "verifiers/1",
        "webhooks": "webhooks/",
        "a webhook of the portal": "webhooks/1/",
        "an older page of its deliveries": f"webhooks/1/?before={number // 10}",
        "a webhook of a client": f"webhooks/{webhook}/",
        "the removal of a webhook": "webhooks/1/removal/",
        "the revocation of a key": f"keys/revocation?key={key.pk}",
        "the rights of a client": f"clients/{client.client_id}/rights",
        "the suspension of a client": f"clients/{client.client_id}/suspension",
        "the suspension of the busy client": f"clients/{busy}/suspension",
        "the new owner of a client": f"clients/{client.client_id}/owner",
        "a blocked key": f"blocked/{BlockedKey.objects.order_by('pk')[0].pk}",
    }


def developer_pages(name: str, key: ClientKey) -> dict[str, tuple[User, str]]:
    """Return who requests each page of a client and of its owner, and its address."""
    client = key.client
    owner = client.memberships.filter(role="owner")[0].user
    webhook = client.webhooks.get().pk
    ended = client.keys.filter(revoked_at__isnull=False).order_by("pk").first()
    of_client = {
        "settings": "",
        "ended keys": f"?before={ended.pk if ended else 1}",
        "edit": "edit/",
        "archive": "archive/",
        "deletion": "deletion/",
        "team": "team/",
        "a member": "team/?q=person7@example.com",
        "assertions": "assertions/",
        "token requests": "token-requests/",
        "refused token requests": "token-requests/?only=refused",
        "timeline": "timeline/",
        "webhooks": "webhooks/",
        "a webhook": f"webhooks/{webhook}/",
        "the removal of a webhook": f"webhooks/{webhook}/removal/",
        **{
            f"a key, {each or 'all about it'}": f"keys/{key.kid}/{each}{'/' if each else ''}"
            for each in ("", "edit", "snippets", "replacement", "retirement", "revocation")
        },
    }
    return {
        **{f"{name}: {each}": (owner, f"{_path(client)}{of_client[each]}") for each in of_client},
        f"owner of {name}: clients": (owner, "/clients/"),
        f"owner of {name}: archived clients": (owner, "/clients/?archived=1"),
        f"owner of {name}: a search": (owner, "/clients/?q=Asia"),
        f"owner of {name}: notices": (owner, "/account/notices/"),
    }


def _path(client: Client) -> str:
    return f"/clients/{client.client_id}/"


class Cost(NamedTuple):
    """What a request costs: its processor time in ms, PostgreSQL's part, its queries, and pages.

    Pages are what PostgreSQL reads from its memory or disk.
    """

    whole: float
    postgres: float
    queries: int
    read: int


def cost(browser: Browser, address: str, tries: int) -> Cost:
    """Return what a request costs."""
    with CaptureQueriesContext(connection) as queries:
        status = browser.get(address).status_code
    if status != 200:
        sys.exit(f"The portal answered {status} to {address}")
    number = len(queries)
    with counting() as read:
        browser.get(address)
    own, database = time.process_time(), _processor_s()
    for _ in range(tries):
        browser.get(address)
    database = _processor_s() - database
    whole = time.process_time() - own + database
    return Cost(1000 * whole / tries, 1000 * database / tries, number, sum(read.values()))


def _processor_s() -> float:
    """Return the processor time of the connection's PostgreSQL process so far, to 10 ms."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    # proc(5): utime and stime are the fields 14 and 15; the name in parentheses is field 2.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def export(browser: Browser, since: str) -> None:
    """Stream the newest 100,000 events; print time, size and memory growth."""
    for kind in ("csv", "jsonl"):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        response = browser.get(f"/console/events/export?format={kind}&since={since}")
        assert isinstance(response, StreamingHttpResponse)
        size = lines = 0
        for chunk in response.streaming_content:
            size += len(chunk)
            lines += chunk.count(b"\n")
            if lines > 100_000:
                break
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        taken = time.perf_counter() - began
        print(
            f"export {kind}: {lines:,} lines, {size / 2**20:.1f} MiB in {taken:.1f} s, "
            f"peak memory grew by {grown:.1f} MiB"
        )


class Filled:
    """A database with rows, and who requests which pages of it."""

    def __init__(self, number: int, database: str) -> None:
        self.number, self.database = number, database
        self._browsers: dict[int, Browser] = {}
        use(database)
        fill(number)
        self.pages = pages(number)

    def browser(self, user: User) -> Browser:
        """Connect to the database, and return a browser in which the person is signed in."""
        use(self.database)
        if user.pk not in self._browsers:
            self._browsers[user.pk] = Browser()
            self._browsers[user.pk].force_login(user)
        return self._browsers[user.pk]

    def cost(self, page: str, tries: int) -> Cost:
        """Return what a request of the page costs."""
        user, address = self.pages[page]
        return cost(self.browser(user), address, tries)


def compare(small: Filled, large: Filled, tries: int, wanted: str) -> None:
    """Print what each page costs with both, the highest ratio last."""
    costs = {
        name: (small.cost(name, tries), large.cost(name, tries))
        for name in small.pages
        if wanted in name
    }
    ratios = {name: many.whole / few.whole for name, (few, many) in costs.items()}
    for name in sorted(costs, key=lambda each: ratios[each]):
        few, many = costs[name]
        print(
            f"{few.whole:7.1f} → {many.whole:7.1f} ms  {ratios[name]:5.2f}"
            f"  in PostgreSQL {few.postgres:7.1f} → {many.postgres:7.1f}"
            f"  queries {few.queries:3} → {many.queries:3}"
            f"  pages {few.read:7} → {many.read:7}  {name}",
            flush=True,
        )
    print(
        f"{len(costs)} pages, median ratio {median(ratios.values()):.2f}, "
        f"{sum(each > 3 for each in ratios.values())} above 3, load {os.getloadavg()[0]:.0f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--beside", type=int, default=20_000, help="keys in the other database")
    parser.add_argument("--tries", type=int, default=10)
    parser.add_argument("--only", default="", help="only pages with this in their description")
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    if options.smoke:
        small = large = Filled(1000, connection.settings_dict["NAME"])
        compare(small, large, 1, "")
    else:
        small, large = (Filled(each, f"console_{each}") for each in (options.beside, options.keys))
        compare(small, large, options.tries, options.only)
    browser = large.browser(User.objects.get(is_staff=True))
    if not options.only:
        export(browser, "2000-01-01" if large.number <= 100_000 else "2026-01-01")


if __name__ == "__main__":
    main()
