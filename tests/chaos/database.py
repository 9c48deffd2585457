"""A PostgreSQL that is killed as a machine is that loses its power, and started again."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests import postgres


class Database:
    """A server in a folder of its own, which writes through to the disk."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._binaries = postgres.find_binaries(scratch)
        self._server, self.url = postgres.start(scratch, durable=True)
        # From its second start on: whom it turns away while it recovers is of no interest here.
        with (scratch / "data" / "postgresql.conf").open("a") as configuration:
            configuration.write("logging_collector = on\n")

    def kill(self) -> None:
        """End the server and all its processes by SIGKILL: nothing is finished or written."""
        while pids := self._processes():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            # As long as one of them holds the shared memory, no new server starts.
            time.sleep(0.005)
        self._server.wait()

    def start(self) -> None:
        """Start it once more; it recovers from its log, and then takes connections."""
        self._server = postgres.launch(self._binaries, self._scratch, durable=True)

    def stop(self) -> None:
        """End it in good order."""
        postgres.stop(self._server)

    def _processes(self) -> list[int]:
        """Return all its processes, which are those that work in its folder; the first first."""
        found = []
        for link in Path("/proc").glob("[0-9]*/cwd"):
            with suppress(OSError):
                if link.readlink() == self._scratch / "data":
                    found.append(int(link.parent.name))
        return sorted(found)
