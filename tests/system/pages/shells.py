"""Blocks of a page pasted into a shell, as a person would: interactively, line by line, in bash and in zsh."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.services.plugin import do_without

# -f and --norc: nobody's own settings. Interactive zsh has no # comments and runs backticks; both expand ! and globs.
SHELLS: Mapping[str, tuple[str, ...]] = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
}
SECONDS = 60


def paste(shell: str, text: str, *, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Paste a block into a new interactive shell, which ends at the first command that fails."""
    command = SHELLS[shell]
    if shutil.which(command[0]) is None:
        do_without(f"BLOCKS OF THE PAGES NOT RUN IN {shell}: it is not installed")
    return subprocess.run(
        command,
        input=f"set -eo pipefail\n{text}",
        cwd=folder,
        env={**environment, "PS1": "", "PS2": "", "HISTFILE": ""},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        start_new_session=True,  # An interactive shell must not take the terminal of who runs the tests.
        check=False,
    )
