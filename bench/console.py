"""How long the console takes with a million keys.

    python tests/postgres.py python bench/console.py

fills an empty PostgreSQL with 1,000,000 keys of 100,000 clients, as many events and 20,000 blocked
keys over three years (a few minutes). It then requests each console page ten times and prints the
processor time of a request, the part of it that PostgreSQL takes, the number of queries, and the
pages of 8 kB that they read; other work on the machine changes none of these much. Finally it
streams the newest 100,000 events and prints how much the memory of the process grew. `--keys 50000`
creates fewer keys, `--smoke` only a handful. It reuses existing rows, so DATABASE_URL can name a
database from an earlier run.
"""
# ruff: noqa: E402 - Django has to be set up before its models are imported

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.core.management import call_command
from django.db import connection, transaction
from django.http.response import StreamingHttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.accounts.models import User
from portal.registry.models import Client, ClientKey
from tests.buffers import counting
from tests.keys import new_private_key, public_pem

PEOPLE = 200

# Spread rows evenly over three years, and everything else by i modulo small primes.
FILL = """
INSERT INTO registry_client (client_id, name, contacts, redirect_uris, created_at, created_by_id,
    suspended_at, suspended_by_id, suspension_note)
SELECT substr(md5(i::text) || md5('c' || i), 1, 32),
    (ARRAY['Payments','Ledger','Trading','Onboarding','Cards','Treasury'])[1 + i %% 6] || ' '
        || (ARRAY['Europe','Asia','Retail','Wholesale','Mobile'])[1 + i %% 5] || ' ' || i,
    '[]', '[]', now() - (1 - i / %(clients)s.0) * interval '3 years', %(first)s + i %% %(people)s,
    CASE WHEN i %% 997 = 0 THEN now() END, CASE WHEN i %% 997 = 0 THEN %(first)s END, ''
FROM generate_series(1, %(clients)s) i;

INSERT INTO registry_membership (client_id, user_id, role, since)
SELECT c.id, %(first)s + (c.id + k) %% %(people)s, (ARRAY['owner','developer','viewer'])[k], now()
FROM registry_client c, generate_series(1, 3) k WHERE k <= 1 + c.id %% 3;

INSERT INTO registry_clientkey (client_id, label, pem, alg, kty, curve, bits, kid, spki_sha256, jwk,
    registered_at, registered_by_id, confirmation_required, not_before, expires_at, retires_at,
    retired_by_id, revoked_at, revoked_by_id, revocation_reason, revocation_note)
SELECT c.id,
    (ARRAY['production','staging','laptop','vault','rotation','ci'])[1 + i %% 6] || ' '
        || (ARRAY['2024','2025','2026'])[1 + i %% 3] || '-' || i,
    %(pem)s,
    CASE WHEN i < %(keys)s / 3 AND i %% 50 = 0 THEN 'RS256'
        ELSE (ARRAY['PS256','EdDSA','ES256','PS384','ES512'])[1 + i %% 5] END,
    'RSA', '', 2048, rtrim(translate(encode(sha256(('k' || i)::bytea), 'base64'), '+/', '-_'), '='),
    encode(sha256(('s' || i)::bytea), 'hex'), '{}',
    now() - (1 - i / %(keys)s.0) * interval '3 years', %(first)s + i %% %(people)s, false,
    CASE WHEN i %% 2003 = 0 AND i %% 7 > 0 THEN now() + interval '9 days' END,
    CASE WHEN i %% 7 = 0 THEN now() + (i %% 700 - 200) * interval '1 day' + interval '10 days' END,
    CASE WHEN i %% 11 = 0 THEN now() + (i %% 3001 - 3000) * interval '1 hour' END,
    CASE WHEN i %% 11 = 0 THEN %(first)s END,
    CASE WHEN i %% 13 = 0 THEN now() END, CASE WHEN i %% 13 = 0 THEN %(first)s END,
    CASE WHEN i %% 13 = 0 THEN 'superseded' ELSE '' END, ''
FROM generate_series(1, %(keys)s) i
JOIN registry_client c ON c.client_id = substr(md5((1 + i %% %(clients)s)::text)
    || md5('c' || (1 + i %% %(clients)s)), 1, 32);

INSERT INTO registry_event (at, actor_id, verb, client_id, key_id, detail)
SELECT k.registered_at, k.registered_by_id,
    CASE WHEN k.id %% 5003 = 0 THEN 'suspend_client' ELSE 'register_key' END, k.client_id, k.id,
    jsonb_build_object('label', k.label, 'alg', k.alg, 'kid', k.kid)
FROM registry_clientkey k ORDER BY k.id;

INSERT INTO registry_blockedkey (spki_sha256, why, note, blocked_at, blocked_by_id)
SELECT encode(sha256(('b' || i)::bytea), 'hex'), 'admin', '', now() - i * interval '1 hour',
    %(first)s
FROM generate_series(1, %(keys)s / 50) i;

INSERT INTO registry_redeemedassertion (client_id, key_id, jti_sha256, reference, at, expires_at)
SELECT client_id, id, encode(sha256(id::text::bytea), 'hex'),
    'a' || translate(lpad(id::text, 15, '0'), '0189', 'abcd'),
    now() - id %% 300 * interval '1 day', now()
FROM registry_clientkey WHERE id %% 4 > 0;

INSERT INTO registry_refusedrequest (client_id, kid, reason, seen, expected, reference, at)
SELECT c.id, '', CASE WHEN c.id %% 5003 = 0 THEN 'jti_reused' ELSE 'expired' END, '', '',
    'f' || translate(lpad(c.id::text, 15, '0'), '0189', 'abcd'),
    now() - (%(clients)s - c.id) * interval '1 second'
FROM registry_client c ORDER BY c.id;
"""


def fill(number: int) -> User:
    """Create the rows if there are none, and return an admin."""
    call_command("migrate", verbosity=0)
    admin = User.objects.filter(is_staff=True).first()
    if admin and ClientKey.objects.exists():
        return admin
    began = time.perf_counter()
    people = [User(email=f"person{i}@example.com", is_staff=i == 0) for i in range(PEOPLE)]
    first = min(user.pk for user in User.objects.bulk_create(people))
    values: dict[str, int | str] = {
        "keys": number,
        "clients": number // 10,
        "people": PEOPLE,
        "first": first,
        "pem": public_pem(new_private_key()),
    }
    with connection.cursor() as cursor:
        with transaction.atomic():
            for statement in FILL.split(";\n"):
                if statement.strip():
                    cursor.execute(statement, values)
        cursor.execute("VACUUM ANALYZE")
    print(f"{number:,} keys were made in {time.perf_counter() - began:.0f} s")
    return User.objects.get(pk=first)


def pages(number: int) -> dict[str, str]:
    """Return the URL of each query to measure, by its description."""
    clients_number = number // 10
    key = ClientKey.objects.order_by("pk")[number // 2 : number // 2 + 1].get()
    client = Client.objects.get(pk=key.client_id)
    keys = {
        "newest": "",
        "a page in the middle": f"before={key.pk}",
        "a page in the middle, backwards": f"after={key.pk}",
        "by kid": f"q={key.kid}",
        "by the beginning of a kid": f"q={key.kid[:6]}",
        "by SHA-256": f"q={key.spki_sha256}",
        "by client_id": f"q={client.client_id}",
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
        "of a rare reason": "reason=jti_reused",
        "of a reason nobody had": "reason=nbf_ahead",
        "of today": f"since={timezone.now().date()}",
    }
    return {
        f"{tab}: {name}": f"/console/{tab}/?{query}"
        for tab, queries in (
            ("keys", keys),
            ("clients", clients),
            ("events", events),
            ("blocked", blocked),
            ("refused", refused),
        )
        for name, query in queries.items()
    }


def cost(browser: Browser, address: str, tries: int) -> tuple[float, float, int, int]:
    """Return the processor time of a request in ms, PostgreSQL's part, its queries, and its pages.

    Pages are what PostgreSQL reads from its memory or disk.
    """
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
    return 1000 * whole / tries, 1000 * database / tries, number, sum(read.values())


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


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    keys, tries = (1000, 1) if options.smoke else (options.keys, 10)
    admin = fill(keys)
    browser = Browser()
    browser.force_login(admin)
    for name, address in pages(keys).items():
        taken, database, number, read = cost(browser, address, tries)
        print(
            f"{taken:8.1f} ms  {database:8.1f} ms in {number:2} queries  {read:7} pages  {name}",
            flush=True,
        )
    export(browser, "2000-01-01" if keys <= 100_000 else "2026-01-01")


if __name__ == "__main__":
    main()
