"""A private server as its owner sees it: started when it answers, stopped, killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil  # type: ignore[import-untyped, unused-ignore]

from tests.services import leash
from tests.services.run import Run
from tests.services.unusable import ServerUnusable
from tests.services.waiting import DeadlinePassed, wait_until

STARTING_SECONDS = 60
STOPPING_SECONDS = 15


class PrivateServer(Protocol):
    """A server that belongs to one run or one test; it keeps its address and its data over stop and start."""

    @property
    def url(self) -> str:
        """Where it listens, with user and password."""
        ...

    def start(self) -> None:
        """Start it and wait until it answers. Raises ServerUnusable with the end of its log."""
        ...

    def stop(self) -> None:
        """Stop it as an administrator would, and wait for its end. A stopped server stays stopped."""
        ...

    def kill(self) -> None:
        """Kill -9 all its processes, as a power cut would, and wait for their end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """How to run a server: `user` is the OS user ("" for ours), `check` raises ServerUnusable until it is up."""

    name: str
    url: str
    check: Callable[[str], object]
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    user: str
    stop_signal: signal.Signals


class ServerProcess:
    """A PrivateServer of one process, held on a leash."""

    def __init__(self, run: Run, command: ServerCommand) -> None:
        self._run = run
        self._command = command
        self._log = command.folder / "server.log"
        self._leash: subprocess.Popen[str] | None = None
        self._pid = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._command.url

    @property
    def pid(self) -> int:
        """The server's process id, for a test that freezes it (SIGSTOP); 0 before the first start."""
        return self._pid

    def start(self) -> None:
        """Start it and wait until it answers; at most 60 s."""
        self._leash = self._put_on_leash()
        assert self._leash.stdout is not None
        with self._leash.stdout as output:
            self._pid = int(output.readline() or 0)
        try:
            wait_until(self._answers, STARTING_SECONDS, f"{self._command.name} answers")
        except (DeadlinePassed, ServerUnusable) as error:
            self.kill()
            raise ServerUnusable(f"{error}; its log ends:\n{self._log_end()}") from error

    def stop(self) -> None:
        """Stop it with its stop signal, and by force after 15 s."""
        if self._leash is None:
            return
        self._leash.terminate()
        try:
            self._leash.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._leash = None

    def kill(self) -> None:
        """Kill -9 the server and every process that it started."""
        if self._leash is None:
            return
        family = _family(self._pid)
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        wait_until(
            lambda: all(_is_dead(process) for process in family),
            STOPPING_SECONDS,
            f"{self._command.name} killed",
        )
        self._leash.wait(STOPPING_SECONDS)
        self._leash = None

    def freeze(self) -> None:
        """Stop the server and every process that it started where they are (SIGSTOP), their connections open."""
        for process in _family(self._pid):
            process.suspend()

    def thaw(self) -> None:
        """Let them go on."""
        for process in _family(self._pid):
            process.resume()

    def _put_on_leash(self) -> subprocess.Popen[str]:
        order = leash.Order(
            command=list(self._command.command),
            folder=str(self._command.folder),
            user=self._command.user,
            log=str(self._log),
            stop_signal=self._command.stop_signal,
            run_folder=str(self._run.folder),
        )
        return subprocess.Popen(
            [sys.executable, "-I", leash.__file__, json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **self._command.environment},
            start_new_session=True,  # Ctrl-C is for pytest, which then lets go of the servers in order.
        )

    def _answers(self) -> bool:
        assert self._leash is not None
        if self._leash.poll() is not None:
            raise ServerUnusable(f"{self._command.name} ended with status {self._leash.returncode}")
        try:
            self._command.check(self.url)
        except ServerUnusable:
            return False
        return True

    def _log_end(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else "(no log)"


def _family(pid: int) -> list[psutil.Process]:
    """List a process and all its descendants; none if it has ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    return []


def _is_dead(process: psutil.Process) -> bool:
    """Count a zombie as dead: in a container the orphans of the killed may wait long for their burial."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
