"""How fast key sets are served: `python tests/postgres.py python bench/jwks.py --clients 1000000`.

It compares the portal with the same server and a constant response (the baseline), nginx with a
static file, and panva's oidc-provider, in alternating rounds. Each has one worker on the first
core; wrk and PostgreSQL have the second. PostgreSQL contains the clients, with three keys each. wrk
requests one of them, a thousand in turn, and others once each, so that none is in memory. It prints
the medians of requests per second, of processor time per request in the server, and of the ratios
of both to the baseline in the same round, and the memory of the worker. On a busy machine only the
processor time is reliable.

It needs wrk and nginx (Debian: `apt-get install wrk nginx-light`).
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.db import connection  # noqa: E402 - Django first

from portal.accounts.models import User  # noqa: E402
from portal.registry.actions import create_client  # noqa: E402
from portal.registry.models import Client  # noqa: E402
from tests.interop.oidc_provider import OidcProvider  # noqa: E402
from tests.interop.served import OPTIONS, Served, own_database, serve  # noqa: E402
from tests.keys import new_private_key, public_pem  # noqa: E402
from tests.postgres import die_with_parent  # noqa: E402
from tests.processes import end, family, free_port  # noqa: E402
from tests.registering import register_pem  # noqa: E402

ALGORITHMS = ("EdDSA", "ES256", "ES256")
FIRST_CORE = ("taskset", "-c", "0")
SECOND_CORE = ("taskset", "-c", str(max(os.sched_getaffinity(0))))
BATCH = ("chrt", "--batch", "0")
SECONDS = 1
CONNECTIONS = 16
MAX_COLD = 5000
"""More sets than one round can read: each round requests other sets, none twice."""

# Omit headers that the server adds; a "Connection: close" would cost a connection per request.
BY_SERVER = {"connection", "date", "server"}

CONSTANT = """
BODY = {body!r}
HEADERS = {headers!r}
def application(environ, start_response):
    start_response("200 OK", HEADERS)
    return [BODY]
"""

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off; keepalive_requests 1000000000; sendfile on; open_file_cache max=10;
    default_type application/jwk-set+json;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {folder};
        add_header Cache-Control "public, max-age=60, stale-if-error=600";
        add_header X-Content-Type-Options nosniff; add_header Access-Control-Allow-Origin "*"; }}
}}
"""

WRK = """
local paths, at = {}, 0
for path in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = path end
request = function()
    at = at % #paths + 1
    return wrk.format("GET", paths[at])
end
"""


ONCE = """
local lines, at = {}, 0
for line in io.lines(os.getenv("LINES")) do lines[#lines + 1] = line end
local times = tonumber(os.getenv("TIMES"))
request = function()
    if at < #lines * times then
        at = at + 1
    else
        wrk.thread:stop()
        io.open(os.getenv("DONE"), "w"):close()
    end
    return make(lines[math.ceil(at / times)])
end
response = function(status, _, body)
    if status ~= 200 and at < #lines * times then
        io.stderr:write(status .. " " .. body .. "\\n")
    end
end
"""
"""Requests each line so many times in a row. Answers that come after the end are not counted."""

PACED = """
local ffi, next_ms = require("ffi"), 0
ffi.cdef("typedef struct {long s; long ns;} when; int clock_gettime(int, when *);")
local when, every_ms = ffi.new("when"), 1000 / tonumber(os.getenv("RATE"))
delay = function()
    ffi.C.clock_gettime(1, when)
    local now_ms = tonumber(when.s) * 1000 + tonumber(when.ns) / 1000000
    next_ms = math.max(next_ms + every_ms, now_ms)
    return math.max(0, math.floor(next_ms - now_ms))
end
"""
"""Sends so many requests a second in all, as long as a connection is free for each."""


def once(
    make: str,
    lines: Iterable[str],
    command: Iterable[str],
    scratch: Path,
    *,
    times: int = 1,
    rate: float = 0.0,
) -> tuple[str, str]:
    """Let wrk request what the Lua function `make` makes of each line; return what it prints.

    It sends `rate` requests a second, or without a rate as many as it can. The second text has a
    line for each answer that was not 200.
    """
    listed, script, done = (scratch / name for name in ("lines", "once.lua", "done"))
    listed.write_text("\n".join(lines) + "\n")
    script.write_text(f"local make = {make}\n{ONCE}{PACED if rate else ''}")
    done.unlink(missing_ok=True)
    environment = {"LINES": str(listed), "DONE": str(done), "TIMES": str(times), "RATE": str(rate)}
    with (
        (scratch / "refused").open("w+") as refused,
        subprocess.Popen(
            [*command, "-t1", "-d3600s", "--timeout", "60s", "--latency", "-s", str(script)],
            stdout=subprocess.PIPE,
            stderr=refused,
            text=True,
            env={**os.environ, **environment},
        ) as process,
    ):
        while process.poll() is None:
            time.sleep(0.01)
            if done.exists():
                process.send_signal(signal.SIGINT)
        told, _ = process.communicate()
        refused.seek(0)
        answers = refused.read()
    assert "Socket errors" not in told, told
    return told, answers


class End(NamedTuple):
    """The target of requests: URL, paths in turn, and the serving process."""

    url: str
    paths: list[str]
    pid: int


def make_clients(count: int) -> list[str]:
    """Return paths of this many clients: the registry creates one, SQL copies it.

    The copies have keys of the same shape with a kid of their own; nobody verifies with them.
    """
    person = User.objects.create_user("bench@example.com", is_staff=True)
    client = create_client(name="Model", by=person)
    for alg in ALGORITHMS:
        pem = public_pem(new_private_key(alg))
        register_pem(client, material=pem, alg=alg, label=alg, by=person)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registry_clientkey DISABLE TRIGGER USER")
        cursor.execute(
            "INSERT INTO registry_client (client_id, name, contacts, redirect_uris, created_at, "
            "created_by_id, suspension_note) SELECT 'bench' || lpad(n::text, 27, '0'), "
            "'Client ' || n, '[]', '[]', now(), %s, '' FROM generate_series(1, %s) AS n",
            [person.pk, count - 1],
        )
        fields = client.keys.model._meta.local_fields  # noqa: SLF001
        columns = [str(field.column) for field in fields if field.column != "id"]
        made = {
            "client_id": "c.id",
            "kid": "translate(encode(sha256((c.client_id || k.kid)::bytea), 'base64'), "
            "'+/=', '-_')",
            "spki_sha256": "encode(sha256((c.client_id || k.spki_sha256)::bytea), 'hex')",
        }
        made["jwk"] = f"k.jwk || jsonb_build_object('kid', {made['kid']})"
        cursor.execute(
            f"INSERT INTO registry_clientkey ({', '.join(columns)}) "
            f"SELECT {', '.join(made.get(column, f'k.{column}') for column in columns)} "
            "FROM registry_client AS c CROSS JOIN registry_clientkey AS k WHERE c.id <> %s",
            [client.pk],
        )
        cursor.execute("ALTER TABLE registry_clientkey ENABLE TRIGGER USER")
        cursor.execute("ANALYZE")
    ids = Client.objects.order_by("pk").values_list("client_id", flat=True)
    return [f"/clients/{client_id}/jwks.json" for client_id in ids.iterator()]


def processor_s(pid: int) -> float:
    """Return for how many seconds a process and its children have run (proc(5), schedstat)."""
    tasks = [
        task for each in family(pid) for task in Path(f"/proc/{each}/task").glob("*/schedstat")
    ]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def ask(end: End, scratch: Path) -> tuple[float, float]:
    """Return the requests per second of wrk, and the server's processor time of each in µs."""
    listed, script = scratch / "paths", scratch / "paths.lua"
    listed.write_text("\n".join(end.paths) + "\n")
    script.write_text(WRK)
    command = [
        *(*SECOND_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s"),
        *(("-s", str(script), end.url) if len(end.paths) > 1 else (end.url + end.paths[0],)),
    ]
    before = processor_s(end.pid)
    output = subprocess.run(
        command,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PATHS": str(listed)},
    ).stdout
    took = processor_s(end.pid) - before
    assert "Non-2xx" not in output, output
    rate, count = (
        re.search(r"Requests/sec:\s*([\d.]+)", output),
        re.search(r"(\d+) requests in", output),
    )
    assert rate, output
    assert count, output
    return float(rate[1]), took / int(count[1]) * 1e6


@contextmanager
def running(command: list[str], url: str) -> Iterator[End]:
    """Run a server until the block ends."""
    process = subprocess.Popen(
        command,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel
    )
    try:
        for _ in range(100):
            time.sleep(0.1)
            try:
                urllib.request.urlopen(url).close()
            except OSError:
                continue
            break
        yield End(url, [""], process.pid)
    finally:
        end(process)


def memory_mb(portal: Served) -> float:
    """Return the worker's private memory in MB (proc(5))."""
    [worker] = portal.workers()
    rollup = Path(f"/proc/{worker}/smaps_rollup").read_text()
    kilobytes = sum(int(n) for n in re.findall(r"Private_(?:Clean|Dirty):\s+(\d+)", rollup))
    return kilobytes / 1024


def compare(paths: list[str], scratch: Path, rounds: range, policy: tuple[str, ...]) -> None:
    """Print the requests per second of each server; round 0 warms up."""
    pinned = (*FIRST_CORE, *policy)
    with ExitStack() as stack:
        portal = stack.enter_context(serve(scratch, workers=1, prefix=pinned))
        with urllib.request.urlopen(portal.url + paths[0]) as response:
            body, headers = response.read(), response.getheaders()
        kept = [pair for pair in headers if pair[0].lower() not in BY_SERVER]
        (scratch / "constant.py").write_text(CONSTANT.format(body=body, headers=kept))
        port = free_port()
        granian = str(Path(sys.executable).with_name("granian"))
        baseline = stack.enter_context(
            running(
                [
                    *(*pinned, granian, *OPTIONS, "--workers", "1", "--port", str(port)),
                    *("--working-dir", str(scratch), "constant:application"),
                ],
                f"http://127.0.0.1:{port}/",
            )
        )
        port = free_port()
        (scratch / "jwks.json").write_bytes(body)
        (scratch / "nginx.conf").write_text(NGINX.format(folder=scratch, port=port))
        scratch.chmod(0o755)
        static = stack.enter_context(
            running(
                [*pinned, "nginx", "-c", str(scratch / "nginx.conf"), "-e", str(scratch / "log")],
                f"http://127.0.0.1:{port}/jwks.json",
            )
        )
        peer = OidcProvider(prefix=pinned)
        stack.callback(peer.close)
        mine = portal.process.pid
        ends = {
            "granian, constant response": baseline,
            "nginx, static file": static,
            "oidc-provider, /jwks": End(peer.issuer, ["/jwks"], peer.pid),
            "portal, one client": End(portal.url, paths[:1], mine),
            "portal, 1,000 clients in turn": End(portal.url, paths[:1000], mine),
        }
        seen: dict[str, list[tuple[float, float]]] = {name: [] for name in ends}
        before = memory_mb(portal)
        for each in rounds:
            for name, end in ends.items():
                figures = ask(end, scratch)
                if each:
                    seen[name].append(figures)
        print(
            f"\n{len(paths):,} clients, policy {' '.join(policy) or 'as usual'}, {len(body)} bytes"
        )
        for name, found in seen.items():
            tell(name, found, seen["granian, constant response"])
        print(f"memory of the worker: {before:.0f} MB at first, {memory_mb(portal):.0f} MB now")
        part = len(paths[1000:]) // rounds.stop
        if part >= MAX_COLD:
            cold = [paths[1000 + n * part :][:part] for n in rounds]
            found = [ask(End(portal.url, each, mine), scratch) for each in cold]
            tell("portal, each client once", found, seen["granian, constant response"])
            print(f"memory of the worker: {memory_mb(portal):.0f} MB")


def tell(
    name: str, figures: list[tuple[float, float]], baseline: list[tuple[float, float]]
) -> None:
    """Print one server's medians, and the medians of its ratios to the baseline in each round."""
    rate, cost = (median(each) for each in zip(*figures, strict=True))
    faster = median(mine / its for (mine, _), (its, _) in zip(figures, baseline, strict=True))
    cheaper = median(its / mine for (_, mine), (_, its) in zip(figures, baseline, strict=True))
    print(
        f"{name:30} {rate:8,.0f}/s  {cost:6.1f} µs of processor  "
        f"{faster:5.2f} of the baseline, by processor {cheaper:5.2f}"
    )


def main() -> None:
    """Create the clients, and compare under the default policy and under SCHED_BATCH."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    clients, rounds = options.clients, range(options.rounds + 1)
    policies: tuple[tuple[str, ...], ...] = ((), BATCH)
    if options.smoke:
        clients, rounds, policies = 2, range(1, 2), (BATCH,)
    missing = [name for name in ("wrk", "nginx", "taskset", "chrt") if not shutil.which(name)]
    if missing:
        sys.exit(f"This bench needs {', '.join(missing)}: apt-get install wrk nginx-light")
    with own_database(keep=options.smoke):
        began = time.monotonic()
        paths = make_clients(clients)
        print(f"made {len(paths):,} clients in {time.monotonic() - began:.0f} s")
        for policy in policies:
            with tempfile.TemporaryDirectory() as folder:
                compare(paths, Path(folder), rounds, policy)


if __name__ == "__main__":
    main()
