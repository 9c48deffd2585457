"""Nobody waits long for a replica, whatever it does."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from threading import Lock


class Readers:
    """Who is reading just now. Moments are those of `time.monotonic`, in seconds.

    A driver waits for its answer without an end. When another thread shuts the socket down it sees
    the connection end, which is a failure as any other.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._began: dict[socket, float] = {}

    @contextmanager
    def reading(self, descriptor: int) -> Iterator[None]:
        """Read in this block, over the connection with this file descriptor."""
        # One of our own: the driver's may be closed meanwhile, and be somebody else's then.
        wire = socket(fileno=os.dup(descriptor))
        with self._lock:
            self._began[wire] = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._began[wire]
                wire.close()

    def cut_off(self, *, began_before: float) -> None:
        """End the connections of those who have been reading since before that moment."""
        with self._lock:
            for wire, began in self._began.items():
                if began < began_before:
                    # It may have ended by itself.
                    with suppress(OSError):
                        wire.shutdown(SHUT_RDWR)
