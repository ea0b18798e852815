"""Somebody else's adapter plugs in by being installed: its wheel is built, opened by URL, and keeps the contract."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from oms_contracts.storage_contract import StorageContract

SOURCE = Path(__file__).parent / "other_adapter"
PASSED = re.compile(r"^(\d+) passed, (\d+) skipped in ", re.MULTILINE)
# A line of the contract in somebody else's report tells that it was run.
RACE = "test_sixteen_buyers_of_five_hundred_units_get_exactly_five_hundred PASSED"


def run(*command: str | Path, folder: Path) -> str:
    """Run a command, with none of pytest's plugins but those that it names; a failure says what the command said."""
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def environment(wheel: Path, tmp_path: Path) -> Path:
    """A virtual environment with both wheels, and pytest borrowed from ours; its Python is at bin/python."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", folder=SOURCE)
    (other_wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "environment", symlinks=True, with_pip=False)
    python = tmp_path / "environment" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", "--no-deps", str(wheel), str(other_wheel), folder=tmp_path)
    packages = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=tmp_path)
    Path(packages.strip(), "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    return tmp_path / "environment"


def test_somebody_elses_adapter_is_opened_by_url_and_keeps_every_promise(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "check_contract.py").write_text((SOURCE / "check_contract.py").read_text(encoding="utf-8"))
    python = environment / "bin" / "python"
    report = run(python, "-I", "-m", "pytest", "-v", "-p", "no:cacheprovider", "check_contract.py", folder=tmp_path)
    promises = len([name for name in dir(StorageContract) if name.startswith("test_")])
    passed = PASSED.search(report.splitlines()[-1].strip("= "))
    assert passed, report
    assert int(passed[1]) + int(passed[2]) > promises
    assert int(passed[1]) > 0.8 * promises
    assert RACE in report
