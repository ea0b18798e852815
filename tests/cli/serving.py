"""A running `oms serve`, as a test asks and stops it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.programs import OMS, Program
from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until

STARTING_SECONDS = 30
STOPPING_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Service:
    """A running `oms serve` with its stdout and stderr in files."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def out(self) -> str:
        """What it printed."""
        return (self.folder / "out").read_text()

    @property
    def log(self) -> str:
        """What it logged."""
        return (self.folder / "err").read_text()

    def ask(self, method: str, path: str, document: Any = None, port: int | None = None) -> tuple[int, str]:
        """Send a request with a JSON document or (bytes) CSV, and give status and body of the answer."""
        with contextlib.closing(http.client.HTTPConnection(LOOPBACK, port or self.port, timeout=20)) as connection:
            is_csv = isinstance(document, bytes)
            body = document if is_csv or document is None else json.dumps(document)
            media_type = "text/csv" if is_csv else "application/json"
            connection.request(method, path, body=body, headers={"Content-Type": media_type})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def stop(self, stop_signal: signal.Signals = signal.SIGTERM) -> int:
        """Stop it as an administrator would, and give its exit status."""
        self.process.send_signal(stop_signal)
        return self.process.wait(STOPPING_SECONDS)


@contextlib.contextmanager
def serving(program: Program, *options: str, port: int | None = None) -> Iterator[Service]:
    """Start `oms serve` on this port or a free one, wait until it says that it answers, and leave nothing behind."""
    port = port or free_port()
    with (program.folder / "out").open("wb") as out, (program.folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [OMS, "serve", "--port", str(port), *options],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=program.folder,
            env={**program.environment, "TMPDIR": str(program.folder)},  # A killed service leaves its folder there.
            start_new_session=True,
        )
    service = Service(process, port, program.folder)
    try:
        wait_until(lambda: "OMS answers" in service.out or process.poll() is not None, STARTING_SECONDS, "it answers")
        assert process.poll() is None, service.log
        yield service
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
