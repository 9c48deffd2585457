"""A demo of its own for a test: a real `python -m portal.demo` on a port and in a folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import requests

from tests.migrated import migrate
from tests.ops.production import PRODUCTION, ROOT
from tests.processes import free_port
from tests.waiting import PATIENCE_S

PASSWORD = re.compile(r"^  (\S+@example\.com) +([a-z2-9-]{19})$", re.MULTILINE)
# What the caller's shell may have, up to the address of a production database.
SHELL = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **PRODUCTION}


class Browser(requests.Session):
    """Fills in forms as a browser without JavaScript does."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.page = requests.Response()

    def open(self, path: str) -> str:
        """Open a page of the portal and return its HTML."""
        self.page = self.get(self.url + path, timeout=PATIENCE_S)
        return self.page.text

    def fill_in(self, path: str, *, to: str = "", **fields: str) -> str:
        """Open a page, fill in its form, send it (to another path), return what that leads to."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.open(path))
        assert token, self.page.text
        data = {**fields, "csrfmiddlewaretoken": token[1]}
        referer = {"Referer": self.page.url}
        self.page = self.post(
            self.url + (to or path), data=data, headers=referer, timeout=PATIENCE_S
        )
        return self.page.text


@dataclass
class Demo:
    """A demo with a folder of its own."""

    data: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        demo = [sys.executable, "-m", "portal.demo", "--data", str(self.data)]
        return [*demo, "--port", str(self.port), *arguments]

    @property
    def database(self) -> Path:
        return self.data / "db.sqlite3"

    def prepare(self) -> None:
        """Give it a migrated database before its first start: the migrations take seconds."""
        self.data.mkdir(0o700)
        url = f"sqlite:///{quote(str(self.database))}"
        migrate({"DATABASE_URL": url})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            env=SHELL,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def sign_in(self, email: str, password: str) -> Browser:
        """Return a browser after signing in through the real form."""
        browser = Browser(self.url)
        browser.fill_in("/account/login/", login=email, password=password)
        return browser
