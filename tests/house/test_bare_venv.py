"""What others build on: an environment that holds the wheel and not one package more."""

from __future__ import annotations

import subprocess
from pathlib import Path


def test_the_bare_environment_holds_the_wheel_alone(bare_venv: Path) -> None:
    listing = "import importlib.metadata as m; print(sorted(d.name for d in m.distributions()))"
    python = bare_venv / "bin" / "python"
    done = subprocess.run([python, "-I", "-c", listing], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['orderkeep']"


def test_the_program_says_which_extra_it_needs(bare_venv: Path) -> None:
    done = subprocess.run([bare_venv / "bin" / "oms"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: invalid_setting: oms needs typer; install orderkeep with the extra 'cli'\n"
