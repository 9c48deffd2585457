"""On SQLite the database itself is asked, each time: it counts its changes."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.registry.changes import Keeper


class _Connection(sqlite3.Connection):
    """Closes itself when it is not used any more: its thread ends, or another file is asked."""

    def __del__(self) -> None:
        self.close()


class Versions:
    """Asks a database file whether anything was written, with microseconds for each question.

    `PRAGMA data_version` does not count the writes of the connection that asks, so it asks with a
    connection of its own, one for each thread, which never writes. A connection stays with the file
    that it has opened, so each time it also looks whether another one lies in its place.
    """

    def __init__(self, keeper: Keeper, name: str) -> None:
        self._keeper = keeper
        # A database in memory has no file to ask, so nothing of it is trusted.
        self._path = Path(name).absolute()
        self._seen = local()

    def look(self) -> None:
        """Let the keeper forget everything when something was written since this thread looked."""
        # One for the whole look, as a failure elsewhere replaces it.
        seen = self._seen
        try:
            version = self._ask(seen)
        except (OSError, sqlite3.Error):
            self._seen = local()
            self._keeper.distrust()
            return
        # The first look of a thread counts as a change: nobody knows what came before it.
        if version != getattr(seen, "version", None):
            seen.version = version
            self._keeper.clear()
            self._keeper.trust(math.inf)

    def _ask(self, seen: local) -> tuple[int, int]:
        """Return which file there is, and its version as this thread's connection counts."""
        file = self._path.stat().st_ino
        if getattr(seen, "file", None) != file:
            seen.file = file
            seen.connection = sqlite3.connect(
                f"{self._path.as_uri()}?mode=ro",
                uri=True,
                factory=_Connection,
                check_same_thread=False,  # it is closed by whichever thread drops it
            )
        (version,) = seen.connection.execute("PRAGMA data_version").fetchone()
        return file, int(version)
