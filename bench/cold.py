"""The first requests after a start: `python tests/postgres.py python bench/cold.py`.

No key set is in memory yet, and each client's set is requested by several verifiers at a time. wrk
sends these requests over many connections to one fresh process, and then to nginx with
deploy/nginx.conf before two fresh processes, which asks for each set once. It prints the requests
per second, how long they took, how many failed, and the processor time of the portal for each set.
On a busy machine only the processor time is reliable.

It needs wrk and nginx (Debian: `apt-get install wrk nginx-light`).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from jwks import make_clients, processor_s  # noqa: E402 - Django first

from tests.interop.nginx import HOST, fleet  # noqa: E402
from tests.interop.served import own_database, serve  # noqa: E402

SETTINGS = {"ALLOW_HTTP_KEY_SETS": "true"}
WRK = """
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int, int);")
local paths, at = {}, 0
for path in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = path end
local verifiers = tonumber(os.getenv("VERIFIERS"))
request = function()
    at = at + 1
    return wrk.format("GET", paths[math.ceil(math.min(at, #paths * verifiers) / verifiers)])
end
local answered = 0
response = function()
    answered = answered + 1
    if answered == #paths * verifiers then ffi.C.kill(ffi.C.getpid(), 2) end
end
"""


class Load(NamedTuple):
    """What is requested: each path by several verifiers in a row, over so many connections."""

    paths: list[str]
    verifiers: int
    connections: int


def ask(name: str, url: str, load: Load, scratch: Path, portals: Sequence[int]) -> None:
    """Request everything once, and print what happened."""
    listed, script = scratch / "paths", scratch / "paths.lua"
    listed.write_text("\n".join(load.paths) + "\n")
    script.write_text(WRK)
    before = sum(map(processor_s, portals))
    told = subprocess.run(
        [
            *("wrk", "-t1", f"-c{load.connections}", "-d3600s", "--timeout", "60s", "--latency"),
            *("-H", f"Host: {HOST}", "-s", str(script), url),
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PATHS": str(listed), "VERIFIERS": str(load.verifiers)},
    ).stdout
    cost = (sum(map(processor_s, portals)) - before) / len(load.paths) * 1e6
    rate, p50, p99, failed, lost = (
        (re.search(pattern, told) or ["", "0"])[1]
        for pattern in (
            r"Requests/sec:\s*(\d+)",
            r"50%\s+(\S+)",
            r"99%\s+(\S+)",
            r"Non-2xx or 3xx responses: (\d+)",
            r"Socket errors: (.+)",
        )
    )
    print(
        f"{name:12} {rate:>6} requests/s, p50 {p50}, p99 {p99}, {failed} failed, lost: {lost}; "
        f"{cost:,.0f} µs of processor for each set",
        flush=True,
    )


def main() -> None:
    """Create the clients and request their sets, without and with nginx."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--verifiers", type=int, default=4)
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    options = parser.parse_args()
    clients, connections, verifiers = options.clients, options.connections, options.verifiers
    if options.smoke:
        clients, connections, verifiers = 4, 2, 2
    with own_database(keep=options.smoke), tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        scratch.chmod(0o755)
        load = Load(make_clients(clients), verifiers, connections)
        print(f"{clients:,} clients, {verifiers} verifiers of each, {connections} connections")
        with serve(scratch, workers=1, **SETTINGS) as portal:
            ask("one process", portal.url, load, scratch, [portal.process.pid])
        with fleet(scratch, **SETTINGS) as front:
            portals = [each.pid for each in front.portals]
            ask("nginx", f"http://127.0.0.1:{front.plain}", load, scratch, portals)


if __name__ == "__main__":
    main()
