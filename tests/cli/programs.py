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
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol

from tests.cli.fork_server import FORKED, fork_server

OMS = Path(sys.executable).with_name("oms")
ENDING_SECONDS = 30
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Process(Protocol):
    """A program that was started."""

    def wait(self, timeout: float, /) -> int:
        """Wait for its end and give its exit status, negative for a signal."""
        ...


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
        with ExitStack() as ending:
            ends = [_pipe(ending) for _ in range(3)]
            (stdin, typed), (out, stdout), (err, stderr) = ends
            process = self._start(args, self.environment, [stdin, stdout, stderr])
            for stream in (stdin, stdout, stderr):
                stream.close()
            reading = ending.enter_context(ThreadPoolExecutor(len(ends)))
            read = [reading.submit(stream.read) for stream in (out, err)]
            reading.submit(_write_all, typed, given)
            code = process.wait(ENDING_SECONDS)
            return subprocess.CompletedProcess([OMS, *args], code, *(each.result().decode() for each in read))

    def see(self, *args: str, columns: int = 100, typed: bytes = b"") -> Seen:
        """Run a command on a terminal of so many columns, and type something there."""
        controller, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        with os.fdopen(controller, "r+b", buffering=0):
            with os.fdopen(terminal, "r+b", buffering=0) as stream:
                process = self._start(args, {"TERM": "xterm-256color", **self.environment}, [stream] * 3)
            os.write(controller, typed)
            screen = _read_to_end(controller)
            return Seen(process.wait(ENDING_SECONDS), screen)

    def _start(self, args: Sequence[str], environment: Mapping[str, str], streams: Sequence[IO[bytes]]) -> Process:
        """Start the program in a session of its own: forked, unless an interpreter of its own is the point."""
        if all(map(FORKED.fullmatch, self.variables)):
            return fork_server().start(args, self.folder, environment, [stream.fileno() for stream in streams])
        stdin, stdout, stderr = streams
        return subprocess.Popen(
            [OMS, *args],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            cwd=self.folder,
            env=environment,
            start_new_session=True,
        )


def _pipe(ending: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    reading, writing = os.pipe()
    return ending.enter_context(os.fdopen(reading, "rb")), ending.enter_context(os.fdopen(writing, "wb"))


def _write_all(stream: IO[bytes], given: bytes) -> None:
    with suppress(BrokenPipeError), stream:
        stream.write(given)


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
