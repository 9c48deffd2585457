"""nginx's cached key sets beside static files: `python tests/postgres.py python bench/nginx.py`.

nginx runs with deploy/nginx.conf on one processor, wrk (Debian's package) on another, with sixteen
persistent connections. It prints the medians and extremes of alternating rounds, and the ratio to
static files of the same bytes, served and logged by the same nginx, for each pair of rounds. The
portals are idle.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import django

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from portal.accounts.models import User  # noqa: E402 - Django first
from portal.registry.actions import create_client  # noqa: E402
from tests.interop.nginx import HOST, OPERATOR, Fleet, fleet, workers  # noqa: E402
from tests.interop.served import own_database  # noqa: E402
from tests.keys import new_private_key, public_pem  # noqa: E402
from tests.processes import free_port  # noqa: E402
from tests.registering import register_pem  # noqa: E402

CLIENTS = 100
ALGORITHMS = ("EdDSA", "ES256", "ES256")
ROUNDS = 15
SECONDS = 1
LUA = """
local paths, at = {}, 0
for path in io.lines("%s") do paths[#paths + 1] = path end
request = function()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at])
end
"""


def make_clients(count: int) -> list[str]:
    """Return the client_ids of clients with a few live keys each."""
    person = User.objects.create_user("bench@example.com", is_staff=True)
    client_ids = []
    for number in range(count):
        client = create_client(name=f"Client {number}", by=person)
        for alg in ALGORITHMS:
            material = public_pem(new_private_key(alg))
            register_pem(client, material=material, alg=alg, label=alg, by=person)
        client_ids.append(client.client_id)
    return client_ids


def requests_a_second(url: str, script: Path) -> float:
    """Return the requests per second of wrk; every response must be a 2xx."""
    command = [
        "taskset",
        "-c",
        str(max(os.sched_getaffinity(0))),
        "wrk",
        "-t1",
        "-c16",
        f"-d{SECONDS}s",
        "-H",
        f"Host: {HOST}",
    ]
    output = subprocess.run(
        [*command, "-s", script, url], check=True, capture_output=True, text=True
    ).stdout
    assert "Non-2xx" not in output, output
    assert "Socket errors" not in output, output
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found, output
    return float(found[1])


def measure(front: Fleet, static_port: int, paths: list[str], scratch: Path, rounds: int) -> None:
    """Fill the cache, write the same bytes into files, and print the medians."""
    for path in paths:
        answer = front.ask(path, source=OPERATOR, https=False)
        assert answer.status == 200
        file = scratch / "files" / path[1:]
        file.parent.mkdir(parents=True)
        file.write_bytes(answer.body)
    (scratch / "paths").write_text("\n".join(paths) + "\n")
    script = scratch / "paths.lua"
    script.write_text(LUA % (scratch / "paths"))
    assert front.master
    for pid in (front.master.pid, *map(int, workers(front.master.pid))):
        os.sched_setaffinity(pid, {0})
    urls = {
        "static files": f"http://127.0.0.1:{static_port}",
        "cached key sets": f"http://127.0.0.1:{front.plain}",
    }
    rates: dict[str, list[float]] = {name: [] for name in urls}
    for _ in range(rounds):
        for name, url in urls.items():
            rates[name].append(requests_a_second(url, script))
    ratios = [cached / static for static, cached in zip(*rates.values(), strict=True)]
    for name, each in rates.items():
        print(f"{name:16} {statistics.median(each):8,.0f}/s ({min(each):,.0f} to {max(each):,.0f})")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def main() -> None:
    """Create the clients, serve and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--smoke", action="store_true", help="only see whether this runs")
    smoke = parser.parse_args().smoke
    clients, rounds = (1, 1) if smoke else (CLIENTS, ROUNDS)
    with own_database(keep=smoke), tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        port = free_port()
        static = (
            f"server {{ listen 127.0.0.1:{port}; root {scratch}/files; "
            f"access_log {scratch}/static.log portal; }}"
        )
        paths = [f"/clients/{client_id}/jwks.json" for client_id in make_clients(clients)]
        settings = {"JWKS_MAX_AGE": "3600", "ALLOW_HTTP_KEY_SETS": "true"}
        with fleet(scratch, static, **settings) as front:
            measure(front, port, paths, scratch, rounds)


if __name__ == "__main__":
    main()
