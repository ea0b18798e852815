"""The Compose file: valid, hardened, and started in an order in which each finds what it needs."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from oms_core.settings import Settings
from oms_http.settings import HttpSettings
from tests.deploy.tools import DEPLOY, checked_by_tools

FILE = DEPLOY / "compose.yaml"
COMPOSE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {"migrate", "serve", "worker", "admin"}
# The Compose specification, read from JSON: its parser knows no merge keys of YAML.
PARSE = "import sys, compose_spec; c = compose_spec.PyCompose.from_json(sys.stdin.read()); c.validate(); c.to_spec()"


def parse(document: object) -> None:
    checked_by_tools("python", "-c", PARSE, given=json.dumps(document))


def test_it_is_a_compose_file() -> None:
    parse(COMPOSE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("services", "serve", "secrets"), ["nobody_has_it"]),
        (("services", "serve", "tempfs"), ["/tmp"]),
        (("services", "redis", "healthcheck", "interval"), "often"),
    ],
    ids=".".join,
)
def test_a_mistake_in_it_would_be_found(path: tuple[str, ...], value: object) -> None:
    document = json.loads(json.dumps(COMPOSE))
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(AssertionError):
        parse(document)


@pytest.mark.parametrize("name", SERVICES)
def test_a_container_may_do_little_beside_its_work(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert re.search(r":[\w.-]+$", service["image"]), "which release?"


def test_nothing_is_offered_to_other_machines() -> None:
    for service in SERVICES.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert COMPOSE["networks"]["inside"]["internal"]
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"serve", "grafana"}


def test_no_password_stands_in_the_file() -> None:
    assert not re.findall(r"(?i)(?:password|secret|token)\w*: *(?!/run/secrets/|\{|\[)\S+", FILE.read_text())
    assert not re.findall(r"://[^/\s]*:[^/\s]*@", FILE.read_text())


def test_whoever_depends_on_a_service_waits_until_it_can_be_asked() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            done = other == "migrate"
            assert how["condition"] == ("service_completed_successfully" if done else "service_healthy"), name
            assert done or other == "serve" or SERVICES[other]["healthcheck"]["test"]
    assert SERVICES["serve"]["depends_on"].keys() == {"migrate", "rabbitmq", "redis"}
    assert SERVICES["worker"]["depends_on"].keys() == {"migrate", "rabbitmq"}
    assert SERVICES["migrate"]["depends_on"].keys() == {"postgres"}


def test_a_stop_has_time_for_what_is_under_way() -> None:
    assert int(SERVICES["serve"]["stop_grace_period"].rstrip("s")) >= HttpSettings().http_stop_timeout_seconds + 30
    assert int(SERVICES["worker"]["stop_grace_period"].rstrip("s")) > 30


def test_the_files_that_it_names_are_there() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).is_dir() if source.startswith(".") else source in COMPOSE["volumes"]
    assert (FILE.parent / SERVICES["serve"]["build"]["context"] / SERVICES["serve"]["build"]["dockerfile"]).exists()


def test_what_is_scraped_is_what_is_served() -> None:
    prometheus = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    targets = {target for group in prometheus["scrape_configs"][0]["static_configs"] for target in group["targets"]}
    serve_port = SERVICES["serve"]["environment"]["OMS_METRICS_ADDRESS"].rpartition(":")[2]
    worker_port = SERVICES["worker"]["command"][-1].rpartition(":")[2]
    assert targets == {f"serve:{serve_port}", f"worker:{worker_port}"}
    assert f":{worker_port}/metrics" in SERVICES["worker"]["healthcheck"]["test"][-1]


def test_the_passwords_are_made_once_and_fit_together(tmp_path: Path) -> None:
    script = tmp_path / "secrets.sh"
    script.write_text((DEPLOY / "secrets.sh").read_text())
    folder = tmp_path / "secrets"
    made = []
    for _ in range(2):
        subprocess.run(["sh", script], check=True)
        made.append({path.name: path.read_text().strip() for path in folder.iterdir()})
    first, again = made
    assert first == again, "made again, they would lock everybody out"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()} == first.keys() - {"broker_password"}
    settings = Settings(database_url=first["database_url"], queue_url=first["queue_url"])
    assert f":{first['database_password']}@postgres:" in settings.database_url
    assert f":{first['broker_password']}@rabbitmq:" in settings.queue_url
    assert f"default_pass = {first['broker_password']}" in first["rabbitmq_conf"]
    assert len(first["database_password"]) == 48
