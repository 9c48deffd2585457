"""The dashboard, the alert rules and the runbooks are about metrics that the portal has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import promql_parser
import pytest
import yaml
from django.db import connection
from django.urls import get_resolver
from django.utils import timezone
from prometheus_client import REGISTRY
from prometheus_client.metrics_core import Metric
from promql_parser import MatchOp, VectorSelector

from portal import wsgi
from portal.core.lifecycle import KeyStatus
from portal.core.reasons import Reason
from portal.monitoring.collectors import of_database, of_process
from portal.monitoring.counts import count_registry
from portal.registry.ledger_source import follower
from portal.registry.models import ClientKey
from portal.work.tasks import KINDS
from tests.interop.served import ROOT

assert wsgi  # it makes the metrics of the fast paths

FOLDER: Final = ROOT / "deploy" / "monitoring"
OUTCOMES: Final = ("ok", "refused", "busy", "failed")
FOREIGN: Final = {"up", "process_resident_memory_bytes"}
"""Metrics that Prometheus and its client have."""
SUFFIXES: Final = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}


@cache
def alerts() -> dict[str, Any]:
    [group] = yaml.safe_load((FOLDER / "alerts.yaml").read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


@cache
def selectors() -> list[VectorSelector]:
    """What the expressions of all files select. Raises for a wrong expression."""
    board = json.loads((FOLDER / "dashboard.json").read_text("utf-8"))
    targets = [target for panel in board["panels"] for target in panel.get("targets", ())]
    expressions = [each["expr"] for each in (*targets, *alerts().values())]
    found: list[VectorSelector] = []

    def note(node: object) -> bool:
        if isinstance(node, VectorSelector):
            found.append(node)
        return True

    for each in expressions:
        promql_parser.walk(promql_parser.parse(each.replace("$__rate_interval", "5m")), note)
    return found


@pytest.fixture
def metrics(db: None, key: ClientKey, monkeypatch: pytest.MonkeyPatch) -> list[Metric]:
    """All metrics of ours, as a process that serves and a worker have them."""
    monkeypatch.setattr(connection, "close", lambda: None)
    monkeypatch.setattr(follower, "has_begun", True)
    count_registry(timezone.now())
    every = (*REGISTRY.collect(), *of_process(), *of_database())
    return [each for each in every if each.name.startswith("portal_")]


def names_of(metric: Metric) -> Iterator[str]:
    """Return the names of a metric's series."""
    return (metric.name + suffix for suffix in SUFFIXES.get(metric.type, ("",)))


def test_each_name_in_the_files_is_exposed_and_each_metric_is_shown(metrics: list[Metric]) -> None:
    exposed = {name: each.name for each in metrics for name in names_of(each)}
    used = {each.name or "" for each in selectors()}
    assert used - FOREIGN <= set(exposed)
    assert {exposed[name] for name in used - FOREIGN} == set(exposed.values())


def test_each_value_of_a_label_in_the_files_can_be_there(
    metrics: list[Metric],
) -> None:
    routes = {str(name) for name in get_resolver().reverse_dict if isinstance(name, str)}
    values = {
        "endpoint": routes,
        "outcome": {
            *OUTCOMES,
            *re.findall(
                r'note_refused\("(\w+)"', (ROOT / "portal/accounts/adapter.py").read_text()
            ),
        },
        "reason": set(Reason),
        "kind": set(KINDS),
        "status": set(KeyStatus),
        "job": {"portal", "portal-worker"},
    }
    for each in selectors():
        for matcher in each.matchers.matchers:
            asked = matcher.value.split("|") if matcher.op == MatchOp.Re else [matcher.value]
            if matcher.name != "job":
                assert set(asked) <= values[matcher.name], (each.name, matcher.name)


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    document = (ROOT / "docs" / "operations.md").read_text("utf-8")
    runbooks = re.findall(r"^#### (Portal\w+)$", document, re.MULTILINE)
    assert runbooks == list(alerts())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook"] == f"docs/operations.md#{name.lower()}"
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_example_of_prometheus_scrapes_what_the_alerts_are_about() -> None:
    made = yaml.safe_load((FOLDER / "prometheus.yaml").read_text("utf-8"))
    assert made["rule_files"] == ["alerts.yaml"]
    jobs = {each["job_name"] for each in made["scrape_configs"]}
    asked = {
        matcher.value
        for each in selectors()
        for matcher in each.matchers.matchers
        if matcher.name == "job"
    }
    assert asked <= jobs | {"portal.*"}
