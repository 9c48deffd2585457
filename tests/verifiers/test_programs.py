"""Our programs in Go and Java get a token as their pages show them, and both verify our sets."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_django import Settings

from portal.accounts.models import User
from portal.registry.actions import revoke_key
from portal.registry.choices import RevocationReason
from portal.registry.models import Client
from portal.web.keys.file_names import files_of
from portal.web.keys.snippets import LANGUAGES
from tests.interop import peers
from tests.interop.conftest import Pair, Register
from tests.interop.peers import pkcs8
from tests.interop.served import Served
from tests.interop.test_snippets import copied, page_of
from tests.verifiers.programs import Go, Java

Published = Callable[[str], Pair]

FOLDER = Path(__file__).parent
PROGRAMS: dict[str, Go | Java] = {
    "go-jose 2 and golang-jwt 4": Go(),
    "Nimbus 9.8.1": Java("9.8.1"),
    "Nimbus 9.37.2": Java("9.37.2"),
}
SIGNS = [
    (name, alg)
    for name, program in PROGRAMS.items()
    for alg in LANGUAGES["go" if isinstance(program, Go) else "java"].headers
]
RSA_AND_EC = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
VERIFIES = [
    *((name, alg) for name in PROGRAMS for alg in RSA_AND_EC),
    # Nimbus verifies EdDSA only with a further library.
    ("go-jose 2 and golang-jwt 4", "EdDSA"),
]


@pytest.mark.parametrize(("name", "alg"), SIGNS)
def test_the_program_gets_a_token(
    *,
    name: str,
    alg: str,
    published: Published,
    served: Served,
    settings: Settings,
    tmp_path: Path,
) -> None:
    settings.PUBLIC_URL = served.url
    settings.ALLOW_LEGACY_ALGORITHMS = alg.startswith("RS")
    pair, program = published(alg), PROGRAMS[name]
    (tmp_path / files_of(pair.key).private).write_bytes(pkcs8(pair.private))
    language = LANGUAGES["go" if isinstance(program, Go) else "java"]
    text = copied(page_of(pair, language.name), "the program")
    ran = program.run(text, language.filename, tmp_path)
    assert ran.returncode == 0, ran.stderr + ran.stdout
    assert re.search(r'"access_token": *"[^"]{20,}"', ran.stdout)


def verify(name: str, url: str, token: str, alg: str, folder: Path) -> str:
    """Return the subject of a token that the program verifies with the set at the URL, or ""."""
    source = FOLDER / ("verify.go" if isinstance(PROGRAMS[name], Go) else "Verify.java")
    ran = PROGRAMS[name].run(source.read_text(), source.name, folder, url, token, alg)
    return ran.stdout.strip()


@pytest.mark.parametrize(("name", "alg"), VERIFIES)
def test_a_set_of_many_keys_verifies(
    *, name: str, alg: str, client: Client, register: Register, served: Served, tmp_path: Path
) -> None:
    for each in ("PS256", "ES256", "EdDSA", "Ed448", "ML-DSA-44"):
        register(client, each)
    pair = register(client, alg)
    token = peers.sign_with_pyjwt(pair.private, alg, pair.kid)
    assert verify(name, served.jwks_url(client), token, alg, tmp_path) == "interop"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_revoked_key_verifies_no_more(
    *,
    name: str,
    client: Client,
    person: User,
    register: Register,
    served: Served,
    tmp_path: Path,
) -> None:
    pair = register(client, "ES256")
    revoke_key(pair.key, reason=RevocationReason.COMPROMISED, by=person)
    served.wait_until(pair.key, shown=False)
    token = peers.sign_with_pyjwt(pair.private, "ES256", pair.kid)
    assert verify(name, served.jwks_url(client), token, "ES256", tmp_path) == ""
