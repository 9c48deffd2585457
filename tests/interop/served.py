"""The portal as it is really served: granian with two workers, on the tests' own database."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.db import connection
from django.test.utils import setup_databases, teardown_databases

from portal.registry.follower import BOUND_S
from portal.registry.models import Client, ClientKey
from tests.collected import static_root
from tests.postgres import die_with_parent
from tests.processes import children, end, free_port
from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[2]
ASKS = 12
"""How many connections reach each of two workers, as good as surely."""

OPTIONS = ("--interface", "wsgi", "--no-ws", "--host", "127.0.0.1", "--workers-kill-timeout", "20")
"""As deploy/entry has them: a worker that does not end is killed."""


@dataclass(frozen=True)
class Served:
    """Where the portal is, and the process that serves it."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        """The port of 127.0.0.1 that it listens on."""
        return urlsplit(self.url).port or 0

    def jwks_url(self, client: Client, *, extended: bool = False) -> str:
        """Return the address of the client's JWKS."""
        name = "jwks-extended.json" if extended else "jwks.json"
        return f"{self.url}/clients/{client.client_id}/{name}"

    def wait_until(self, key: ClientKey, *, shown: bool) -> None:
        """Return when every worker publishes the key, or none does; fail after the bound."""
        url = self.jwks_url(key.client, extended=True)
        wait_until(
            lambda: {self._shows(url, key) for _ in range(ASKS)} == {shown},
            "A worker has not learned of the change.",
            within_s=BOUND_S,
        )

    def _shows(self, url: str, key: ClientKey) -> bool:
        with urllib.request.urlopen(url, timeout=PATIENCE_S) as response:  # noqa: S310 - our own
            return key.kid.encode() in response.read()

    def workers(self) -> list[int]:
        """Return the process ids of the workers."""
        return children(self.process.pid)


@contextmanager
def own_database(*, keep: bool = False) -> Iterator[None]:
    """Let the tests' own connection use a fresh database, which nothing empties between tests.

    `keep` lets it use the one of DATABASE_URL, which is migrated and has no other use.
    """
    if keep:
        yield
        return
    made = setup_databases(verbosity=0, interactive=False, serialized_aliases=set())
    try:
        yield
    finally:
        teardown_databases(made, verbosity=0)


def database_url() -> str:
    """Return the URL of the database that the tests' own connection uses."""
    assert connection.vendor == "postgresql", "Two workers need a PostgreSQL: tests/postgres.py"
    given = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(given._replace(path=f"/{connection.settings_dict['NAME']}"))


@contextmanager
def serve(
    scratch: Path,
    *,
    workers: int = 2,
    prefix: tuple[str, ...] = (),
    application: str = "portal.wsgi:application",
    **settings: str,
) -> Iterator[Served]:
    """Serve the portal until the block ends; it ends with this process too, however that ends.

    `prefix` is the command that runs the server, such as taskset; `settings` go into its
    environment.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "DEMO": "true",
        "SECRET_KEY": "for-tests-only-" * 5,
        "PUBLIC_URL": url,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_URL": settings.get("DATABASE_URL") or database_url(),
        # The pages are for the browser, which fetches their static files too.
        "STATIC_ROOT": os.environ.get("STATIC_ROOT") or str(static_root()),
        "GRANIAN_BLOCKING_THREADS": "512",
        **settings,
    }
    granian = str(Path(sys.executable).with_name("granian"))
    messages = scratch / "granian.log"
    with messages.open("wb") as log:
        process = subprocess.Popen(
            [
                *(*prefix, granian, *OPTIONS),
                *("--workers", str(workers), "--port", str(port), application),
            ],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel
        )
    try:
        _wait_until_ready(url, process, messages)
        yield Served(url, process)
    finally:
        end(process)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], messages: Path) -> None:
    answer = "no answer"

    def ready_or_ended() -> bool:
        nonlocal answer
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5):  # noqa: S310 - our own
                return True
        except urllib.error.HTTPError as error:
            answer = error.read().decode()
        except OSError as error:
            answer = str(error)
        return process.poll() is not None

    wait_until(ready_or_ended, "The portal does not get ready.")
    assert process.poll() is None, f"It did not start ({answer}):\n{messages.read_text()}"
