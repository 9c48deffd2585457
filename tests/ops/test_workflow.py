"""What the host of the repository runs: `make test`, and updates of all that is pinned."""

from __future__ import annotations

import subprocess
from pathlib import PurePath
from typing import Any

import yaml

from tests.ops.production import ROOT

# Which updates look after files of these names.
UPDATED_BY = {
    "Dockerfile": "docker",
    "compose.yaml": "docker-compose",
    "package-lock.json": "npm",
    "requirements.txt": "pip",
}


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def test_each_change_runs_what_everybody_runs() -> None:
    workflow = read(".github/workflows/test.yml")
    # YAML 1.1 reads `on` as true.
    assert set(workflow[True]) == {"push", "pull_request", "schedule"}
    assert [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step][-1] == (
        ".ci/run"
    )
    assert (ROOT / ".ci" / "run").read_text("utf-8").endswith("\nexec make test\n")


def test_all_that_is_pinned_is_updated() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\0")
    pinned = {
        (UPDATED_BY[path.name], f"/{path.parent}".removesuffix("."))
        for path in map(PurePath, listed)
        if path.name in UPDATED_BY
    }
    updated = {
        (each["package-ecosystem"], each["directory"])
        for each in read(".github/dependabot.yml")["updates"]
    }
    assert updated == pinned | {("github-actions", "/")}
