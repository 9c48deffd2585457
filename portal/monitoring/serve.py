"""The port of a process on which Prometheus reads its metrics (ADR 0030)."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from django.conf import settings
from prometheus_client import REGISTRY, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

logger = logging.getLogger(__name__)

PORTS: Final = 32
"""How many ports a process tries: the processes of a host have one each."""


class Collected(Protocol):
    """A function that returns metrics."""

    def __call__(self) -> Iterable[Metric]:
        """Return the metrics as they are now."""


class _Collector(Collector):
    def __init__(self, collect: Collected) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        """Return the metrics, or none if they cannot be had: the others are still served."""
        try:
            return list(self._collect())
        except Exception:
            logger.exception("Some metrics cannot be collected")
            return []

    def describe(self) -> Iterable[Metric]:
        """Return no metrics, so that registering collects nothing."""
        return []


def serve_metrics(*collected: Collected, start: Callable[..., object] = start_http_server) -> None:
    """Serve the metrics of this process, with those of the functions, unless the setting is empty.

    Takes the first free port from that of METRICS_ADDRESS. Without a free one the portal still
    serves its users, and the log says so.
    """
    if not settings.METRICS_ADDRESS:
        return
    for each in collected:
        REGISTRY.register(_Collector(each))
    host, first = settings.METRICS_ADDRESS
    for port in range(first, first + PORTS):
        try:
            start(port, host)
        except OSError as failure:
            if failure.errno != errno.EADDRINUSE:
                logger.error("Metrics cannot be served on %s: %s", host, failure.strerror)  # noqa: TRY400 - no bug of ours
                return
        else:
            logger.info("Metrics are served on %s, port %d.", host, port)
            return
    logger.error("Metrics cannot be served: %d ports from %d are taken.", PORTS, first)
