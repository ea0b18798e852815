"""Alerts and dashboard name metrics, labels and values that the code has, and leave no metric out."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
import yaml

from oms_core.domain.metrics import ALL_METRICS, MetricKind
from oms_core.errors import ERROR_CODES
from oms_http.operations import operations_of
from oms_http.problems import STATUS_BY_CODE
from oms_http.settings import HttpSettings
from tests.deploy.queries import Query, alert_queries, dashboard_queries
from tests.deploy.tools import DEPLOY
from tests.services.wheels import ROOT

QUERIES = [*alert_queries(), *dashboard_queries()]
TARGETS = {
    label for job in yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    for target in job["static_configs"] for label in target["labels"]
}  # fmt: skip
OF_PROMETHEUS = {"job", "instance", *TARGETS}
# Where the words stand that are no error codes.
SOURCES = {
    "oms_announcements_total": ("oms_core/runtime/announcements.py", r'ANNOUNCEMENTS, "(\w+)"'),
    "oms_authentication_refusals_total": ("oms_core/authentication/authenticate.py", r'"(\w+)"'),
}


def known_metrics() -> dict[str, set[str]]:
    """Name every series that /metrics may have, with its labels."""
    known = {"up": set(OF_PROMETHEUS)}
    for metric in ALL_METRICS:
        labels = {*metric.labels, *OF_PROMETHEUS}
        if metric.kind is MetricKind.HISTOGRAM:
            known |= {f"{metric.name}_{part}": labels for part in ("sum", "count")}
            known[f"{metric.name}_bucket"] = {*labels, "le"}
        else:
            known[metric.name] = labels
    return known


def known_values() -> Mapping[str, set[str]]:
    """Name the values of labels that the code fixes, by metric and label joined."""
    operations = operations_of(HttpSettings())
    known = {
        "oms_orders_decided_total.outcome": {*ERROR_CODES, "placed", "replayed"},
        "status": {str(status) for status in STATUS_BY_CODE.values()},
        "method": {operation.method for operation in operations},
        "route": {operation.path for operation in operations},
        "job": {"oms"},
        "role": {"serve", "worker"},
    }
    for metric, (file, pattern) in SOURCES.items():
        words = set(re.findall(pattern, (ROOT / file).read_text()))
        known |= {f"{metric}.{label}": words for label in ("outcome", "reason")}
    return known


def mistakes(query: Query) -> list[str]:
    """List what a query names and the code has not."""
    known, values = known_metrics(), known_values()
    found = [f"no metric {metric}" for metric in query.metrics if metric not in known]
    for metric, label, value in query.values:
        if label not in known.get(metric, {label}):
            found.append(f"{metric} has no label {label}")
        elif value not in (values.get(f"{metric}.{label}") or values[label]):
            found.append(f"{metric} has no {label} {value}")
    labels = set.intersection(*(known.get(metric, set()) for metric in query.metrics))
    return found + [f"nothing to group by: {label}" for label in sorted(query.groupings - labels)]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.name)
def test_a_query_names_what_there_is(query: Query) -> None:
    assert query.metrics
    assert not mistakes(query)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("rate(oms_orders_total[5m])", "no metric oms_orders_total"),
        ('oms_queued_orders{outcome="placed"}', "oms_queued_orders has no label outcome"),
        ('oms_orders_decided_total{outcome="storage_away"}', "oms_orders_decided_total has no outcome storage_away"),
        ('oms_http_requests_total{route="/orders"}', "oms_http_requests_total has no route /orders"),
        ('oms_announcements_total{outcome="gone"}', "oms_announcements_total has no outcome gone"),
        ("sum by (outcome) (rate(oms_http_requests_total[5m]))", "nothing to group by: outcome"),
        ("sum by (le) (rate(oms_placement_batch_orders_count[5m]))", "nothing to group by: le"),
    ],
)
def test_a_mistake_in_a_query_would_be_found(text: str, mistake: str) -> None:
    assert mistakes(Query("wrong", text)) == [mistake]


def test_the_dashboard_shows_every_metric() -> None:
    shown = {metric for query in dashboard_queries() for metric in query.metrics}
    shown = {re.sub(r"_(?:bucket|sum|count)$", "", metric) for metric in shown}
    assert shown == {"up", *(metric.name for metric in ALL_METRICS)}
