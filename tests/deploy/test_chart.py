"""The Helm chart: rendered by Helm itself, valid for Kubernetes, hardened, and of a piece with the program."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from oms_core.domain.metrics import QUEUED_ORDERS
from oms_core.settings.checks import variable
from oms_http.settings import HttpSettings
from tests.deploy.queries import ALERTS
from tests.deploy.tools import DEPLOY, checked_by_tools
from tests.services.wheels import ROOT

CHART = DEPLOY / "helm" / "orderkeep"
RENDER = ROOT / "tests" / "deploy" / "render_chart.py"
VERSIONS = ("1.25", "1.30", "1.34")
EVERYTHING: dict[str, Any] = {
    "image": {"repository": "registry.example/orderkeep", "tag": "0.1.0"},
    "imagePullSecrets": [{"name": "registry"}],
    "serve": {
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAffinity": {}},
    },
    "worker": {"autoscaling": {"enabled": True, "metricSelector": {"matchLabels": {"shop": "one"}}}},
    "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
    "serviceAccount": {"annotations": {"a": "b"}},
    "networkPolicy": {"ingressFrom": [{"namespaceSelector": {}}], "metricsFrom": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
    "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
}
NOTHING = {
    **{name: {"enabled": False} for name in ("migration", "audit", "networkPolicy")},
    "settings": {"OMS_AUTH": "off"},
}


@cache
def rendered(values: str) -> list[dict[str, Any]]:
    order = {"chart": str(CHART), "values": json.loads(values), "versions": VERSIONS}
    return list(json.loads(checked_by_tools("python", RENDER, given=json.dumps(order))))


def render(values: dict[str, Any]) -> list[dict[str, Any]]:
    return rendered(json.dumps(values))


def one(resources: list[dict[str, Any]], kind: str, end: str = "") -> dict[str, Any]:
    (found,) = (it for it in resources if it["kind"] == kind and it["metadata"]["name"].endswith(end))
    return found


def pods(resources: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for resource in resources:
        match resource:
            case {"kind": "Deployment" | "Job", "spec": spec}:
                yield spec["template"]
            case {"kind": "CronJob", "spec": {"jobTemplate": {"spec": spec}}}:
                yield spec["template"]


@pytest.mark.parametrize("values", [{}, EVERYTHING, NOTHING], ids=["defaults", "everything", "nothing"])
def test_helm_and_kubernetes_accept_it(values: dict[str, Any]) -> None:
    resources = render(values)
    names = [(resource["kind"], resource["metadata"]["name"]) for resource in resources]
    assert len(set(names)) == len(names)
    assert {kind for kind, _ in names} >= {"Deployment", "Service", "ConfigMap", "PodDisruptionBudget"}


@pytest.mark.parametrize(
    "values",
    [
        {"server": {"replicas": 3}},
        {"serve": {"replicas": 0}},
        {"settings": {"OMS_DATABASE_URL": "postgresql://oms:secret@db/oms"}},
        {"settings": {"DATABASE_URL": "x"}},
        {"worker": {"terminationGracePeriodSeconds": 10}},
        {"serve": {"podDisruptionBudget": {"maxUnavailable": 1, "minAvailable": 1}}},
    ],
    ids=json.dumps,
)
def test_values_that_make_no_sense_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match=r"values\.yaml: "):
        render(values)


def test_a_field_that_kubernetes_does_not_know_would_be_found() -> None:
    with pytest.raises(AssertionError, match="cpus"):
        render({"networkPolicy": {"ingressFrom": [{"podSelector": {"cpus": 1}}]}})


def test_every_default_is_in_the_schema() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())

    def compare(values: dict[str, Any], schema: dict[str, Any], path: str) -> None:
        if schema.get("additionalProperties") is False and path not in {".serve.resources", ".worker.resources"}:
            known = set(schema["properties"]) - {"global", "minAvailable", "claims"}
            assert values.keys() == known, path
        for name, value in values.items():
            if isinstance(value, dict) and "properties" in schema:
                compare(value, schema["properties"][name], f"{path}.{name}")

    compare(values, schema, "")


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_a_pod_may_do_little_beside_its_work(values: dict[str, Any]) -> None:
    found = list(pods(render(values)))
    assert len(found) == 4
    for pod in found:
        spec = pod["spec"]
        assert spec["enableServiceLinks"] is False
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = spec["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert not [entry for entry in container.get("env", []) if "secret" in json.dumps(entry).lower()]
        user = spec["securityContext"]["runAsUser"]
        assert f"USER {user}:{spec['securityContext']['runAsGroup']}\n" in (DEPLOY / "Dockerfile").read_text()


def test_the_schema_is_brought_up_before_anything_starts() -> None:
    job = one(render({}), "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    spec = job["spec"]["template"]["spec"]
    assert spec["containers"][0]["args"] == ["db", "upgrade"]
    # A hook runs before the release has anything of its own.
    assert "serviceAccountName" not in spec
    assert "envFrom" not in spec["containers"][0]


def test_the_probes_ask_what_there_is() -> None:
    (container,) = one(render({}), "Deployment", "serve")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    variables = {entry["name"]: entry["value"] for entry in container["env"]}
    assert variables["OMS_PORT"] == str(ports["http"])
    assert variables["OMS_METRICS_ADDRESS"].endswith(f":{ports['metrics']}")
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}, "a full process is alive"
    (worker,) = one(render({}), "Deployment", "worker")["spec"]["template"]["spec"]["containers"]
    assert worker["args"][-1].endswith(f":{worker['ports'][0]['containerPort']}")
    assert "readinessProbe" not in worker, "nobody sends it requests"


def test_a_stop_has_time_for_what_is_under_way() -> None:
    spec = one(render({}), "Deployment", "serve")["spec"]["template"]["spec"]
    (command, seconds) = spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert int(seconds) > 0
    assert spec["terminationGracePeriodSeconds"] >= int(seconds) + HttpSettings().http_stop_timeout_seconds + 30


def test_workers_are_counted_by_the_autoscaler_or_by_hand() -> None:
    by_hand, scaled = render({}), render(EVERYTHING)
    assert one(by_hand, "Deployment", "worker")["spec"]["replicas"] == 2
    assert "replicas" not in one(scaled, "Deployment", "worker")["spec"]
    assert not [resource for resource in by_hand if resource["kind"] == "HorizontalPodAutoscaler"]
    scaler = one(scaled, "HorizontalPodAutoscaler")["spec"]
    assert scaler["scaleTargetRef"]["name"] == one(scaled, "Deployment", "worker")["metadata"]["name"]
    (metric,) = scaler["metrics"]
    assert metric["external"]["metric"]["name"] == QUEUED_ORDERS.name


def test_selectors_find_the_pods_of_their_component_alone() -> None:
    resources = render(EVERYTHING)
    deployments = [resource for resource in resources if resource["kind"] == "Deployment"]
    labels = {it["metadata"]["name"]: it["spec"]["template"]["metadata"]["labels"] for it in deployments}

    def found(selector: dict[str, str]) -> list[str]:
        return [name for name, its in labels.items() if selector.items() <= its.items()]

    for deployment in deployments:
        assert found(deployment["spec"]["selector"]["matchLabels"]) == [deployment["metadata"]["name"]]
    assert found(one(resources, "Service")["spec"]["selector"]) == ["shop-orderkeep-serve"]
    for end in ("serve", "worker"):
        budget = one(resources, "PodDisruptionBudget", end)
        assert found(budget["spec"]["selector"]["matchLabels"]) == [f"shop-orderkeep-{end}"]
    assert len(found(one(resources, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"])) == 2


def test_metrics_get_the_labels_by_which_the_alerts_know_them() -> None:
    (endpoint,) = one(render(EVERYTHING), "PodMonitor")["spec"]["podMetricsEndpoints"]
    targets = {relabeling["targetLabel"]: relabeling for relabeling in endpoint["relabelings"]}
    assert targets.keys() == {"job", "role"}
    assert f'job="{targets["job"]["replacement"]}", role="serve"' in ALERTS.read_text()


def test_the_chart_is_of_this_release_and_its_settings_are_the_programs() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = (ROOT / "pyproject.toml").read_text()
    assert f'version = "{chart["appVersion"]}"' in project
    data = one(render({}), "ConfigMap")["data"]
    assert {name for name in data if name.endswith("_FILE")} == {
        f"{variable(name)}_FILE" for name in ("database_url", "queue_url", "rate_limit_url")
    }
    for template in (CHART / "templates").iterdir():
        assert "kind: Secret\n" not in template.read_text(), "passwords are the operator's"
