"""The programs that the portal shows are run as they stand, and get a token.

Go and Java are run by tests/verifiers, which fetch more than the other tests; C# is run by none.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import Settings

from portal.web.keys.file_names import files_of
from tests.interop.conftest import FOLDER, Pair
from tests.interop.peers import pkcs8
from tests.interop.served import Served
from tests.waiting import PATIENCE_S

Published = Callable[[str], Pair]

_BIN = Path(sys.executable).parent
COMMANDS: dict[str, list[str | Path]] = {
    "python": [_BIN / "python", "-W", "error"],
    "authlib": [_BIN / "python", "-W", "error"],
    "node": [_BIN / "node", "--no-warnings"],
    "shell": ["bash"],
}
# They differ in a name, and test_signatures verifies all of them.
LONGER = ["PS384", "PS512", "ES384", "ES512"]
RUN = [
    *((language, alg) for language in COMMANDS for alg in ("PS256", "ES256", "EdDSA", "RS256")),
    *(
        pytest.param(language, alg, marks=pytest.mark.exhaustive)
        for language in COMMANDS
        for alg in LONGER
    ),
    *((language, "Ed448") for language in ("python", "authlib", "shell")),
    # openssl signs with ML-DSA from version 3.5 on, which is not everywhere yet.
    *(("node", alg) for alg in ("ML-DSA-44", "ML-DSA-65", "ML-DSA-87")),
]


def page_of(pair: Pair, language: str) -> str:
    """Return the page with the snippet, as somebody of the client's team sees it."""
    browser = Browser()
    browser.force_login(pair.key.registered_by)
    address = reverse("key_snippets", args=[pair.key.client.client_id, pair.kid])
    return browser.get(f"{address}?language={language}").content.decode()


def copied(page: str, name: str) -> str:
    """Return what the button with this name copies."""
    found = re.search(f'data-copy="([^"]*)" hidden aria-label="Copy {name}"', page)
    assert found, f"There is nothing to copy called {name}."
    return html.unescape(found[1])


def run(pair: Pair, language: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Save the program from the page in the folder, and run it there."""
    program = folder / ("program.mjs" if language == "node" else "program")
    program.write_text(copied(page_of(pair, language), "the program"))
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    return subprocess.run(
        [*COMMANDS[language], program],
        cwd=folder,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.mark.usefixtures("_node_modules")
@pytest.mark.parametrize(("language", "alg"), RUN)
def test_the_program_gets_a_token(
    *,
    language: str,
    alg: str,
    published: Published,
    served: Served,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.PUBLIC_URL = served.url
    settings.ALLOW_LEGACY_ALGORITHMS = alg == "RS256"
    pair = published(alg)
    (tmp_path / files_of(pair.key).private).write_bytes(pkcs8(pair.private))
    ran = run(pair, language, tmp_path)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert re.search(r"""['"]access_token['"]: *['"][^'"]{20,}['"]""", ran.stdout)


@pytest.mark.usefixtures("_node_modules")
@pytest.mark.parametrize("language", COMMANDS)
@pytest.mark.parametrize(
    # The program reads the file in the same way for ES256 and EdDSA.
    "alg",
    ["PS256", pytest.param("ES256", marks=pytest.mark.exhaustive), "EdDSA"],
)
def test_without_its_private_key_the_program_fails_and_sends_nothing(
    *,
    language: str,
    alg: str,
    published: Published,
    settings: Settings,
    tmp_path: Path,
) -> None:
    # Nobody listens there: a request would make curl or the library complain of that instead.
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    pair = published(alg)
    ran = run(pair, language, tmp_path)
    assert ran.returncode
    assert ran.stdout == ""
    assert files_of(pair.key).private in ran.stderr
    assert not re.search("refused|Connect|connect", ran.stderr)


def test_what_is_run_here_is_what_people_are_told_to_install(published: Published) -> None:
    locked = json.loads((FOLDER / "package-lock.json").read_text())["packages"]
    told = {
        language: copied(page_of(published("EdDSA"), language), "the command that installs.*?")
        for language in ("python", "authlib", "node")
    }
    requests = f"requests=={version('requests')}"
    assert told == {
        "python": f'pip install "pyjwt[crypto]=={version("pyjwt")}" {requests}',
        "authlib": f"pip install authlib=={version('authlib')} {requests}",
        "node": f"npm install jose@{locked['node_modules/jose']['version']}",
    }
