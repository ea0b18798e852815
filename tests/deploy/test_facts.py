"""Whatever a file of deploy/ repeats of the program is true: settings, commands, ports."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from oms_core.settings.checks import variable
from oms_core.settings.sources import installed_groups
from oms_http.settings import HttpSettings
from tests.cli.programs import Program
from tests.deploy.tools import DEPLOY
from tests.house.sources import committed_files, text_of

FILES = [path for path in committed_files() if path.parts[0] == "deploy" and path.suffix != ".lock"]
PAGES = [*FILES, Path("docs/deploying.md")]
SETTINGS = {variable(entry.name) for group in installed_groups() for entry in fields(group)}
NAMED = re.compile(r"\bOMS_[A-Z_]*[A-Z]\b")
# Commands as text, in units, comments, descriptions and pages; those of containers are lists.
WRITTEN = re.compile(r"(?:`|/opt/oms/bin/|-- )oms ([^`\n]+)")


def unknown(text: str) -> set[str]:
    """Name the variables that are no setting, and no file with a setting."""
    urls = {f"{name}_FILE" for name in SETTINGS if name.endswith("_URL")}
    return set(NAMED.findall(text)) - SETTINGS - urls


def written_commands() -> set[str]:
    return {command.strip() for path in PAGES for command in WRITTEN.findall(text_of(path))}


def listed_commands() -> list[list[str]]:
    """List what containers of the image run."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    of_compose = [its["command"] for its in services.values() if its["image"].startswith("orderkeep:")]
    image = json.loads(re.findall(r"^CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)[-1])
    return [*of_compose, image]


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_every_setting_that_a_file_names_is_there(path: Path) -> None:
    assert not unknown(text_of(path))


def test_a_setting_that_is_not_there_would_be_found() -> None:
    text = "OMS_PORT=1 OMS_QUEUE_URL_FILE=x OMS_PORT_FILE=y OMS_HTTP_DUCK: 3"
    assert unknown(text) == {"OMS_PORT_FILE", "OMS_HTTP_DUCK"}


def test_the_files_name_settings_and_commands() -> None:
    """A control: the patterns find what there is."""
    assert len({name for path in PAGES for name in NAMED.findall(text_of(path))}) > 8
    assert {"serve", "db upgrade", "queue status", "audit --actor audit"} <= written_commands()
    assert ["serve"] in listed_commands()


@pytest.mark.parametrize("command", sorted(written_commands()))
def test_every_command_that_a_file_names_is_there(command: str, tmp_path: Path) -> None:
    assert is_command(shlex.split(command), tmp_path)


@pytest.mark.parametrize("command", listed_commands(), ids=" ".join)
def test_every_command_that_a_container_runs_is_there(command: list[str], tmp_path: Path) -> None:
    assert is_command(command, tmp_path)


def is_command(words: list[str], folder: Path) -> bool:
    """Ask the program for help on a command with its options: it reads these before it answers."""
    return Program(folder=folder, database_url="memory://").run(*words, "--help").returncode == 0


def test_a_command_that_is_not_there_would_be_found(tmp_path: Path) -> None:
    for words in (["server"], ["worker", "--process", "2"], ["db", "up"]):
        assert not is_command(words, tmp_path)


def test_the_ports_are_the_programs() -> None:
    port = HttpSettings().port
    assert f"EXPOSE {port}\n" in (DEPLOY / "Dockerfile").read_text()
    assert f"127.0.0.1:{port};" not in (DEPLOY / "haproxy" / "haproxy.cfg").read_text()
    for path in ("nginx/oms.conf", "haproxy/haproxy.cfg", "compose.yaml"):
        assert f"127.0.0.1:{port}" in (DEPLOY / path).read_text()
    assert f"OMS_PORT={port}\n" in (DEPLOY / "systemd" / "oms.env").read_text()


def test_a_balancer_hears_of_a_stop_before_the_port_closes() -> None:
    """haproxy takes a process out after `fall` failures, a check each `inter`."""
    check = re.search(r"check inter (\d+)s fall (\d+)", (DEPLOY / "haproxy" / "haproxy.cfg").read_text())
    assert check
    notices_in = int(check[1]) * int(check[2])
    announced = re.search(
        r"^OMS_HTTP_LAME_DUCK_SECONDS=(\d+)$", (DEPLOY / "systemd" / "oms.env").read_text(), re.MULTILINE
    )
    assert announced
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["serve"]["environment"]
    assert int(announced[1]) == int(composed["OMS_HTTP_LAME_DUCK_SECONDS"]) > notices_in
    stop = int(announced[1]) + HttpSettings().http_stop_timeout_seconds + 5
    unit = (DEPLOY / "systemd" / "oms-serve.service").read_text()
    assert int(re.findall(r"^TimeoutStopSec=(\d+)$", unit, re.MULTILINE)[0]) > stop
