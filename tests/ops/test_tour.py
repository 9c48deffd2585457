"""The README's sixty-second tour, with the README's own commands, against a running demo."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.demo import PASSWORD, SHELL, Demo
from tests.ops.production import ROOT
from tests.ops.running import server

TOUR = (ROOT / "README.md").read_text("utf-8").split("## The sixty-second tour")[1]


def block(language: str, beginning: str) -> str:
    """Return the block of the tour in this language that begins like this."""
    blocks: list[str] = re.findall(rf"(?s)```{language}\n(.*?)```", TOUR)
    return next(block for block in blocks if block.startswith(beginning))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[Demo, str]]:
    demo, log = Demo(tmp_path / "data"), tmp_path / "log"
    demo.prepare()
    with server(demo.command(), port=demo.port, environment=SHELL, cwd=ROOT, log=log):
        yield demo, log.read_text("utf-8")


def test_the_tour_works_as_it_is_told(demo: tuple[Demo, str], tmp_path: Path) -> None:
    portal, said = demo
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
