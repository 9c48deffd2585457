"""Just enough of a Dockerfile's language to run ours without Docker, in a plain folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from tests.ops.production import PRODUCTION, ROOT


def instructions(stage: int) -> Iterator[tuple[str, str]]:
    """Return the instructions of a stage as pairs of name and rest, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    body = re.split(r"(?m)^FROM .*$", joined)[stage + 1]
    for line in filter(None, body.splitlines()):
        name, _, rest = line.partition(" ")
        yield name, rest.strip()


def context(folder: Path) -> None:
    """Fill the folder with the part of the working tree that .dockerignore lets through."""
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    kept = [rule[1:] for rule in rules if rule.startswith("!")]
    left_out = [rule for rule in rules if not rule.startswith("!") and rule != "*"]
    for name in kept:
        for path in (ROOT / name, *(ROOT / name).rglob("*")):
            relative = path.relative_to(ROOT).as_posix()
            if path.is_file() and not any(
                fnmatch(relative, rule) or f"/{rule.removeprefix('**/')}/" in relative
                for rule in left_out
            ):
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, folder / relative)


@dataclass
class Image:
    """What the Dockerfile makes, with /app and /opt in a folder that an earlier image may be in."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)

    @property
    def app(self) -> Path:
        return self.folder / "app"

    def here(self, text: str) -> str:
        """Return the text with the image's folders replaced by ours."""
        return re.sub(r"(?<![\w/])/(app|opt)(?=/|\b)", rf"{self.folder}/\1", text)

    def build(self) -> None:
        """Run the build stage as it is written."""
        source = self.folder / "context"
        shutil.rmtree(source, ignore_errors=True)
        context(source)
        steps = list(instructions(0))
        code = next(at for at, (_, rest) in enumerate(steps) if rest.startswith("manage.py"))
        # As in Docker, what is installed stays until an instruction or a file before it changes.
        installed = self.folder / "installed"
        state = str([steps[:code], sys.version, *_texts(source, "requirements*.txt")])
        is_installed = installed.exists() and installed.read_text("utf-8") == state
        if not is_installed:
            installed.unlink(missing_ok=True)
        keep = {self.app / "venv"} if is_installed else set()
        self.app.mkdir(exist_ok=True)
        for each in set(self.app.iterdir()) - keep:
            _remove(each)
        for at, step in enumerate(steps):
            if at == code:
                installed.write_text(state, "utf-8")
            if step[0] != "RUN" or at > code or not is_installed:
                self._build(source, *step)

    def _build(self, source: Path, name: str, rest: str) -> None:
        if name == "RUN":
            # Where packages come from stays the caller's; what the portal reads does not.
            ours = {"DEMO", "DJANGO_SETTINGS_MODULE", *PRODUCTION}
            environment = {k: v for k, v in os.environ.items() if k not in ours}
            subprocess.run(
                ["sh", "-ec", self.here(rest)], cwd=self.app, env=environment, check=True
            )
        elif name == "COPY":
            *sources, target = rest.split()
            for each in sources:
                copy(source / each, self.app / target)
        elif name != "ARG":  # none is given
            assert (name, rest) == ("WORKDIR", "/app")

    def configure(self) -> None:
        """Read what the last stage says of running."""
        for name, rest in instructions(1):
            if name == "ENV":
                for assignment in rest.split():
                    key, _, value = assignment.partition("=")
                    value = self.here(value).replace("$PATH", os.environ["PATH"])
                    self.environment[key] = value
            elif name in {"ENTRYPOINT", "CMD"}:
                self.commands[name] = [self.here(word) for word in json.loads(rest)]
            elif name == "HEALTHCHECK":
                self.commands[name] = json.loads(rest.partition("CMD ")[2])


def _texts(folder: Path, pattern: str) -> list[str]:
    return [each.read_text("utf-8") for each in sorted(folder.glob(pattern))]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def copy(source: Path, target: Path) -> None:
    """Copy as COPY does: a folder's content into the folder, a file into it."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
