"""Commands that make a key name files of that key alone, and so do the programs that use it."""

from __future__ import annotations

import html
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.management import CommandError, call_command

from portal.registry.models import Client, ClientKey
from portal.web.keys.key_stores import FILE
from portal.web.keys.snippets import LANGUAGES
from tests.db.pages import text_of
from tests.keys import new_private_key, private_pem, public_pem
from tests.paths import client_path, key_path
from tests.registering import register_pem

GENERATE = "the command that generates a private key"
PUBLIC_HALF = "the command that extracts the public key"
SHORT = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - to be refused


def copied(text: str, name: str) -> list[str]:
    """Return what the buttons with this name copy."""
    found = re.findall(f'data-copy="([^"]*)" hidden aria-label="Copy {name}"', text)
    return [html.unescape(each) for each in found]


@pytest.fixture
def make_key(
    ask: Any, payments: Client, cast: SimpleNamespace, paths: SimpleNamespace, tmp_path: Path
) -> Callable[[], ClientKey]:
    """Follows the Settings page in one folder: makes a PS256 key pair and registers it."""

    def make_key() -> ClientKey:
        text = text_of(ask("dev", "get", paths.client))
        before = set(tmp_path.iterdir())
        for name in (GENERATE, PUBLIC_HALF):
            # The first recipe is RSA; the first public key is the warning's.
            subprocess.run(["sh", "-ec", copied(text, name)[0]], cwd=tmp_path, check=True)
        [public] = [path for path in set(tmp_path.iterdir()) - before if "public" in path.name]
        return register_pem(
            payments, material=public.read_text(), alg="PS256", label="Same label", by=cast.dev
        )

    return make_key


def test_second_key_is_made_beside_the_first_and_each_program_uses_its_own(
    ask: Any, make_key: Callable[[], ClientKey], tmp_path: Path
) -> None:
    first = make_key()
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = make_key()
    assert {name: (tmp_path / name).read_bytes() for name in kept} == kept

    [first_private] = [name for name in kept if "private" in name]
    privates = {path.name for path in tmp_path.iterdir() if "private" in path.name}
    [second_private] = privates - {first_private}
    for key, name in ((first, first_private), (second, second_private)):
        for language in (name for name, each in LANGUAGES.items() if each.store == FILE):
            text = text_of(ask("dev", "get", f"{key_path(key)}snippets/?language={language}"))
            [program] = copied(text, "the program")
            assert re.findall(r"private_key[\w.]*\.pem", program) == [name]
            assert f"<code>{name}</code>" in text
        text = text_of(ask("dev", "get", f"{key_path(key)}confirmation/"))
        for way in ("the Python command", "the openssl command"):
            assert re.findall(r"private_key[\w.]*\.pem", copied(text, way)[0]) == [name]
        assert f"<code>{name}</code>" in text


def test_two_clients_have_files_of_their_own(ask: Any, payments: Client, other: Client) -> None:
    names = [
        copied(text_of(ask(who, "get", client_path(client))), GENERATE)[0].split()[-1]
        for who, client in (("alice", payments), ("bob", other))
    ]
    assert len(set(names)) == 2


@pytest.mark.parametrize("material", ["private", "weak", "other"])
def test_commands_beside_a_refusal_name_the_files_of_the_next_key(
    ask: Any, paths: SimpleNamespace, key: ClientKey, material: str
) -> None:
    given = {
        "private": private_pem(new_private_key()),
        "weak": public_pem(SHORT),
        "other": "https://example.com/key",
    }[material]
    data = {"material": given, "alg": "PS256", "label": "Refused"}
    text = text_of(ask("dev", "post", paths.key_register, data))
    expected = f"private_key_{key.client.client_id[:6]}_2.pem"
    found = re.findall(r"private_key[\w.]*\.pem", text)
    assert found
    assert set(found) == {expected}


def test_commands_for_an_admin_who_looks_for_a_key_name_a_new_file(
    ask: Any, cast: SimpleNamespace
) -> None:
    text = text_of(ask("admin", "post", "/console/keys/", {"q": "https://example.com/key"}))
    assert "private_key.pem" not in text


def test_command_of_the_command_line_names_a_new_file(db: None, tmp_path: Path) -> None:
    weak = tmp_path / "weak.pem"
    weak.write_text(public_pem(SHORT))
    with pytest.raises(CommandError) as refusal:
        call_command("check_key", str(weak))
    assert re.search(r"-out private_key_\d{8}_\d{6}\.pem", str(refusal.value))
