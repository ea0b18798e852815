"""`make audit`: a known vulnerability fails it, and a service that knows of none gives no clean bill."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.services.wheels import ROOT

AUDIT = ROOT / ".ci" / "audit"
BROKEN = ['echo "ConnectionError: pypi.org" >&2; exit 1', 'echo "none found"; exit 0']
KNOWS = 'case "$*" in *requirements.lock*) {lock};; *) echo "jinja2 2.4.1 PYSEC-2014-8"; exit 1;; esac'


def audit(folder: Path, pip_audit: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a folder of its own, with a pip-audit that behaves as it is told, on a laptop unless told."""
    for name in (".ci/audit", ".ci/audit.lock"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    program = folder / ".venv" / "audit" / "bin" / "pip-audit"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\n{pip_audit}\n")
    program.chmod(0o755)
    (folder / ".venv" / "audit" / ".installed").touch()
    kept = {name: value for name, value in os.environ.items() if name not in {"CI", "ADVISORIES_OFFLINE"}}
    command = [folder / ".ci" / "audit"]
    return subprocess.run(command, env=kept | variables, capture_output=True, text=True, check=False)


def test_a_lock_without_known_vulnerabilities_passes(tmp_path: Path) -> None:
    ran = audit(tmp_path, KNOWS.format(lock='echo "none found"; exit 0'))
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "none found\n", "")


def test_a_known_vulnerability_fails(tmp_path: Path) -> None:
    ran = audit(tmp_path, KNOWS.format(lock='echo "flask 3.1.3 CVE-2099-1"; exit 1'))
    assert ran.returncode == 1
    assert "CVE-2099-1" in ran.stdout


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize(
    ("variables", "code"),
    [({}, 0), ({"CI": "true"}, 1), ({"CI": "true", "ADVISORIES_OFFLINE": "1"}, 0), ({"ADVISORIES_OFFLINE": "1"}, 0)],
)
def test_a_service_that_is_away_or_knows_nothing_is_told_loudly_and_fails_ci(
    tmp_path: Path, broken: str, variables: dict[str, str], code: int
) -> None:
    ran = audit(tmp_path, broken, **variables)
    assert ran.returncode == code
    assert "!!! NOT AUDITED" in ran.stderr
    assert "none found" not in ran.stdout


def test_being_offline_excuses_no_known_vulnerability(tmp_path: Path) -> None:
    known = KNOWS.format(lock='echo "flask 3.1.3 CVE-2099-1"; exit 1')
    assert audit(tmp_path, known, CI="true", ADVISORIES_OFFLINE="1").returncode == 1


@pytest.mark.parametrize(("answer", "code"), [('"id":"PYSEC-2014-8"', 0), ('"vulnerabilities":[]', 1), ("", 1)])
def test_looking_for_advisories_finds_whether_there_are_any(tmp_path: Path, answer: str, code: int) -> None:
    curl = tmp_path / "curl"
    curl.write_text(f"#!/bin/sh\nprintf '%s' '{answer}'\n")
    curl.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    assert subprocess.run([AUDIT, "--look"], env=os.environ | {"PATH": path}, check=False).returncode == code


def test_only_who_looked_in_vain_is_excused() -> None:
    text = (ROOT / ".ci" / "run").read_text()
    assert re.findall(r"^.*ADVISORIES_OFFLINE.*?(?=  #)", text, re.MULTILINE) == [
        ".ci/audit --look || export ADVISORIES_OFFLINE=1"
    ]


def test_the_check_of_everything_audits() -> None:
    assert "step audit make audit\n" in (ROOT / ".ci" / "run").read_text()
