"""Waiting for other processes, on a machine that may be busy."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""A guard against hanging: whatever takes longer hangs, on a busy machine too."""


def wait_until(holds: Callable[[], object], failure: str, *, within_s: float = PATIENCE_S) -> None:
    """Return once it holds.

    Raises AssertionError when a check that *began* after so many seconds fails. So it can judge a
    promise to whoever asks two seconds later: a machine that stalls before a check or during it
    makes a test slower, and never red.
    """
    deadline = time.monotonic() + within_s
    while True:
        began = time.monotonic()
        if holds():
            return
        assert began < deadline, failure
        time.sleep(0.01)
