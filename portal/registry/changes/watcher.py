"""Looks after the replica: how far it is, and whether it answers at all."""

from __future__ import annotations

import logging
import math
import time
from threading import Thread
from typing import Final

from portal.registry.changes.proof import REPLAYED, Position, Replica
from portal.registry.changes.wire import Refused, Wire

logger = logging.getLogger(__name__)

_PERIOD_S: Final = 0.2
_PATIENCE_S: Final = 0.4
_CONNECT_S: Final = 2.0
# One that is not there or refuses us is not asked in haste: the primary does its work.
_PAUSE_S: Final = 1.0


class Watcher:
    """A thread that asks the replica how far it is, a few times a second.

    Whoever reads from it for longer than `_PATIENCE_S` is cut off; and when it does not answer
    nobody reads from it until it does.
    """

    def __init__(self, replica: Replica, conninfo: str) -> None:
        self._replica = replica
        self._conninfo = conninfo
        self._state: str | None = None

    def start(self) -> None:
        """Begin; the thread ends with the process."""
        Thread(target=self._run, name="replica", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._attend()
            time.sleep(_PAUSE_S)

    def _attend(self) -> None:
        """Watch until the replica fails, and see to it that nobody waits for it then."""
        try:
            self._follow()
        except Exception as failure:  # noqa: BLE001 - without this thread nobody is cut off
            self._replica.leave_out()
            # Whoever came before that, and nobody comes after it.
            self._replica.readers.cut_off(began_before=math.inf)
            self._say(str(failure))

    def _follow(self) -> None:
        """Ask until the connection is lost. Raises what that shows in."""
        wire = Wire(self._conninfo)
        try:
            wire.connect(time.monotonic() + _CONNECT_S)
            while True:
                position = Position.read(wire.execute(REPLAYED, time.monotonic() + _PATIENCE_S))
                if not position:
                    raise Refused("it is not a replica (any more)")
                self._say(self._replica.reach(position))
                self._replica.readers.cut_off(began_before=time.monotonic() - _PATIENCE_S)
                # A way to wait that ends when the connection does.
                for _ in wire.listen(time.monotonic() + _PERIOD_S):
                    pass
        finally:
            wire.close()

    def _say(self, why_not: str | None) -> None:
        """Log a state once, when it begins."""
        if why_not is None or why_not == self._state:
            return
        self._state = why_not
        if why_not:
            logger.warning("The replica is not read: %s", why_not)
        else:
            logger.info("Key sets are read from the replica.")
