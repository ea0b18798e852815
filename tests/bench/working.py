"""`oms worker` in processes of its own, for as long as a block runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS_MAX = 30
PROGRAM = Path(sys.executable).with_name("oms")


@contextmanager
def working(settings: Mapping[str, str], *, processes: int = 1, program: Path = PROGRAM) -> Iterator[None]:
    """Start workers with these OMS_* settings and none of the caller's own; stop them in order at the end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMS_")}
    process = subprocess.Popen(
        [str(program), "worker", "--processes", str(processes)],
        env=environment | {"OMS_LOG_LEVEL": "error", **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
