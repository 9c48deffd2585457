"""A real nginx with `deploy/nginx.conf`, two portals behind it and settings as in production."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import Any

from portal.registry.models import Client
from tests.collected import static_root
from tests.interop.served import ROOT, database_url
from tests.ops.production import PRODUCTION
from tests.ops.running import server
from tests.postgres import die_with_parent
from tests.processes import end, free_port, wait_until_it_listens
from tests.waiting import wait_until

HOST = "keys.example.com"
TOKEN = "/api/oauth2/token"  # noqa: S105 - a path
LOGIN = "/account/login/"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STRANGER = "127.0.0.2"
"""The address that requests come from. nginx.conf takes 127.0.0.1 for an operator's."""
OPERATOR = "127.0.0.1"
NGINX = (
    os.environ.get("NGINX")
    or shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    or "nginx"
)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def cached(self) -> str:
        """What nginx did: MISS, HIT, EXPIRED, STALE or BYPASS."""
        return (self.headers["Cache-Status"] or "").removeprefix("nginx; detail=")


@dataclass
class Fleet:
    """nginx and its portals."""

    folder: Path
    ports: list[int]
    plain: int = field(default_factory=free_port)
    secure: int = field(default_factory=free_port)
    metrics: int = field(default_factory=free_port)
    portals: list[subprocess.Popen[bytes]] = field(default_factory=list)
    master: subprocess.Popen[bytes] | None = None

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        source: str = STRANGER,
        https: bool = True,
        host: str = HOST,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Send one request to nginx."""
        with closing(self.connect(source=source, https=https)) as wire:
            wire.request(method, path, body, {"Host": host, **headers})
            response = wire.getresponse()
            return Answer(response.status, response.headers, response.read())

    def connect(self, *, source: str = STRANGER, https: bool = True) -> HTTPConnection:
        """Return a connection to nginx that stays open."""
        here = "::1" if ":" in source else "127.0.0.1"
        if not https:
            return HTTPConnection(here, self.plain, 20, (source, 0))
        wire = _SecureConnection(here, self.secure, 20, (source, 0))
        certificate = self.folder / "tls" / "fullchain.pem"
        wire.trusted = ssl.create_default_context(cafile=certificate)
        return wire

    def leave_out(self, number: int) -> None:
        """Let nginx send nothing more to this portal, as docs/operations.md has it."""
        self._configure(f"server 127.0.0.1:{self.ports[number]} ", "down ")

    def take_in(self, number: int) -> None:
        """Let nginx send requests to this portal again."""
        self._configure(f"server 127.0.0.1:{self.ports[number]} ", "", "down ")

    def _configure(self, after: str, added: str, removed: str = "") -> None:
        """Change the configuration and reload."""
        path = self.folder / "nginx.conf"
        text = path.read_text("utf-8").replace(after + removed, after + added)
        path.write_text(text, "utf-8")
        self.reload()

    def reload(self) -> None:
        """Reload, and return when a new worker serves and no old one does."""
        assert self.master
        master = self.master.pid
        old = workers(master)
        os.kill(master, signal.SIGHUP)  # nginx -s reload
        wait_until(lambda: workers(master) and not workers(master) & old, "The old workers go on.")

    def logged(self, times: int = 0, text: str = "") -> str:
        """Return what nginx logged of requests and errors, once a text is there so many times.

        nginx logs a request after it has sent the response.
        """
        found = ""

        def is_there() -> bool:
            nonlocal found
            logs = (self.folder / name for name in ("access.log", "error"))
            found = "".join(each.read_text("utf-8") for each in logs)
            return found.count(text) >= times

        wait_until(is_there, f"nginx does not log {text} {times} times.")
        return found


def jwks(client: Client) -> str:
    return f"/clients/{client.client_id}/jwks.json"


def kids(answer: Answer) -> set[str]:
    assert answer.status == 200, answer
    return {key["kid"] for key in json.loads(answer.body)["keys"]}


def post_token(front: Fleet, body: bytes, **how: Any) -> Answer:
    """Send a form to the token endpoint."""
    return front.ask(TOKEN, method="POST", body=body, headers=FORM, **how)


def workers(master: int) -> set[str]:
    """Return the process ids of nginx's workers and of those that keep its caches."""
    return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())


class _SecureConnection(HTTPConnection):
    """Goes to an address, so that no name is looked up, and asks for the host's certificate."""

    trusted: ssl.SSLContext

    def connect(self) -> None:
        """Connect, and shake hands for the host."""
        super().connect()
        self.sock = self.trusted.wrap_socket(self.sock, server_hostname=HOST)


def configuration(fleet: Fleet, beside: str) -> str:
    """Return deploy/nginx.conf with what has to be filled in, and folders and ports of ours."""
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    for written, ours in {
        "${PORTAL_HOST}": HOST,
        "portal-1:8000": f"127.0.0.1:{fleet.ports[0]}",
        "portal-2:8000": f"127.0.0.1:{fleet.ports[1]}",
        "${SINCE_NGINX_1_27_4}": "",
        "listen 80": f"listen 127.0.0.1:{fleet.plain}",
        "listen 443": f"listen 127.0.0.1:{fleet.secure}",
        "listen [::]:80": f"listen [::1]:{fleet.plain}",
        "listen [::]:443": f"listen [::1]:{fleet.secure}",
        "/etc/nginx/tls": f"{fleet.folder}/tls",
        "/var/cache/nginx": f"{fleet.folder}/cache",
        "/var/log/nginx/access.log": f"{fleet.folder}/access.log",
    }.items():
        assert written in text, f"deploy/nginx.conf has no {written}"
        text = text.replace(written, ours)
    bodies = "\n".join(
        f"    {name}_temp_path {fleet.folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Started by root its workers would be nobody's, who cannot get into a folder of pytest's.
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\nerror_log {fleet.folder}/error warn;\npid {fleet.folder}/pid;\n"
        # The last two as the packages have them.
        f"worker_processes 1;\nevents {{}}\nhttp {{\nsendfile on;\ntcp_nopush on;\n"
        f"{bodies}\n{text}\n{beside}\n}}\n"
    )


def make_certificate(folder: Path) -> None:
    """Write a certificate for the host, signed by itself."""
    folder.mkdir()
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    words = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 2"
    names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*words.split(), *names, *files], check=True, capture_output=True)


@contextmanager
def nginx(fleet: Fleet, beside: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run nginx until the block ends, which begins when it listens."""
    make_certificate(fleet.folder / "tls")
    (fleet.folder / "cache").mkdir()
    (fleet.folder / "nginx.conf").write_text(configuration(fleet, beside), "utf-8")
    command = [NGINX, "-c", str(fleet.folder / "nginx.conf"), "-e", str(fleet.folder / "error")]
    process = subprocess.Popen(command, preexec_fn=die_with_parent)  # noqa: PLW1509 - asks the kernel
    try:
        wait_until_it_listens(process, fleet.plain, fleet.folder / "error")
        yield process
    finally:
        end(process)


@contextmanager
def portal(fleet: Fleet, number: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one portal by the image's own command, in production's settings but for the folder."""
    port = fleet.ports[number]
    environment = {
        **PRODUCTION,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DATABASE_URL": database_url(),
        "STATIC_ROOT": str(static_root()),
        "TRUST_FORWARDED_PROTO": "true",
        "TRUSTED_PROXY_COUNT": "1",
        "GRANIAN_HOST": "127.0.0.1",
        "GRANIAN_PORT": str(port),
        "GRANIAN_WORKERS": "1",
        "METRICS_ADDRESS": f"127.0.0.1:{fleet.metrics}",
        "GRANIAN_BLOCKING_THREADS": "512",
        **settings,
    }
    log = fleet.folder / f"portal-{number + 1}.log"
    command = [str(ROOT / "deploy" / "entry"), "serve"]
    with server(command, port=port, environment=environment, cwd=ROOT, log=log) as process:
        yield process


@contextmanager
def fleet(folder: Path, beside: str = "", **settings: str) -> Iterator[Fleet]:
    """Run nginx with two portals until the block ends; `beside` are further servers of nginx."""
    made = Fleet(folder, [free_port(), free_port()])
    with ExitStack() as stack:
        for number in (0, 1):
            made.portals.append(stack.enter_context(portal(made, number, **settings)))
        made.master = stack.enter_context(nginx(made, beside))
        yield made
