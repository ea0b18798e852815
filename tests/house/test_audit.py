"""`make audit`: a known vulnerability fails it, and a service that knows of none gives no clean bill."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services.wheels import ROOT

AUDIT = ROOT / ".ci" / "audit"
KNOWS = 'case "$*" in *requirements.lock*) {lock};; *) echo "jinja2 2.4.1 PYSEC-2014-8"; exit 1;; esac'


def audit(folder: Path, pip_audit: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a folder of its own, with a pip-audit that behaves as it is told."""
    for name in (".ci/audit", ".ci/audit.lock"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    program = folder / ".venv" / "audit" / "bin" / "pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{pip_audit}\n")
    program.chmod(0o755)
    (folder / ".venv" / "audit" / ".installed").touch()
    return subprocess.run([folder / ".ci" / "audit"], capture_output=True, text=True, check=False)


def test_a_lock_without_known_vulnerabilities_passes(tmp_path: Path) -> None:
    ran = audit(tmp_path, KNOWS.format(lock='echo "none found"; exit 0'))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "none found\n", "")


def test_a_known_vulnerability_fails(tmp_path: Path) -> None:
    ran = audit(tmp_path, KNOWS.format(lock='echo "flask 3.1.3 CVE-2099-1"; exit 1'))
    assert ran.returncode == 1
    assert "CVE-2099-1" in ran.stdout


@pytest.mark.parametrize("broken", ['echo "ConnectionError: pypi.org" >&2; exit 1', 'echo "none found"; exit 0'])
def test_a_service_that_is_away_or_knows_nothing_is_told_loudly(tmp_path: Path, broken: str) -> None:
    ran = audit(tmp_path, broken)
    assert ran.returncode == 0
    assert "!!! NOT AUDITED" in ran.stderr
    assert "none found" not in ran.stdout


def test_the_check_of_everything_audits() -> None:
    assert "step audit make audit\n" in (ROOT / ".ci" / "run").read_text()
