"""Newman runs the Postman collection, as it is, twice in a row against the service that `make run` starts."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from oms_core import Oms, Settings
from oms_http.app import create_app
from tests.system.made_run import ROOT, MadeRun, made_run

COLLECTION = ROOT / "postman" / "oms.postman_collection.json"
ENVIRONMENT = ROOT / "postman" / "local.postman_environment.json"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeRun]:
    with made_run(tmp_path_factory.mktemp("postman")) as running:
        yield running


def requests() -> list[dict[str, Any]]:
    folders = json.loads(COLLECTION.read_text())["item"]
    return [entry for folder in folders for entry in folder["item"]]


def test_the_collection_passes_twice_in_a_row(newman: Path, service: MadeRun, tmp_path: Path) -> None:
    for attempt in ("first", "second"):
        report = tmp_path / f"{attempt}.json"
        result = subprocess.run(
            [
                *(newman, "run", COLLECTION, "--environment", ENVIRONMENT, "--env-var", f"base_url={service.url}"),
                *("--reporters", "cli,json", "--reporter-json-export", report, "--color", "off"),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout
        ran = json.loads(report.read_text())["run"]["stats"]
        assert ran["requests"]["total"] == len(requests())
        assert ran["assertions"]["total"] > len(requests())


def test_every_route_is_in_the_collection() -> None:
    with Oms.open(Settings(database_url="memory://")) as oms:
        routes = {
            (method, re.sub(r"<[^>]+>", "*", rule.rule).rstrip("/") or "/")
            for rule in create_app(oms).url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
            if "path:" not in rule.rule
        }
    called = {(entry["request"]["method"], called_path(entry)) for entry in requests()}
    missing = {route for route in routes if not any(matches(route, call) for call in called)}
    assert not missing


def called_path(entry: dict[str, Any]) -> str:
    return "/" + "/".join(entry["request"]["url"]["path"]).rstrip("/")


def matches(route: tuple[str, str], call: tuple[str, str]) -> bool:
    pattern = re.escape(route[1]).replace(r"\*", "[^/]+")
    return route[0] == call[0] and re.fullmatch(pattern, call[1]) is not None


def test_every_request_has_tests_on_its_answer() -> None:
    for entry in requests():
        scripts = [event["script"]["exec"] for event in entry["event"] if event["listen"] == "test"]
        assert any("pm.test" in line for script in scripts for line in script), entry["name"]
