"""`oms serve` in a process of its own, on a free port, for as long as a block runs."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import DeadlinePassed, wait_until

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30
PROGRAM = Path(sys.executable).with_name("oms")
ANSWER_SECONDS_MAX = 30
_LOG_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A running service: where it answers, and the process that was started, the parent of those that do."""

    host: str
    port: int
    pid: int

    def ask(self, method: str, path: str, document: object = None) -> tuple[int, bytes]:
        """Send one request, with a JSON body if there is a document; give the answer's status and body."""
        body = None if document is None else json.dumps(document)
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=ANSWER_SECONDS_MAX)) as connection:
            connection.request(method, path, body=body, headers={"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextmanager
def served(folder: Path, settings: Mapping[str, str], *, program: Path = PROGRAM) -> Iterator[Served]:
    """Start the service with these OMS_* settings and none of the caller's own; stop it in order at the end.

    Its log goes to `folder`. OSError, with the log's end, when it does not get ready.
    """
    port = free_port()
    log = folder / "serve.log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    with log.open("w") as output:
        process = subprocess.Popen(
            [str(program), "serve"],
            cwd=folder,
            env=environment | {"OMS_PORT": str(port), "OMS_HOST": LOOPBACK, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    service = Served(host=LOOPBACK, port=port, pid=process.pid)
    try:
        _wait_until_ready(service, process, log)
        yield service
    finally:
        _stop(process)


def _wait_until_ready(service: Served, process: subprocess.Popen[bytes], log: Path) -> None:
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(service), START_SECONDS_MAX, "the service is ready")
    except DeadlinePassed as error:
        raise OSError(f"{error}; its log ends:\n{log.read_text()[-_LOG_CHARACTERS:]}") from error
    if process.returncode is not None:
        raise OSError(f"the service ended with status {process.returncode}:\n{log.read_text()[-_LOG_CHARACTERS:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_ready(service: Served) -> bool:
    try:
        status, _ = service.ask("GET", "/readyz")
    except OSError:
        return False
    return status == http.client.OK
