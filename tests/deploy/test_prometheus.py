"""Prometheus's own tool accepts the scrape configuration, the alerts and the dashboard's queries."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.deploy.queries import DASHBOARD, alert_queries, alerts, dashboard_queries, panels
from tests.deploy.tools import DEPLOY, checked
from tests.services.wheels import ROOT

ALERT_TESTS = Path(__file__).with_name("alerts_test.yml")


def test_the_scrape_configuration_and_the_alerts_are_valid() -> None:
    assert "SUCCESS" in checked("promtool", "check", "config", DEPLOY / "prometheus" / "prometheus.yml")


def test_each_alert_fires_when_it_should_and_only_then() -> None:
    assert "SUCCESS" in checked("promtool", "test", "rules", ALERT_TESTS)


def test_an_alert_that_never_fires_would_be_found(tmp_path: Path) -> None:
    rules = (DEPLOY / "prometheus" / "alerts.yml").read_text()
    assert "max(oms_queue_workers) == 0" in rules
    (tmp_path / "alerts.yml").write_text(rules.replace("max(oms_queue_workers) == 0", "max(oms_queue_workers) < 0"))
    (tmp_path / "test.yml").write_text(
        ALERT_TESTS.read_text().replace("../../deploy/prometheus/alerts.yml", "alerts.yml")
    )
    with pytest.raises(AssertionError, match="OmsNoWorkers"):
        checked("promtool", "test", "rules", tmp_path / "test.yml")


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = [case for test in yaml.safe_load(ALERT_TESTS.read_text())["tests"] for case in test["alert_rule_test"]]
    names = [rule["alert"] for rule in alerts()]
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(names)
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == set(names)
    assert len(names) == len(set(names))


def test_every_alert_says_how_urgent_it_is_and_what_to_do() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description"}
        for page in re.findall(r"docs/\w+\.md", rule["annotations"]["description"]):
            assert (ROOT / page).exists()


def test_the_dashboards_queries_are_promql(tmp_path: Path) -> None:
    rules = [{"record": f"query:{number}", "expr": query.text} for number, query in enumerate(dashboard_queries())]
    assert len(rules) > 10
    path = tmp_path / "dashboard.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in checked("promtool", "check", "rules", path)


def test_every_panel_has_a_place_and_a_source_of_its_own() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    assert len(set(places)) == len(places)
    (variable,) = dashboard["templating"]["list"]
    for panel in panels():
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for part in (panel, *panel["targets"]):
            assert part["datasource"] == {"type": "prometheus", "uid": f"${{{variable['name']}}}"}


def test_what_is_worth_an_alert_stands_on_the_dashboard() -> None:
    shown = {metric.removesuffix("_bucket") for query in dashboard_queries() for metric in query.metrics}
    alerted = {metric.removesuffix("_bucket") for query in alert_queries() for metric in query.metrics}
    assert alerted <= shown
