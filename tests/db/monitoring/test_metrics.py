"""What operators see: each figure is that of the rows and requests, and costs few queries."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric

from portal import bulkhead
from portal.metrics import FastCount, outcome_of
from portal.monitoring.collectors import of_database, of_process
from portal.monitoring.counts import COUNT, EVERY, count_registry
from portal.monitoring.models import Counted
from portal.monitoring.serve import serve_metrics
from portal.registry.actions import create_client, retire_key, revoke_key
from portal.registry.actions.carry_on_job import CARRY_ON
from portal.registry.choices import RevocationReason
from portal.registry.ledger_source import follower
from portal.registry.models import Client, ClientKey
from portal.work.models import Task
from portal.work.tasks import KINDS, put, put_recurring
from portal.work.worker import Worker
from tests.db.oauth.token_requests import TOKEN, Signer, post

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _keeps_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "close", lambda: None)


def values(metrics: Iterable[Metric]) -> dict[str, float]:
    """Return the samples by name and labels, as `portal_keys ES256 active`."""
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for metric in metrics
        for sample in metric.samples
    }


def grown(name: str, ask: Callable[[], object], **labels: str) -> float:
    """Return by how much a metric that the code counts grows while a function runs."""
    before = REGISTRY.get_sample_value(name, labels) or 0
    ask()
    return (REGISTRY.get_sample_value(name, labels) or 0) - before


@pytest.mark.sqlite
def test_worker_counts_the_registry_and_says_when(
    payments: Client, key: ClientKey, second: ClientKey, cast: SimpleNamespace
) -> None:
    now = timezone.now()
    assert values(of_database())["portal_registry_count_age_seconds"] == float("inf")
    revoke_key(second, reason=RevocationReason.SUPERSEDED, by=cast.dev)
    create_client(name="Keyless", by=cast.dev)
    retire_key(key, grace=timedelta(days=7), by=cast.dev)
    put_recurring([COUNT.name], now)
    worker = Worker(kinds=[COUNT.name], clock=lambda: now)
    assert worker.step()
    assert not worker.step()
    assert Task.objects.get(kind=COUNT.name).due_at >= now + EVERY
    seen = values(of_database())
    assert seen["portal_keys EdDSA retiring"] == seen["portal_keys EdDSA revoked"] == 1
    assert seen["portal_clients_without_live_key"] == seen["portal_keys_ending"] == 1
    assert 0 <= seen["portal_registry_count_age_seconds"] < 60


def test_a_large_registry_is_counted_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([0.0, 100.0])
    monkeypatch.setattr("portal.monitoring.counts.count_registry", lambda _: None)
    monkeypatch.setattr("portal.monitoring.counts.time.monotonic", lambda: next(moments))
    now = timezone.now()
    assert COUNT.run(Task(), now) == now + timedelta(seconds=5000)


def test_tasks_are_seen_by_kind_and_a_missing_worker_too() -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    put(CARRY_ON, "1", due_at=hour_ago)
    put(COUNT, COUNT.name, due_at=hour_ago)
    Task.objects.update(made_at=hour_ago, error="down")
    seen = values(of_database())
    assert seen["portal_worker_age_seconds"] == float("inf")
    job = CARRY_ON.name
    assert seen[f"portal_tasks_queued {job}"] == seen[f"portal_tasks_failing {job}"] == 1
    assert 3600 <= seen[f"portal_tasks_oldest_seconds {job}"] < 3700
    assert 3600 <= seen[f"portal_tasks_failing_seconds {job}"] < 3700
    # There is always one, so its age says nothing.
    assert f"portal_tasks_oldest_seconds {COUNT.name}" not in seen
    assert seen["portal_tasks_oldest_seconds message"] == 0


def test_a_scrape_reads_neither_keys_nor_clients(
    key: ClientKey, django_assert_max_num_queries: Any
) -> None:
    count_registry(timezone.now())
    with django_assert_max_num_queries(5 + 3 * len(KINDS)) as asked:
        list(of_database())
    assert not [each for each in asked.captured_queries if "registry_" in each["sql"]]
    assert Counted.objects.get().keys == [["EdDSA", "active", 1]]


def test_state_of_a_process_costs_no_query(django_assert_num_queries: Any) -> None:
    with bulkhead.pages, django_assert_num_queries(0):
        seen = values(of_process())
    assert seen["portal_bulkhead_used pages"] == 1
    assert seen["portal_bulkhead_used clients"] == 0


def test_a_process_without_a_request_does_not_seem_to_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    for has_begun in (False, True):
        monkeypatch.setattr(follower, "has_begun", has_begun)
        seen = values(of_process())
        for name in ("portal_follower_lag_seconds", "portal_ledger_number"):
            assert (name in seen) == has_begun


def test_requests_are_counted_by_the_name_of_their_route(payments: Client) -> None:
    name = "portal_request_seconds_count"
    for path, endpoint, outcome in (
        (f"/clients/{payments.client_id}/jwks.json", "jwks", "ok"),
        ("/clients/nobody/jwks.json", "jwks", "refused"),
        ("/account/login/", "account_login", "ok"),
        ("/nowhere", "unknown", "refused"),
    ):
        labels = {"endpoint": endpoint, "outcome": outcome}
        assert grown(name, lambda path=path: Browser().get(path), **labels) == 1, path  # type: ignore[misc]


def test_outcomes_tell_bugs_from_a_busy_portal() -> None:
    statuses = (200, 304, 302, 404, 429, 500, 502, 503)
    assert [outcome_of(each) for each in statuses] == (
        ["ok"] * 3 + ["refused"] * 2 + ["failed"] * 2 + ["busy"]
    )


def test_refusals_are_counted_by_reason_and_a_replay_is_one(signer: Signer) -> None:
    form = signer.form()
    assert post(TOKEN, form).status_code == 200
    for sent, reason in ((form, "jti_reused"), ({"scope": "read"}, "assertion_missing")):
        ask = lambda sent=sent: post(TOKEN, sent)  # noqa: E731
        assert grown("portal_refusals_total", ask, reason=reason) == 1


def test_reading_a_fast_count_adds_nothing() -> None:
    count = FastCount()
    assert count.read() == 0
    count.add()
    assert [count.read(), count.read()] == [1, 1]
    count.add()
    assert count.read() == 2


def test_each_process_takes_the_next_free_port(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    taken = {9464, 9465}

    def start(port: int, host: str) -> None:
        if port in taken:
            raise OSError(errno.EADDRINUSE, "taken")
        taken.add(port)

    settings.METRICS_ADDRESS = None
    serve_metrics(start=start)
    assert taken == {9464, 9465}
    settings.METRICS_ADDRESS = ("127.0.0.1", 9464)
    serve_metrics(start=start)
    assert 9466 in taken
    assert "port 9466" in caplog.text


def test_a_portal_that_cannot_serve_metrics_says_so_and_goes_on(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def start(port: int, host: str) -> None:
        raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")

    settings.METRICS_ADDRESS = ("192.0.2.1", 9464)
    serve_metrics(start=start)
    assert "cannot be served on 192.0.2.1: Cannot assign requested address" in caplog.text
