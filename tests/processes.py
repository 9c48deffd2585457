"""Find child processes (proc(5)), and wait until a process listens."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.waiting import wait_until


def children(pid: int) -> list[int]:
    """Return the ids of a process's children, of all its threads."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when this port of 127.0.0.1 accepts connections; fail with the log if it ended."""

    def listens() -> bool:
        assert process.poll() is None, log.read_text("utf-8")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    wait_until(listens, "Nobody listens.")
