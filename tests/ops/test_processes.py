"""A process that a test cannot end fails that test, and is gone for the next one."""

from __future__ import annotations

import subprocess

import pytest

from tests import processes


def test_a_process_that_does_not_end_is_killed_with_its_children(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processes, "PATIENCE_S", 0.1)
    deaf = "trap '' TERM; sleep 1000 & echo; wait"
    with subprocess.Popen(["sh", "-c", deaf], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        with pytest.raises(AssertionError, match="was killed: "):
            processes.end(process)
        # Its child had the pipe too.
        assert process.stdout.read() == b""
    assert process.returncode == -9
