"""The service exactly as `make run` starts it, on a database and a port of a test's own."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.tcp import free_port
from tests.services.waiting import wait_until

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
STOP_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeRun:
    """A running service: its port, the folder of its database, and the settings that reach it."""

    port: int
    folder: Path
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def made_run(folder: Path) -> Iterator[MadeRun]:
    """Run `make run` until the block ends; the banner is what says that it answers."""
    port, log = free_port(), folder / "make-run.log"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    service = MadeRun(
        port=port,
        folder=folder,
        environment=kept | {"OMS_DATABASE_URL": f"sqlite:///{folder}/oms.db", "OMS_PORT": str(port)},
    )
    with log.open("w") as output:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=ROOT,
            env=service.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(lambda: service.url in log.read_text(), START_SECONDS, "the banner of make run")
        yield service
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(STOP_SECONDS)
