"""What the code counts while it works (ADR 0030). `portal.monitoring` serves it to Prometheus.

The label `endpoint` is the name of a route, never a path: strangers choose paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from threading import Lock
from typing import Any, Final

from prometheus_client import Counter, Histogram, disable_created_metrics

# Each would double the number of series.
disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS: Final = Histogram(
    "portal_request_seconds",
    "Time until a response was ready. Key sets from memory are counted apart.",
    ["endpoint", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
REFUSALS: Final = Counter(
    "portal_refusals",
    "Requests of clients that were refused; the reason jti_reused is a replay.",
    ["reason"],
)
SIGN_INS: Final = Counter("portal_sign_ins", "People who signed in, or were refused.", ["outcome"])
BATCH_SIZE: Final = Histogram(
    "portal_batch_size",
    "Token requests that one statement decided.",
    ["batch"],
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
BATCH_WAIT: Final = Histogram(
    "portal_batch_wait_seconds",
    "How long a token request waited until its batch began.",
    ["batch"],
    buckets=(0.0001, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)


NAME_SPAN: Final = "portal.name_span"
"""The key in WSGI's `environ` of a function that names the request's span, if there is one."""


def name_span(environ: Mapping[str, Any], endpoint: str) -> None:
    """Give the span of a request, if there is one, the name of its endpoint."""
    name = environ.get(NAME_SPAN)
    if name is not None:
        name(endpoint)


def outcome_of(status: int) -> str:
    """Return the label `outcome` of a status: ok, refused (4xx), busy (503) or failed (5xx)."""
    if status < 400:
        return "ok"
    if status < 500:
        return "refused"
    return "busy" if status == 503 else "failed"


class FastCount:
    """A number that only grows, for the one place where a `Counter` costs too much.

    `add` takes 40 ns and no lock: a step of `itertools.count` is atomic.
    """

    def __init__(self) -> None:
        self._steps = count()
        self.add: Final = self._steps.__next__
        """Add one."""
        self._reads = 0
        self._lock = Lock()

    def read(self) -> int:
        """Return how often `add` was called. Reading takes a step too, which does not count."""
        with self._lock:
            self._reads += 1
            return next(self._steps) - self._reads + 1


HITS: Final = FastCount()
"""Key sets that were sent from memory."""
HITS_304: Final = FastCount()
"""Key sets in memory that the reader had already."""
