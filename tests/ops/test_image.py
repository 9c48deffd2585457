"""The image, as far as it goes without Docker: the commands of the Dockerfile run in a folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import psycopg
import pytest

from tests.migrated import UNDO_ONE, migrate, new_database, owner_of
from tests.ops.dockerfile import Image
from tests.ops.production import PRODUCTION, ROOT
from tests.ops.running import server, status
from tests.processes import end, free_port, wait_for_end
from tests.waiting import PATIENCE_S, wait_until


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """The image, built as the Dockerfile says, while no other run uses its folder."""
    folder = ROOT / "build" / "image"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        image = Image(folder)
        image.build()
        image.configure()
        yield image


@pytest.fixture
def production(image: Image) -> dict[str, str]:
    """The environment of a container behind a proxy."""
    return {
        **PRODUCTION,
        **image.environment,
        "TRUST_FORWARDED_PROTO": "true",
        "GRANIAN_HOST": "127.0.0.1",
        "GRANIAN_PORT": str(free_port()),
    }


def run(image: Image, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Do what `docker run IMAGE WORD …` does."""
    return subprocess.run(
        [*image.commands["ENTRYPOINT"], *words],
        cwd=image.app,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_image_holds_the_portal_and_nothing_to_build_or_try_out_with(image: Image) -> None:
    assert sorted(path.name for path in image.app.iterdir()) == [
        "collected",
        "entry",
        "manage.py",
        "portal",
        "static",
        "templates",
        "venv",
    ]
    assert not list(image.app.glob("venv/bin/pip*"))
    assert not list(image.app.glob("venv/bin/uv*"))
    assert not list(image.app.glob("portal/de[mv]*"))


def test_static_files_are_collected_with_their_manifest(image: Image) -> None:
    assert (image.app / "collected" / "staticfiles.json").exists()
    assert list((image.app / "collected" / "web").glob("portal.*.css"))


def test_without_its_variables_a_container_ends_and_says_why(image: Image) -> None:
    ended = run(image, image.environment, "migrate")
    assert ended.returncode != 0
    assert "SECRET_KEY is not set." in ended.stderr


@contextmanager
def owned_database() -> Iterator[str]:
    """A database without its last migration, and the URL of its owner, who is no superuser.

    For the same owner all migrations run when the copy of a migrated database is made.
    """
    with new_database("image", empty=True) as url, owner_of(url) as owned:
        migrate({**os.environ, "DATABASE_URL": owned})
        with psycopg.connect(owned, autocommit=True) as connection:
            connection.execute(UNDO_ONE)
        yield owned


def refuses(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    return False


def begin_token_request(port: int) -> HTTPConnection:
    """Send half of a token request; return when the portal reads its body."""
    wire = HTTPConnection("127.0.0.1", port, PATIENCE_S)
    wire.putrequest("POST", "/api/oauth2/token")
    wire.putheader("Content-Type", "application/x-www-form-urlencoded")
    wire.putheader("X-Forwarded-Proto", "https")
    wire.putheader("Content-Length", "9")
    wire.putheader("Expect", "100-continue")
    wire.endheaders()
    # It asks for the body: it is reading it (RFC 9110 §10.1.1).
    assert wire.sock.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b"half=")
    return wire


def test_a_container_migrates_serves_is_healthy_and_stops_after_what_it_is_reading(
    image: Image, production: dict[str, str], tmp_path: Path
) -> None:
    port = int(production["GRANIAN_PORT"])
    portal = f"http://127.0.0.1:{port}"
    serve = [*image.commands["ENTRYPOINT"], *image.commands["CMD"]]
    healthcheck = image.commands["HEALTHCHECK"]
    healthcheck[0] = shutil.which("python", path=production["PATH"]) or ""

    def is_healthy() -> bool:
        return not subprocess.run(
            healthcheck, env=production, check=False, capture_output=True
        ).returncode

    assert not is_healthy()
    log = tmp_path / "log"
    with (
        owned_database() as url,
        server(
            serve,
            port=port,
            environment=production | {"DATABASE_URL": url},
            cwd=image.app,
            log=log,
        ) as process,
        ExitStack() as stack,
    ):
        assert is_healthy()
        assert status(f"{portal}/readyz") == 503

        migrated = run(image, production | {"DATABASE_URL": url}, "migrate")
        assert migrated.returncode == 0, migrated.stderr
        assert status(f"{portal}/readyz") == 200
        again = run(image, production | {"DATABASE_URL": url}, "migrate")
        assert "No migrations to apply" in again.stdout

        page = f"{portal}/account/login/"
        assert status(page, Host="keys.example.com") == 301  # to https
        assert status(page, Host="keys.example.com", X_Forwarded_Proto="https") == 200
        assert status(page, Host="elsewhere.example.com", X_Forwarded_Proto="https") == 400

        # As many as surely find a place.
        wires = [stack.enter_context(closing(begin_token_request(port))) for _ in range(2)]
        process.send_signal(signal.SIGTERM)  # docker stop
        wait_until(lambda: refuses(port), "It goes on listening.")
        assert process.poll() is None
        for wire in wires:
            wire.send(b"rest")
        assert [wire.getresponse().status for wire in wires] == [401] * 2
        assert wait_for_end(process) == 0


def answers(host: str, port: int) -> bool:
    with closing(HTTPConnection(host, port, PATIENCE_S)) as wire, suppress(ConnectionRefusedError):
        wire.request("GET", "/healthz")
        return wire.getresponse().status == 200
    return False


HOSTS = ["0.0.0.0", "::1", "::", "127.0.0.2"]  # noqa: S104 - the first as in the image


@pytest.mark.allow_hosts(HOSTS)
@pytest.mark.parametrize(
    "host",
    [*HOSTS[:2], *(pytest.param(each, marks=pytest.mark.exhaustive) for each in HOSTS[2:])],
)
def test_health_is_asked_where_the_container_listens(
    host: str, image: Image, production: dict[str, str]
) -> None:
    health = [
        shutil.which("python", path=production["PATH"]) or "",
        *image.commands["HEALTHCHECK"][1:],
    ]
    # Nobody else's proxy is in between.
    environment = {
        **production,
        "GRANIAN_HOST": host,
        "GRANIAN_WORKERS": "1",
        "http_proxy": "http://127.0.0.1:9",
    }
    serve = [*image.commands["ENTRYPOINT"], *image.commands["CMD"]]
    process = subprocess.Popen(serve, env=environment, cwd=image.app)

    def is_healthy() -> bool:
        asked = subprocess.run(health, env=environment, check=False, capture_output=True)
        return not asked.returncode

    def has_begun() -> bool:
        assert process.poll() is None
        return answers(host, int(environment["GRANIAN_PORT"]))

    try:
        wait_until(has_begun, "Nobody answers where the container listens.")
        assert is_healthy()
    finally:
        end(process)
    assert not is_healthy()


def test_any_other_word_is_a_command_of_manage_py(image: Image, production: dict[str, str]) -> None:
    checked = run(image, production, "check", "--deploy", "--fail-level", "WARNING")
    assert checked.returncode == 0, checked.stderr
