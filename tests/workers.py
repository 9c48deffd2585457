"""Ask each worker: any may accept a connection, and on a busy machine it may always be the same."""

from __future__ import annotations

import socket
import time
from collections.abc import Collection
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path

from portal.registry.follower import BOUND_S
from tests.waiting import PATIENCE_S, wait_until


def let_each_worker_cache(port: int, workers: Collection[int], path: str) -> None:
    """Request a key set of 127.0.0.1 until each of these processes has it in memory.

    A process does not cache what it read before it followed the ledger.
    """
    _ask_each(port, workers, path)
    time.sleep(BOUND_S)
    _ask_each(port, workers, path)


def _ask_each(port: int, workers: Collection[int], path: str) -> None:
    left = set(workers)

    def asked() -> bool:
        with closing(HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)) as wire:
            wire.request("GET", path)
            if wire.getresponse().status == 200:
                left.discard(_other_end(wire.sock, workers))
        return not left

    wait_until(asked, f"A worker does not answer {path} with 200.")


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
