"""The command in the refusal of a Java keystore, run by Java's keytool."""

from __future__ import annotations

import subprocess
from pathlib import Path

from portal.core.key_policy.policy import KeyPolicy
from portal.core.public_key.parse import parse_public_key
from tests.cases.read_forms import FOLDER
from tests.unit.core.support import refusal


def test_command_makes_a_new_keystore_and_gives_its_key(tmp_path: Path) -> None:
    command = refusal((FOLDER / "keystore.jks").read_bytes()).command
    for part in command.split(" && "):
        # It asks for the password at the terminal.
        subprocess.run([*part.split(), "-storepass", "changeit"], cwd=tmp_path, check=True)
    key = parse_public_key((tmp_path / "certificate.pem").read_bytes())
    assert [each.name for each in KeyPolicy().accept(key).algorithms] == ["ES256"]
