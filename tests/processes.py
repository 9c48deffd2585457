"""What the kernel tells of processes (proc(5)), and whether they listen."""

from __future__ import annotations

import socket
import subprocess
from contextlib import suppress
from pathlib import Path

from tests.waiting import wait_until


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children, whichever of its threads began them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return once somebody listens on this port of 127.0.0.1; fail with the log if it has ended."""

    def listens() -> bool:
        assert process.poll() is None, log.read_text("utf-8")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    wait_until(listens, "Nobody listens.")
