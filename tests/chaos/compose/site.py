"""The services of compose.yaml, run by Docker or by what takes the same words."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from tests.processes import free_port

ROOT = Path(__file__).resolve().parents[3]
PROJECT = "key-portal-test"
SERVICES = ("database", "portal-1", "portal-2", "nginx", "prune", "judge", "worker")
PATIENCE_S = 120


DOCKER = 'docker() { "$ENGINE" "$@"; }\n'
# podman-compose would replace what depends on a service with it, nginx among it, and does not wait
# until a service is healthy, as podman asks nobody for that without systemd.
PODMAN = """
its() {
    "$ENGINE" ps --all --quiet --filter "label=com.docker.compose.service=$1" \\
        --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"
}
docker() {
    case "$*" in
    "compose up"*)
        for service; do
            its "$service" | xargs -r "$ENGINE" rm --force --time 25
        done
        "$ENGINE" "$@"
        case "$*" in *--wait*)
            until "$ENGINE" healthcheck run "$(its "$service")"; do sleep 1; done
        esac ;;
    *) "$ENGINE" "$@" ;;
    esac
}
"""


class NotKept(Exception):  # noqa: N818 - it says what it is
    """A promise was not kept."""


def check(kept: object, promise: str) -> None:
    """Raise `NotKept` when a promise was not kept."""
    if not kept:
        raise NotKept(promise)


def engine() -> str:
    """Return `docker` where a daemon answers, else the command that DOCKER names."""
    with suppress(OSError):
        asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
        if asked.returncode == 0:
            return "docker"
    named = os.environ.get("DOCKER", "")
    if not named or named == "docker":
        sys.exit(
            "No Docker answers here. Name a command that takes its words: "
            "make test-image DOCKER=podman"
        )
    return str(Path(named).resolve()) if "/" in named else named


@dataclass
class Site:
    """The services of compose.yaml in a folder of their own."""

    docker: str
    folder: Path
    http: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)
    secret: dict[str, str] = field(default_factory=dict)
    waits_when_reloaded: bool = False
    """Whether this nginx keeps connections for their next request when it is reloaded."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    @property
    def certificate(self) -> str:
        return str(self.folder / "tls" / "fullchain.pem")

    def do(self, *words: str, given: str | None = None) -> str:
        """Run a command of the engine in the folder; it has to succeed."""
        ended = subprocess.run(
            [self.docker, *words],
            cwd=self.folder,
            env={**os.environ, "COMPOSE_PROJECT_NAME": PROJECT},
            capture_output=True,
            text=True,
            input=given,
            check=False,
        )
        check(not ended.returncode, f"{' '.join(words)[:200]}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def shell(self, commands: str) -> None:
        """Run commands as they are documented, by this engine."""
        environment = {"COMPOSE_PROJECT_NAME": PROJECT, "ENGINE": self.docker}
        ended = subprocess.run(
            ["sh", "-euc", (PODMAN if self.is_podman() else DOCKER) + commands],
            cwd=self.folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        check(not ended.returncode, f"{commands}\n{ended.stdout}{ended.stderr}")

    def start(self, service: str) -> None:
        """Make and start a service, without those that it depends on."""
        self.do("compose", "up", "--no-build", "--detach", "--no-deps", service)

    def is_podman(self) -> bool:
        """Return whether the engine is podman, which does some things in other ways."""
        return "podman" in self.do("--version")

    def logs(self, service: str) -> str:
        """Return what a service has written to its output and its errors."""
        ended = subprocess.run(
            [self.docker, "logs", self.container(service)],
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout + ended.stderr

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        labels = (f"project={PROJECT}", f"service={service}")
        filters = [f"--filter=label=com.docker.compose.{each}" for each in labels]
        (found,) = self.do("ps", "--all", "--quiet", *filters).split()
        return found

    def is_healthy(self, service: str) -> bool:
        """Ask a service what its health check asks."""
        asked = {
            "database": ["pg_isready", "--host=127.0.0.1", "--username=portal", "--dbname=portal"],
        }.get(service) or ["python", "-c", _health_check()]
        with suppress(NotKept):
            self.do("exec", self.container(service), *asked)
            return True
        return False


def _health_check() -> str:
    """Return the program of the image's HEALTHCHECK."""
    found = re.search(
        r"(?s)HEALTHCHECK .*?CMD (\[.*?\])\n", (ROOT / "Dockerfile").read_text("utf-8")
    )
    assert found
    return str(json.loads(found[1])[2])


def wait(until: Callable[[], object], *, what: str) -> float:
    """Wait until something is so; return how many seconds it took."""
    began = time.monotonic()
    while not until():
        check(time.monotonic() < began + PATIENCE_S, f"{what}, within {PATIENCE_S} seconds")
        time.sleep(0.2)
    return time.monotonic() - began


def is_up(site: Site) -> bool:
    """Ask nginx for the health by its address, as load balancers do."""
    with suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{site.http}/readyz", timeout=5).status_code == 200
    return False


def documented(after: str) -> str:
    """Return the commands that docs/operations.md has next after some words."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    found = text.partition(after)[2].partition("```sh\n")[2].partition("```")[0]
    check(found, f"docs/operations.md has commands after: {after}")
    return found
