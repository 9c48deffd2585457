"""The commands for keys that a service keeps, run with programs that answer as the services do.

The public key comes from the service, the key is confirmed, and an assertion gets a token: each by
the very command that a page shows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.test import Client as Browser
from django.urls import reverse
from pytest_django import Settings

from portal.accounts.models import User
from portal.registry.models import Client
from portal.web.keys.key_stores import SERVICES, KeyStore
from tests.interop.conftest import FOLDER, Pair
from tests.interop.key_services import PIN, PROGRAMS
from tests.interop.peers import pkcs8
from tests.interop.served import Served
from tests.interop.test_snippets import copied, page_of
from tests.keys import new_private_key
from tests.registering import register_pem
from tests.waiting import PATIENCE_S

# PS256, ES256 and EdDSA differ in every command; the others in a number or a name.
COMMON = ("PS256", "ES256", "EdDSA")
CASES = [
    pytest.param(
        store, alg, marks=[] if alg in COMMON else pytest.mark.exhaustive, id=f"{store.name}-{alg}"
    )
    for store in SERVICES
    for alg in (*COMMON, "PS512", "ES384", "ES512", "ML-DSA-44")
    if alg in store.algorithms
]


def run(command: str, folder: Path, shell: str) -> str:
    """Run a command in a shell where the services' programs are those of key_services.py."""
    done = subprocess.run(
        [shell, "-c", command],
        env={"PATH": f"{folder}:{os.environ['PATH']}", "PIN": PIN},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("store", "alg"), CASES)
def test_key_of_a_service_is_registered_confirmed_and_gets_a_token(
    store: KeyStore,
    alg: str,
    client: Client,
    person: User,
    served: Served,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.PUBLIC_URL = served.url
    private = new_private_key(alg)
    (tmp_path / "key").write_bytes(pkcs8(private))
    for program in PROGRAMS:
        file = tmp_path / program
        service = f"{sys.executable} {FOLDER / 'key_services.py'} {program} {tmp_path / 'key'}"
        file.write_text(f'#!/bin/sh\nexec {service} "$@"\n')
        file.chmod(0o755)
    browser = Browser()
    browser.force_login(person)

    settings_page = browser.get(reverse("client", args=[client.client_id])).content.decode()
    printed = run(copied(settings_page, store.fetch_label), tmp_path, "sh")
    key = register_pem(client, material=printed, alg=alg, label="Of a service", by=person)

    address = reverse("key_confirmation", args=[client.client_id, key.kid])
    command = copied(browser.get(address).content.decode(), f"the {store.title} command")
    answer = browser.post(address, {"assertion": run(command, tmp_path, "sh")})
    key.refresh_from_db()
    assert key.confirmed_by == person, answer.content.decode()

    program = copied(page_of(Pair(private, key), store.name), "the program")
    token = run(program, tmp_path, "bash")
    assert re.search(r'"access_token": *"[^"]{20,}"', token)
