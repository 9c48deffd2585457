"""`make test` is green only when every suite ran, and every test in it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ops.production import ROOT

PASSING = "def test_one(): pass\n"
# This mark is part of the file that `total` writes: the test below expects it to be red.
SKIPPED = "import pytest\n@pytest.mark.skip\ndef test_two(): pass\n"
FAILING = "def test_three(): assert False\n"


def total(folder: Path, **suites: str) -> subprocess.CompletedProcess[str]:
    """Run suites with these tests, and add them up with one more suite that was never run."""
    for name, text in suites.items():
        if text:
            test = folder / f"test_{name}.py"
            test.write_text(text)
            report = f"--junitxml={folder / name}.xml"
            command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", str(folder)]
            subprocess.run(
                [*command, report, str(test)],
                # No plugin: their imports take longer than these tests.
                env={"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
                cwd=folder,
                capture_output=True,
                check=False,
            )
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / "total.py"), str(folder), *suites],
        capture_output=True,
        text=True,
        check=False,
    )


def test_passing_suites_are_added_up(tmp_path: Path) -> None:
    ended = total(tmp_path, unit=PASSING, db=PASSING)
    ran_on = f"on Python {platform.python_version()}"
    assert (ended.returncode, ended.stdout) == (0, f"2 passed {ran_on} (unit 1, db 1)\n")


@pytest.mark.parametrize(
    ("text", "complaint"), [(SKIPPED, "1 skipped"), (FAILING, "1 failures"), ("", "no test in db")]
)
def test_a_test_that_did_not_pass_makes_the_total_fail(
    tmp_path: Path, text: str, complaint: str
) -> None:
    ended = total(tmp_path, unit=PASSING, db=text)
    assert ended.returncode == 1
    assert complaint in ended.stdout
