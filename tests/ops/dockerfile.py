"""Just enough of a Dockerfile's language to run ours without Docker, in a plain folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
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
    """What the Dockerfile makes, with /app and /opt in a folder."""

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
        """Run the stage that builds, as it stands."""
        source = self.folder / "context"
        context(source)
        self.app.mkdir()
        for name, rest in instructions(0):
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


def copy(source: Path, target: Path) -> None:
    """Copy as COPY does: a folder's content into the folder, a file into it."""
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
