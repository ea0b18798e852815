"""The programs that check and run what is in deploy/, and the folder itself."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.services.plugin import do_without
from tests.services.wheels import ROOT

DEPLOY = ROOT / "deploy"
RUNNING_SECONDS = 60
# The Debian package of each program, and where a user's PATH may lack it.
PACKAGES = {
    "promtool": "prometheus",
    "prometheus": "prometheus",
    "haproxy": "haproxy",
    "nginx": "nginx-light",
    "systemd-analyze": "systemd",
}
PLACES = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"


def program(name: str) -> str:
    """Find a program; without it the test is skipped, or fails where CI=true."""
    found = shutil.which(name) or shutil.which(name, path=PLACES)
    return found or do_without(f"NOT CHECKED WITH {name}: it is missing (Debian: {PACKAGES[name]})")


def checked(name: str, *arguments: str | Path, folder: Path = ROOT) -> str:
    """Run a program that has to succeed, and give what it said."""
    return _run([program(name), *map(str, arguments)], folder)


def tools_python() -> Path:
    """The Python of the environment with Helm, hadolint and the schemas, which `make tools` fills."""
    folder = ROOT / ".venv" / "tools"
    if not (folder / ".installed").exists():
        do_without("CHART, COMPOSE FILE AND DOCKERFILE NOT CHECKED: the tools are missing; `make tools`")
    return folder / "bin" / "python"


def checked_by_tools(*command: str | Path, given: str = "") -> str:
    """Run a program of the tools' environment, by its name, or Python itself."""
    python = tools_python()
    name, *arguments = map(str, command)
    path = python if name == "python" else python.with_name(name)
    return _run([str(path), *arguments], ROOT, given=given)


def _run(command: Sequence[str], folder: Path, given: str = "") -> str:
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, timeout=RUNNING_SECONDS, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
