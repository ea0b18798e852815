"""What others build on: an environment that holds the wheel and not one package more."""

from __future__ import annotations

import subprocess
from pathlib import Path


def test_the_bare_environment_holds_the_wheel_alone(bare_venv: Path) -> None:
    listing = "import importlib.metadata as m; print(sorted(d.name for d in m.distributions()))"
    python = bare_venv / "bin" / "python"
    done = subprocess.run([python, "-I", "-c", listing], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['oms']"
