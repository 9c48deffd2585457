"""Programs in Go and Java, and where their libraries are: Debian's, and what the Makefile fetched.

Debian has golang-jwt 4; the functions that our program calls are the same in 5. The packages of the
Nimbus in Hadoop's jars have another prefix.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.interop.served import ROOT
from tests.waiting import PATIENCE_S

JARS = ROOT / "build" / "verifiers"
GO_LIBRARIES = Path("/usr/share/gocode/src")
_RELOCATED = "org.apache.hadoop.shaded.com.nimbusds"


@dataclass(frozen=True)
class Java:
    """Java with one version of Nimbus."""

    version: str

    def run(self, program: str, name: str, folder: Path, *arguments: str) -> Ran:
        """Run a program of one file, by its source and name, in this folder."""
        source = folder / name
        source.write_text(program.replace("com.nimbusds", _RELOCATED))
        jar = JARS / f"nimbus-{self.version}.jar"
        return _run(["java", "-cp", str(jar), str(source), *arguments], folder)


class Go:
    """Go with Debian's libraries."""

    def run(self, program: str, name: str, folder: Path, *arguments: str) -> Ran:
        """Run a program of one file, by its source and name, in this folder."""
        own = folder / "go" / "src" / "github.com" / "golang-jwt" / "jwt"
        own.mkdir(parents=True)
        (own / "v5").symlink_to(GO_LIBRARIES / "github.com" / "golang-jwt" / "jwt")
        source = folder / name
        source.write_text(program)
        environment = {
            "GO111MODULE": "off",
            "GOPATH": f"{folder / 'go'}:{GO_LIBRARIES.parent}",
            "GOCACHE": str(JARS / "go"),
        }
        return _run(["go", "run", str(source), *arguments], folder, **environment)


Ran = subprocess.CompletedProcess[str]


def _run(command: list[str], folder: Path, **environment: str) -> Ran:
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=5 * PATIENCE_S,
    )
