"""Blocks of a page pasted into a shell, as a person would: interactively, line by line, in bash and in zsh."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.services.plugin import do_without

# -f and --norc: nobody's own settings. Interactive zsh has no # comments and runs backticks; both expand ! and globs.
SHELLS: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
SECONDS = 60


def paste(shell: str, text: str, *, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Paste a block into a new interactive shell, which ends at the first command that fails."""
    return subprocess.run(
        _command(shell),
        input=_pasted(text),
        cwd=folder,
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        start_new_session=True,  # An interactive shell must not take the terminal of who runs the tests.
        check=False,
    )


@contextmanager
def pasted_server(shell: str, text: str, *, folder: Path, environment: Mapping[str, str]) -> Iterator[Path]:
    """Paste a block whose last command goes on until the block of `with` ends; give the file of its output."""
    log = folder / f"{shell}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            _command(shell),
            cwd=folder,
            env=_environment(environment),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
    assert process.stdin is not None
    process.stdin.write(_pasted(text))
    process.stdin.flush()
    try:
        yield log
    finally:
        for child in psutil.Process(process.pid).children():
            child.terminate()
        process.communicate(timeout=SECONDS)


def _command(shell: str) -> tuple[str, ...]:
    command = SHELLS[shell]
    if shutil.which(command[0]) is None:
        do_without(f"BLOCKS OF THE PAGES NOT RUN IN {shell}: it is not installed")
    return command


def _pasted(text: str) -> str:
    return f"set -eo pipefail\n{text}"


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Add no prompt and no history."""
    return {**given, "PS1": "", "PS2": "", "HISTFILE": ""}
