"""On SQLite the database itself is asked, each time: it counts its changes."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from portal.registry.changes import Keeper


class Versions:
    """Asks a database file whether anything was written, with microseconds for each question.

    `PRAGMA data_version` does not count the writes of the connection that asks, so it asks with a
    connection of its own, one for each thread, which never writes.
    """

    def __init__(self, keeper: Keeper, name: str) -> None:
        self._keeper = keeper
        # A database in memory is another one for each connection: there is nothing to ask.
        self._uri = f"{Path(name).absolute().as_uri()}?mode=ro" if Path(name).is_file() else ""
        self._seen = local()

    def look(self) -> None:
        """Let the keeper forget everything when something was written since this thread looked."""
        if not self._uri:
            return
        try:
            version = self._ask()
        except sqlite3.Error:
            self._seen = local()
            self._keeper.distrust()
            return
        # The first look of a thread counts as a change: nobody knows what came before it.
        if version != getattr(self._seen, "version", None):
            self._seen.version = version
            self._keeper.clear()
            self._keeper.trust(math.inf)

    def _ask(self) -> int:
        if not hasattr(self._seen, "connection"):
            self._seen.connection = sqlite3.connect(self._uri, uri=True)
        (version,) = self._seen.connection.execute("PRAGMA data_version").fetchone()
        return int(version)
