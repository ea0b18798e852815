"""The project's wheel and a virtual environment that holds nothing else, as its users will have them."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build_wheel(folder: Path) -> str:
    """Build the wheel with the locked hatchling, without isolation or network; give its path."""
    _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (wheel,) = folder.glob("*.whl")
    return str(wheel)


def create_bare_environment(folder: Path, wheel: Path) -> str:
    """Create a virtual environment with the wheel and nothing else, not even pip; give its folder."""
    environment = folder / "environment"
    venv.create(environment, symlinks=True, with_pip=False)
    python = str(environment / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    _run(*pip, "install", "--no-index", "--no-deps", str(wheel))
    return str(environment)


def _run(*command: str) -> None:
    """Run a command in the project's folder; a failure says what the command said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
