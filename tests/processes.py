"""Find child processes (proc(5)), wait until a process listens, and end one."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.waiting import PATIENCE_S, wait_until

PORTS = range(10_000, 30_000, 16)
"""Ports for servers of tests: below `net.ipv4.ip_local_port_range`. A portal with metrics takes the
next ones too, one for each process."""


def children(pid: int) -> list[int]:
    """Return the ids of a process's children, of all its threads."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def free_port() -> int:
    """Return a port that nobody listens on, at any address.

    It stays free until its server starts, however late that is: the kernel chooses the ports of
    outgoing connections above these, and suites that run at once take turns through a file.
    """
    turns = Path(tempfile.gettempdir()) / f"ports-of-tests-{os.getuid()}"
    with turns.open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        port = int(file.read() or PORTS[-1])
        while True:
            port = port + PORTS.step if port < PORTS[-1] else PORTS[0]
            with suppress(OSError), socket.socket() as listener:
                listener.bind(("", port))
                break
        file.truncate(0)
        file.write(str(port))
        return port


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when this port of 127.0.0.1 accepts connections; fail with the log if it ended."""

    def listens() -> bool:
        assert process.poll() is None, log.read_text("utf-8")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    wait_until(listens, "Nobody listens.")


def end(process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> int:
    """Send a signal that ends the process, and return its exit code.

    Raises AssertionError as `wait_for_end` does.
    """
    process.send_signal(number)
    return wait_for_end(process)


def close(process: subprocess.Popen[str]) -> None:
    """End a process that ends when its standard input does.

    Raises AssertionError as `wait_for_end` does.
    """
    for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
        pipe.close()
    wait_for_end(process)


def wait_for_end(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> int:
    """Return the exit code of a process that was asked to end.

    Raises AssertionError if it still runs after PATIENCE_S. It and its children are killed then, so
    that the failure stays with this test.
    """
    try:
        return process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        kill(process)
        raise AssertionError(f"It does not end, and was killed: {process.args!r}") from None


def kill(process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Kill a process and all its descendants."""
    for pid in family(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def family(pid: int) -> list[int]:
    """Return a process and its descendants, parents first."""
    with suppress(FileNotFoundError):
        return [pid, *(each for child in children(pid) for each in family(child))]
    return [pid]
