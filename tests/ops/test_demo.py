"""`make run` and the README's sixty-second tour: what somebody meets who tries the portal out."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from django.conf import global_settings
from django.contrib.auth.hashers import check_password
from pytest_django import Settings

from portal.demo import set_environment
from portal.demo_people import create_people, renew_passwords
from tests.migrated import UNDO_ONE
from tests.ops.demo import PASSWORD, SHELL, Browser, Demo
from tests.ops.production import ROOT
from tests.ops.running import server
from tests.processes import children, wait_for_end
from tests.waiting import PATIENCE_S, wait_until

TOUR = (ROOT / "README.md").read_text("utf-8").split("## The sixty-second tour")[1]


@dataclass(frozen=True)
class Ended:
    """A demo that was started for the second time and ended by Ctrl-C."""

    demo: Demo
    said: str
    code: int
    group: int
    groups_of_its_children: set[int]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Demo, str]]:
    """A demo that is running for the first time, and what it said."""
    # The name of the folder needs care in a URL.
    demo = Demo(tmp_path_factory.mktemp("demo") / "my data+100%")
    demo.prepare()
    with closing(sqlite3.connect(demo.database)) as database:
        database.executescript(UNDO_ONE)
    log = demo.data.with_suffix(".log")
    with server(demo.command(), port=demo.port, environment=SHELL, cwd=ROOT, log=log):
        yield demo, log.read_text("utf-8")


@pytest.fixture(scope="module")
def ended(running: tuple[Demo, str], tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """The same demo, started again from a copy of its data."""
    first, _ = running
    demo = Demo(tmp_path_factory.mktemp("again") / "data")
    demo.data.mkdir(0o700)
    shutil.copy2(first.data / "secret_key", demo.data)
    with (
        closing(sqlite3.connect(first.database)) as source,
        closing(sqlite3.connect(demo.database)) as copy,
    ):
        source.backup(copy)
    log = demo.data.with_suffix(".log")
    with server(demo.command(), port=demo.port, environment=SHELL, cwd=ROOT, log=log) as process:
        group = os.getpgid(process.pid)
        groups = {os.getpgid(child) for child in children(process.pid)}
        os.killpg(process.pid, signal.SIGINT)
        code = wait_for_end(process)
    return Ended(demo, log.read_text("utf-8"), code, group, groups)


def test_the_first_start_says_where_the_portal_is_and_how_to_sign_in(
    running: tuple[Demo, str],
) -> None:
    demo, said = running
    assert f"The Key portal is at  {demo.url}\n" in said
    assert [email for email, _ in PASSWORD.findall(said)] == [
        "developer@example.com",
        "admin@example.com",
    ]
    assert f"rm -r {demo.data}" in said


@pytest.mark.parametrize("person", [0, 1])
def test_the_passwords_that_were_shown_sign_in(running: tuple[Demo, str], person: int) -> None:
    demo, said = running
    email, password = PASSWORD.findall(said)[person]
    page = demo.sign_in(email, password).page
    assert page.status_code == 200
    assert "/account/login/" not in page.url


def test_the_developer_lands_on_the_demo_client(running: tuple[Demo, str]) -> None:
    demo, said = running
    assert "Demo client" in demo.sign_in(*PASSWORD.findall(said)[0]).open("/")


def test_a_worker_runs_beside_the_server(running: tuple[Demo, str]) -> None:
    demo, _ = running

    def seen() -> bool:
        ready = requests.get(f"{demo.url}/readyz", timeout=PATIENCE_S).json()
        return ready["work"]["seen_seconds"] is not None

    wait_until(seen, "No worker was seen.")


def test_an_e_mail_is_printed_in_the_terminal(running: tuple[Demo, str]) -> None:
    demo, _ = running
    person = {
        "email": "new@example.com",
        "password1": "correct horse",
        "password2": "correct horse",
    }
    page = Browser(demo.url).fill_in("/account/signup/", **person)
    assert "We are sending a code to new@example.com." in page
    log = demo.data.with_suffix(".log")
    code = re.compile(r"(?m)^To: new@example\.com$[\s\S]+^[A-Z]{4}-[A-Z]{4}$")
    wait_until(lambda: code.search(log.read_text("utf-8")), "No code was printed.")


def test_static_files_are_served(running: tuple[Demo, str]) -> None:
    demo, _ = running
    page = requests.get(f"{demo.url}/account/login/", timeout=PATIENCE_S)
    sheets = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
    assert sheets
    assert [requests.get(demo.url + sheet, timeout=PATIENCE_S).status_code for sheet in sheets] == [
        200 for _ in sheets
    ]


def test_the_database_named_by_the_shell_is_left_alone(running: tuple[Demo, str]) -> None:
    demo, _ = running
    with closing(sqlite3.connect(demo.database)) as database:
        found = database.execute("SELECT email FROM accounts_user ORDER BY id").fetchall()
    assert found == [("developer@example.com",), ("admin@example.com",)]


def test_what_is_kept_is_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setattr(os, "environ", {})
    set_environment(data, 8000, "portal.settings")
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in ("secret_key", "webhook_key.pem"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600


def test_the_second_start_keeps_everything_and_shows_no_password(
    running: tuple[Demo, str], ended: Ended
) -> None:
    first, said = running
    assert len(PASSWORD.findall(said)) == 2
    assert not PASSWORD.findall(ended.said)
    assert "make passwords" in ended.said
    kept = (first.data / "secret_key").read_bytes()
    assert (ended.demo.data / "secret_key").read_bytes() == kept
    with closing(sqlite3.connect(ended.demo.database)) as database:
        assert database.execute("SELECT count(*) FROM registry_client").fetchone() == (1,)


def test_ctrl_c_ends_the_portal_without_a_complaint(ended: Ended) -> None:
    # A terminal sends Ctrl-C to a whole group; a worker that gets it too may hang.
    assert len(ended.groups_of_its_children) == 2
    assert ended.group not in ended.groups_of_its_children
    assert ended.code == 0
    assert "Traceback" not in ended.said


def test_new_passwords_replace_the_old_ones(
    running: tuple[Demo, str], ended: Ended, settings: Settings
) -> None:
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    old = dict(PASSWORD.findall(running[1]))
    new = dict(PASSWORD.findall(ended.demo.run("--new-passwords").stdout))
    assert set(new) == set(old)
    with closing(sqlite3.connect(ended.demo.database)) as database:
        email, password = database.execute("SELECT email, password FROM accounts_user").fetchone()
    assert check_password(new[email], password)
    assert not check_password(old[email], password)


def block(language: str, beginning: str) -> str:
    """Return the block of the tour in this language that begins like this."""
    blocks: list[str] = re.findall(rf"(?s)```{language}\n(.*?)```", TOUR)
    return next(block for block in blocks if block.startswith(beginning))


def test_the_tour_works_as_it_is_told(running: tuple[Demo, str], tmp_path: Path) -> None:
    portal, said = running
    developer, admin = (portal.sign_in(*person) for person in PASSWORD.findall(said))

    def shell(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the tour, on the port of this demo and with the tests' Python."""
        command = command.replace("http://localhost:8000", portal.url)
        return subprocess.run(
            ["sh", "-ec", command.replace("tour/bin/python", sys.executable)],
            env={"PATH": os.environ["PATH"], **variables},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert shell(block("sh", "openssl genpkey")).returncode == 0

    settings_page = developer.open("/")
    client_id = developer.page.url.rstrip("/").rpartition("/")[2]
    assert client_id in settings_page
    [label] = re.findall(r'name="label" value="([^"]*)"', settings_page)
    pem = (tmp_path / "public_key_tour.pem").read_text("ascii")
    form = {"material": pem, "alg": "PS256", "label": label}
    keys = f"/clients/{client_id}/keys/"
    after = developer.fill_in(f"/clients/{client_id}/", to=keys, **form)
    kid = re.findall(r"/keys/([\w-]{43})/", after)[0]

    fetched = shell(block("sh", "curl"), CLIENT_ID=client_id)
    assert f'"kid":"{kid}"' in fetched.stdout

    (tmp_path / "tour.py").write_text(block("python", "import sys"))
    verify = block("sh", "python3 -m venv tour").splitlines()[1]
    verified = shell(verify, CLIENT_ID=client_id, KID=kid)
    assert verified.stdout.startswith("Verified: "), verified.stderr
    assert '\nToken: {"access_token": ' in verified.stdout

    admin.fill_in(f"{keys}{kid}/revocation/", reason="compromised", confirmation="Demo client")
    refused = shell(verify, CLIENT_ID=client_id, KID=kid)
    assert refused.returncode != 0
    assert "PyJWKClientError" in refused.stderr


def test_a_taken_port_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "data")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", demo.port))
        listener.listen()
        ended = demo.run()
    assert ended.returncode == 1
    assert f"Port {demo.port} is taken" in ended.stderr
    assert f"make run PORT={demo.port + 1}" in ended.stderr
    assert not demo.data.exists()


@pytest.mark.parametrize("make_up", [create_people, renew_passwords])
def test_nobody_is_made_up_where_the_portal_runs_for_real(
    make_up: Callable[[], object], settings: Settings
) -> None:
    settings.DEMO = False
    with pytest.raises(RuntimeError, match="The people of the demo exist in the demo only"):
        make_up()
