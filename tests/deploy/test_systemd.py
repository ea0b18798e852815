"""The units of systemd: valid, hardened, and of a piece with the program that they start."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from oms_http.settings import HttpSettings
from tests.cli.programs import OMS
from tests.deploy.tools import DEPLOY, checked

FOLDER = DEPLOY / "systemd"
UNITS = sorted(path.name for path in FOLDER.glob("oms-*"))
SERVICES = [name for name in UNITS if name.endswith(".service")]
INSTALLED = "/opt/oms/bin/oms"
# `systemd-analyze security` gives 9.6 to a service without any of this, and calls less than 2 "OK".
EXPOSURE_MAX = 1.5


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The units, starting the program of this checkout: the one that they name has to exist."""
    for name in UNITS:
        (tmp_path / name).write_text((FOLDER / name).read_text().replace(INSTALLED, str(OMS)))
    return tmp_path


def text(name: str) -> str:
    return (FOLDER / name).read_text()


def value(name: str, key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.*)$", text(name), re.MULTILINE)
    return str(found)


def test_there_is_a_unit_for_each_thing_to_run() -> None:
    assert UNITS == [
        "oms-audit.service",
        "oms-audit.timer",
        "oms-migrate.service",
        "oms-serve.service",
        "oms-worker.service",
    ]


@pytest.mark.parametrize("name", UNITS)
def test_systemd_has_nothing_to_say_against_a_unit(name: str, here: Path) -> None:
    assert not checked("systemd-analyze", "verify", here / name)


def test_a_mistake_in_a_unit_would_be_found(here: Path) -> None:
    wrong = (here / "oms-serve.service").read_text().replace("KillMode=mixed", "KillMode=kind\nPrivateTemp=yes")
    (here / "oms-serve.service").write_text(wrong)
    said = checked("systemd-analyze", "verify", here / "oms-serve.service")
    assert "PrivateTemp" in said
    assert "kind" in said


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little_beside_its_work(name: str) -> None:
    said = checked(
        "systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}", FOLDER / name
    )
    (exposure,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", said)
    assert 0 < float(exposure) <= EXPOSURE_MAX


@pytest.mark.parametrize("name", SERVICES)
def test_all_services_are_hardened_alike(name: str) -> None:
    def hardening(of: str) -> str:
        return re.search(r"^DynamicUser=.*?UMask=\S+$", text(of), re.MULTILINE | re.DOTALL)[0]  # type: ignore[index]

    assert hardening(name) == hardening("oms-serve.service")


def test_the_schema_comes_first() -> None:
    for name in ("oms-serve.service", "oms-worker.service"):
        assert value(name, "Requires") == "oms-migrate.service"
        assert "oms-migrate.service" in value(name, "After").split()


def test_a_stop_has_time_for_what_is_under_way() -> None:
    """The slowest stop of the service, as it is set by default."""
    settings = HttpSettings()
    assert float(value("oms-serve.service", "TimeoutStopSec")) >= settings.http_stop_timeout_seconds + 30
    assert float(value("oms-worker.service", "TimeoutStopSec")) > 30
