"""The program `oms` in a process of its own: through pipes, and on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

OMS = Path(sys.executable).with_name("oms")
ENDING_SECONDS = 30
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person saw of a program on a terminal: `screen` has the escape sequences in it, `text` has not."""

    code: int
    screen: str

    @property
    def text(self) -> str:
        """What was printed."""
        return ESCAPE.sub("", self.screen).replace("\r\n", "\n")

    @property
    def colours(self) -> list[str]:
        """The escape sequences that set a colour or a style."""
        return [found for found in ESCAPE.findall(self.screen) if found.endswith("m")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Starts `oms` in one folder, with nothing of the developer's own settings."""

    folder: Path
    database_url: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def under(self, **variables: str) -> Program:
        """Give the same program under further environment variables."""
        return replace(self, variables={**self.variables, **variables})

    @property
    def environment(self) -> dict[str, str]:
        """Ours without what steers the program, and what was given."""
        steering = (
            "OMS_",
            "NO_COLOR",
            "FORCE_COLOR",
            "COLUMNS",
            "TERM",
            "LANG",
            "LC_",
            "PYTHONUTF8",
            "PYTHONIO",
            "CI",
            "TTY_",
        )
        kept = {name: value for name, value in os.environ.items() if not name.startswith(steering)}
        return {**kept, "LANG": "C.UTF-8", "OMS_DATABASE_URL": self.database_url, **self.variables}

    def run(self, *args: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run a command with pipes for stdin, stdout and stderr; they are UTF-8."""
        ran = subprocess.run(
            [OMS, *args],
            input=given,
            capture_output=True,
            cwd=self.folder,
            env=self.environment,
            timeout=ENDING_SECONDS,
            check=False,
        )
        return subprocess.CompletedProcess(ran.args, ran.returncode, ran.stdout.decode(), ran.stderr.decode())

    def see(self, *args: str, columns: int = 100, typed: bytes = b"") -> Seen:
        """Run a command on a terminal of so many columns, and type something there."""
        environment = {"TERM": "xterm-256color", **self.environment}
        return see_on_terminal([str(OMS), *args], self.folder, environment, columns, typed)


def see_on_terminal(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], columns: int, typed: bytes
) -> Seen:
    """Run a command with a terminal for all three streams."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=folder, env=environment, start_new_session=True
    )
    os.close(terminal)
    os.write(controller, typed)
    try:
        screen = _read_to_end(controller)
        return Seen(process.wait(ENDING_SECONDS), screen)
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def _read_to_end(controller: int) -> str:
    deadline = time.monotonic() + ENDING_SECONDS
    pieces = []
    while select.select([controller], [], [], max(0.0, deadline - time.monotonic()))[0]:
        try:
            piece = os.read(controller, 65_536)
        except OSError:  # Linux says so that the last process has closed the terminal.
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces).decode()
