"""A Python process with Django set up, which runs code when it is asked to.

Django takes most of a second of processor time to start, and a test often changes something in the
database of a portal that another process serves.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from threading import Lock

from tests.postgres import die_with_parent
from tests.processes import close

ROOT = Path(__file__).resolve().parents[1]


class Shell:
    """The process; it starts with the first code."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._process: subprocess.Popen[str] | None = None
        self._turn = Lock()

    def do(self, code: str) -> str:
        """Run code and return what it prints. It gets no names of earlier code.

        Raises AssertionError with the traceback of the code.
        """
        with self._turn:
            self._process = self._process or self._start()
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps(code) + "\n")
            self._process.stdin.flush()
            output, error = json.loads(self._process.stdout.readline())
        assert not error, error
        return str(output)

    def manage(self, *words: str) -> str:
        """Run a command of manage.py and return what it prints."""
        return self.do(f"from django.core.management import call_command; call_command(*{words!r})")

    def close(self) -> None:
        """End the process."""
        if self._process:
            close(self._process)

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.shell"],
            cwd=ROOT,
            env={**self._environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel
        )


def main() -> None:
    """Run each line of the standard input, and answer with its output and its error."""
    import django  # noqa: PLC0415 - this process only

    django.setup()
    from django.db import connections  # noqa: PLC0415

    answers = sys.stdout
    for line in sys.stdin:
        error = ""
        with redirect_stdout(io.StringIO()) as output:
            try:
                exec(json.loads(line), {"__name__": "code"})  # noqa: S102 - what a test wrote
            except Exception:  # noqa: BLE001 - the test is told
                error = traceback.format_exc()
            # A test may stop the database next.
            connections.close_all()
        answers.write(json.dumps([output.getvalue(), error]) + "\n")
        answers.flush()
    # Without Python's clean-up, which takes a third of the time of the start.
    os._exit(0)


if __name__ == "__main__":
    main()
