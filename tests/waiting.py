"""Wait for other processes, on a machine that may be busy."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0
"""The limit after which a wait counts as a hang, on a busy machine too."""


def wait_until(holds: Callable[[], object], failure: str, *, within_s: float = PATIENCE_S) -> None:
    """Return when `holds()` is true.

    Raises AssertionError if a check that *began* after `within_s` seconds fails. So it can test a
    promise about requests two seconds later: a machine that stalls before or during a check makes
    the test slower, but never fails it.
    """
    start = time.monotonic()
    while True:
        began = time.monotonic()
        if holds():
            return
        assert began < start + within_s, failure
        # A check takes processor time from what it waits for, so checks get rarer.
        time.sleep(min(0.01 + (began - start) / 10, 0.1))
