"""Ask each worker: any may accept a connection, and on a busy machine it may always be the same."""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

from tests.waiting import PATIENCE_S, wait_until


def ask_each_worker(port: int, workers: Collection[int], path: str) -> None:
    """Request a path of 127.0.0.1 until each of these processes has answered it with 200."""
    left = set(workers)

    def asked() -> bool:
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as wire:
            wire.request("GET", path)
            response = wire.getresponse()
            assert response.status == 200, response.read()
            left.discard(_other_end(wire.sock, workers))
        return not left

    wait_until(asked, "A worker answers nothing.")


def _other_end(wire: socket.socket, processes: Collection[int]) -> int:
    """Return which process has accepted this connection of 127.0.0.1, or 0 (proc(5), net/tcp)."""
    ours, theirs = (f":{end[1]:04X}" for end in (wire.getsockname(), wire.getpeername()))
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, local, remote, *rest = line.split()
        if local.endswith(theirs) and remote.endswith(ours):
            name = f"socket:[{rest[6]}]"
            for pid in processes:
                for each in Path(f"/proc/{pid}/fd").iterdir():
                    with suppress(FileNotFoundError):
                        if str(each.readlink()) == name:
                            return pid
    return 0
