"""A process that has imported `oms` already and forks it for each run: a program starts in 20 ms instead of 500.

What is forked ends as any program ends, by the interpreter's own finalisation, and has the streams, the environment and
the folder that the test gives it. What an interpreter reads before it runs a program cannot be given to it (PYTHON*,
locales); `FORKED` says what can.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FORKED = re.compile(r"OMS_\w+|TERM|COLUMNS|NO_COLOR|_OMS_COMPLETE|_TYPER_COMPLETE\w*|COMP_\w+")
_BACKLOG = 64
_STREAMS = 3
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Forked:
    """A program that the server has forked; `wait` gives its exit status, negative for a signal, as subprocess does."""

    pid: int
    keeper: socket.socket

    def wait(self, timeout_seconds: float) -> int:
        """Wait for its end; one that does not end is killed. Raises subprocess.TimeoutExpired."""
        self.keeper.settimeout(timeout_seconds)
        try:
            with self.keeper:
                return int(_received(self.keeper))
        except TimeoutError as error:
            os.kill(self.pid, signal.SIGKILL)
            raise subprocess.TimeoutExpired("oms", timeout_seconds) from error


class ForkServer:
    """The test's end. The server ends with the process that started it."""

    def __init__(self) -> None:
        self._address = str(Path(tempfile.mkdtemp(prefix="oms-fork-")) / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._address)
            listener.listen(_BACKLOG)
            self._leash, end = os.pipe()[::-1]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.fork_server", str(listener.fileno())],
                stdin=end,
                pass_fds=[listener.fileno()],
                cwd=Path(__file__).parents[2],
                start_new_session=True,  # Ctrl-C is for the tests, which then let it go.
            )
            os.close(end)

    def start(
        self, args: Sequence[str], folder: Path, environment: Mapping[str, str], streams: Sequence[int]
    ) -> Forked:
        """Run `oms` with these arguments; `streams` are its stdin, stdout and stderr. It leads a session of its own."""
        asked = {"args": list(args), "folder": str(folder), "environment": dict(environment)}
        keeper = socket.socket(socket.AF_UNIX)
        keeper.connect(self._address)
        socket.send_fds(keeper, [b"+"], list(streams))
        keeper.sendall(json.dumps(asked).encode())
        keeper.shutdown(socket.SHUT_WR)
        pid = b""
        while not pid.endswith(b"\n"):
            pid += keeper.recv(1)
        return Forked(int(pid), keeper)


@cache
def fork_server() -> ForkServer:
    """The server of this process."""
    return ForkServer()


def _received(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(_PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def _serve(listener: socket.socket) -> dict[str, Any]:
    """Fork a keeper for each connection, and return in the program that one of them forked."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # Nobody waits for keepers.
    while True:
        ready, _, _ = select.select([listener, 0], [], [])
        if 0 in ready:
            os._exit(0)
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return _keep(connection)
        connection.close()


def _keep(connection: socket.socket) -> dict[str, Any]:
    """Fork the program and tell the test how it ended; return in the program, with its streams in place."""
    _, streams, _, _ = socket.recv_fds(connection, 1, _STREAMS)
    asked: dict[str, Any] = json.loads(_received(connection))
    pid = os.fork()
    if pid == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        return asked
    for stream in streams:
        os.close(stream)
    with contextlib.suppress(OSError):  # The test may have gone.
        connection.sendall(b"%d\n" % pid)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(OSError):
        connection.sendall(b"%d" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _begin(asked: Mapping[str, Any]) -> None:
    """Make this process what a new interpreter would be, in the locale C.UTF-8."""
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["oms", *asked["args"]]
    sys.modules["__main__"].__package__ = None  # Or click would call the program `python -m`.
    sys.path.remove(str(Path(__file__).parents[2]))
    sys.stdin = sys.__stdin__ = _text(0, "r", "surrogateescape")  # type: ignore[misc]
    sys.stdout = sys.__stdout__ = _text(1, "w", "surrogateescape")  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = _text(2, "w", "backslashreplace")  # type: ignore[misc]
    sys.stderr.reconfigure(line_buffering=True)


def _text(stream: int, mode: str, errors: str) -> io.TextIOWrapper:
    """Open a standard stream as an interpreter does."""
    opened = open(stream, mode, encoding="utf-8", errors=errors, closefd=False)  # noqa: SIM115
    assert isinstance(opened, io.TextIOWrapper)
    return opened


if __name__ == "__main__":
    from typer.testing import CliRunner

    from oms_cli.main import app, main

    with tempfile.TemporaryDirectory() as empty:  # One run before anything is forked loads what is loaded when needed.
        CliRunner().invoke(app, ["--database-url", f"sqlite:///{empty}/oms.db", "inventory", "list"])
    with socket.socket(fileno=int(sys.argv[1])) as opened:
        _begin(_serve(opened))
    main()
