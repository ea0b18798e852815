"""The PromQL of deploy/: where it stands, and which metrics, labels and values it names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from tests.deploy.tools import DEPLOY

DASHBOARD = DEPLOY / "grafana" / "dashboards" / "oms.json"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"

SELECTOR = re.compile(r"\b(oms_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Query:
    """One expression: `name` says whose."""

    name: str
    text: str

    @property
    def metrics(self) -> list[str]:
        return [name for name, _ in SELECTOR.findall(self.text)]

    @property
    def values(self) -> Iterator[tuple[str, str, str]]:
        """Give the metric, the label and each value that a matcher names."""
        for metric, matchers in SELECTOR.findall(self.text):
            for label, values in MATCHER.findall(matchers):
                for value in values.split("|"):
                    yield metric, label, value

    @property
    def groupings(self) -> set[str]:
        """Name the labels by which it sums."""
        return {label.strip() for labels in GROUPING.findall(self.text) for label in labels.split(",")}


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    """List the panels that show something."""
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def alert_queries() -> list[Query]:
    return [Query(rule["alert"], rule["expr"]) for rule in alerts()]


def dashboard_queries() -> list[Query]:
    """List the dashboard's queries as Grafana would send them, over so long a time."""
    return [
        Query(f"{panel['title']} {target['refId']}", target["expr"].replace("$__rate_interval", "1m"))
        for panel in panels()
        for target in panel["targets"]
    ]
