"""Virtual environments that hold what an install line of a page brings, and nothing else."""

from __future__ import annotations

import hashlib
import shlex
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.services.run import Run
from tests.services.wheels import ROOT

WHEEL_ON_THE_PAGES = "file:///srv/wheels/orderkeep-0.1.0-py3-none-any.whl"
LOCK = Path(__file__).parent / "programs.lock"
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


class NotDownloadedError(Exception):
    """The locked packages cannot be had."""


def fill_wheelhouse(folder: Path) -> str:
    """Download every package that the pages' programs may need, as it is locked."""
    options = ["--only-binary", ":all:", "--require-hashes", "--requirement", str(LOCK), "--dest", str(folder)]
    done = subprocess.run([*PIP, "download", *options], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotDownloadedError(done.stderr.strip()[-300:])
    return str(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Environments:
    """Makes environments, each once for a run, from this checkout's wheel and the wheelhouse; no index is asked."""

    run: Run
    wheel: Path
    wheelhouse: Path

    def of(self, lines: tuple[str, ...]) -> Path:
        """Return the environment of these install lines; its Python is at bin/python."""
        name = "venv-" + hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
        return Path(self.run.once(name, lambda: self._create(self.run.new_folder(name), lines)))

    def install(self, environment: Path, line: str, *, folder: Path) -> None:
        """Do what an install line says, in a folder."""
        pip, verb, *wanted = shlex.split(line.replace(WHEEL_ON_THE_PAGES, self.wheel.as_uri()))
        assert (pip, verb) == ("pip", "install")
        command = [*PIP, "--python", str(environment / "bin" / "python"), "install", "--no-index"]
        command += ["--find-links", str(self.wheelhouse), *wanted]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stderr}"

    def _create(self, folder: Path, lines: tuple[str, ...]) -> str:
        environment = folder / "environment"
        venv.create(environment, symlinks=True, with_pip=False)
        for line in lines:
            self.install(environment, line, folder=ROOT)
        return str(environment)
