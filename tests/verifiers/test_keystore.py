"""The commands that the pages give for a Java keystore, run by Java's keytool."""

from __future__ import annotations

import subprocess
from pathlib import Path

from portal.core.algorithms import JAVA_PUBLIC_HALF
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


def test_command_extracts_the_certificate_of_a_keystore(tmp_path: Path) -> None:
    (tmp_path / "keystore.jks").write_bytes((FOLDER / "keystore.jks").read_bytes())
    command = [*JAVA_PUBLIC_HALF.split(), "-storepass", "changeit"]
    subprocess.run(command, cwd=tmp_path, check=True)
    key = parse_public_key((tmp_path / "certificate.pem").read_bytes())
    assert key.spki == parse_public_key((FOLDER / "keytool_exportcert.pem").read_bytes()).spki
