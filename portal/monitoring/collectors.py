"""Metrics that are read when Prometheus asks: of a serving process, and of the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from django.db import connection
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from portal import bulkhead
from portal.metrics import HITS, HITS_304
from portal.monitoring.models import Counted
from portal.publishing.jwks_cache import cache
from portal.registry.ledger_source import follower
from portal.work.overview import overviews
from portal.work.worker import worker_state

_BULKHEADS: Final = {
    "lookups": bulkhead.lookups,
    "tokens": bulkhead.tokens,
    "clients": bulkhead.clients,
    "pages": bulkhead.pages,
    "passwords": bulkhead.passwords,
}


def of_process() -> Iterator[Metric]:
    """Return the state of a process that serves. Asks nothing of the database."""
    hits = CounterMetricFamily(
        "portal_jwks_cache_hits", "Key sets answered from memory.", labels=["status"]
    )
    hits.add_metric(["200"], HITS.read())
    hits.add_metric(["304"], HITS_304.read())
    yield hits
    yield _gauge("portal_jwks_cache_sets", "Key sets in memory.", len(cache))
    yield _gauge("portal_jwks_cache_bytes", "Size of the key sets in memory.", cache.size)
    yield _gauge("portal_jwks_cache_limit_bytes", "JWKS_MEMORY_MB.", cache.capacity)
    # A process that had no request yet knows nothing of the ledger, and that is no fault.
    if follower.has_begun:
        yield _gauge(
            "portal_follower_lag_seconds",
            "Time since the process last saw the ledger, infinite if it never did.",
            follower.lag_s,
        )
        yield _gauge(
            "portal_ledger_number", "The last event that the process knows.", follower.number
        )
    slots = GaugeMetricFamily("portal_bulkhead_slots", "Slots of a bulkhead.", labels=["bulkhead"])
    used = GaugeMetricFamily("portal_bulkhead_used", "Slots in use.", labels=["bulkhead"])
    for name, each in _BULKHEADS.items():
        slots.add_metric([name], each.slots)
        used.add_metric([name], each.used)
    yield from (slots, used)


def of_database() -> Iterator[Metric]:
    """Return what the tables of the worker say, and the last count of the registry.

    Each query reads a bounded number of rows, however large the registry is.
    """
    try:
        yield from _of_workers(timezone.now())
    finally:
        # The thread ends with the scrape.
        connection.close()


def _of_workers(now: datetime) -> Iterator[Metric]:
    state = worker_state(now)
    yield _age(
        "portal_worker_age_seconds", "Time since a worker was last seen.", state.seen_at, now
    )
    queued, failing, oldest, failing_for, done, dropped = (
        GaugeMetricFamily("portal_tasks_queued", "Queued tasks, at most 1001.", labels=["kind"]),
        GaugeMetricFamily("portal_tasks_failing", "Failing tasks, at most 1001.", labels=["kind"]),
        GaugeMetricFamily(
            "portal_tasks_oldest_seconds",
            "Age of the oldest of the 1001 tasks that are due first; 0 if there is none.",
            labels=["kind"],
        ),
        GaugeMetricFamily(
            "portal_tasks_failing_seconds",
            "Age of the oldest failing task; 0 if there is none.",
            labels=["kind"],
        ),
        CounterMetricFamily("portal_tasks_done", "Tasks that were done.", labels=["kind"]),
        CounterMetricFamily("portal_tasks_dropped", "Tasks that were dropped.", labels=["kind"]),
    )
    for each in overviews():
        labels = [each.kind.name]
        queued.add_metric(labels, each.queued)
        failing.add_metric(labels, each.failing)
        failing_for.add_metric(labels, _seconds(each.failing_since, now))
        done.add_metric(labels, each.tally.done)
        dropped.add_metric(labels, each.tally.dropped)
        if not each.kind.is_recurring:
            oldest.add_metric(labels, _seconds(each.queued_since, now))
    yield from (queued, failing, oldest, failing_for, done, dropped)
    counted = Counted.objects.filter(pk=1).first()
    yield _age(
        "portal_registry_count_age_seconds",
        "Time since the keys and clients were counted.",
        counted.at if counted else None,
        now,
    )
    if counted is not None:
        yield from _of_registry(counted)


def _of_registry(counted: Counted) -> Iterable[Metric]:
    keys = GaugeMetricFamily(
        "portal_keys", "Registered keys, when they were last counted.", labels=["alg", "status"]
    )
    for alg, status, number in counted.keys:
        keys.add_metric([alg, status], number)
    return (
        keys,
        _gauge(
            "portal_clients_without_live_key",
            "Clients in use that have no live key, when they were last counted.",
            counted.clients_without_live_key,
        ),
        _gauge(
            "portal_keys_ending",
            "Live keys that ended within 30 days, when they were last counted.",
            counted.keys_ending,
        ),
        _gauge("portal_registry_count_seconds", "How long the last count took.", counted.seconds),
    )


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value)


def _age(name: str, help_text: str, moment: datetime | None, now: datetime) -> Metric:
    """Return a gauge with the seconds since a moment, infinite if there was none."""
    return _gauge(name, help_text, _seconds(moment, now) if moment else float("inf"))


def _seconds(moment: datetime | None, now: datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0
