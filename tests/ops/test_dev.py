"""`make dev`: the portal for those who change it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.ops.demo import SHELL, Demo
from tests.ops.production import PRODUCTION, ROOT
from tests.ops.running import server
from tests.ops.test_settings import read
from tests.waiting import PATIENCE_S, wait_until


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code in a folder of its own, where a test may change it."""
    copy = tmp_path_factory.mktemp("code")
    for name in ("portal", "templates", "static"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "manage.py", copy)
    return copy


@pytest.fixture(scope="module")
def running(copy: Path) -> Iterator[Demo]:
    demo = Demo(copy / "data")
    demo.prepare()
    log = copy / "log"
    with server(demo.command("--dev"), port=demo.port, environment=SHELL, cwd=copy, log=log):
        yield demo


def test_an_error_shows_the_debug_page(running: Demo) -> None:
    page = requests.get(f"{running.url}/nowhere", timeout=PATIENCE_S)
    assert page.status_code == 404
    assert "DEBUG = True" in page.text


def test_a_changed_file_is_served_without_a_start_by_hand(running: Demo, copy: Path) -> None:
    health = copy / "portal" / "health.py"
    changed = health.read_text("utf-8").replace('"ok"', '"changed"')
    assert changed != health.read_text("utf-8")

    def answers() -> bool:
        # Again for each check: a change from before the reloader's first look is none to it.
        health.write_text(changed, "utf-8")
        try:
            return "changed" in requests.get(f"{running.url}/healthz", timeout=PATIENCE_S).text
        except requests.ConnectionError:
            return False  # while it starts again

    wait_until(answers, "The change is not served.")


def test_debug_is_on_nowhere_else() -> None:
    assert not read(DEBUG="true").DEBUG
    ended = subprocess.run(
        [sys.executable, "-c", "from django.conf import settings; settings.DEBUG"],
        env=PRODUCTION | {"DJANGO_SETTINGS_MODULE": "portal.development"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode
    assert "for DEMO only" in ended.stderr
