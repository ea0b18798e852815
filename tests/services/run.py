"""One test run: the folder, the name and the lock that the pytest processes of the run share."""

from __future__ import annotations

import fcntl
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.waiting import wait_until

STOPPING_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A test run as one of its processes sees it; `process` is `main`, or `gw0`, `gw1`... under xdist.

    `prefix` begins with `oms_test_` and the Unix time of the start, so that leftovers show their age.
    """

    prefix: str
    process: str
    folder: Path

    def unique_name(self) -> str:
        """Make a name of at most 50 characters for a database, queue or key that nobody else uses."""
        return f"{self.prefix}_{self.process}_{secrets.token_hex(3)}"

    def once(self, what: str, make: Callable[[], str]) -> str:
        """Let the first process that asks make something, and give its text to all.

        What `make` raises passes through, and the next process that asks tries again.
        """
        answer = self.folder / f"{what}.answer"
        with locked(self.folder / f"{what}.lock"):
            if not answer.exists():
                answer.write_text(make())
            return answer.read_text()

    def new_folder(self, what: str) -> Path:
        """Make an empty folder that every OS user may enter, for a server that runs as somebody else."""
        folder = Path(tempfile.mkdtemp(prefix=f"{what}-", dir=self.folder))
        folder.chmod(0o755)
        return folder

    @property
    def alive_lock(self) -> Path:
        """Name the file that is locked for as long as the run lasts, however it ends."""
        return self.folder / "alive.lock"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes; the system lets go of it when its holder dies."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def new_run() -> Iterator[Run]:
    """Begin a run; at its end, wait until the servers' leashes have stopped them, and leave nothing."""
    folder = Path(tempfile.mkdtemp(prefix="oms-tests-"))
    folder.chmod(0o755)
    run = Run(prefix=f"oms_test_{int(time.time())}_{secrets.token_hex(3)}", process="main", folder=folder)
    try:
        with locked(run.alive_lock):
            yield run
        wait_until(lambda: not any(folder.glob("*.leash")), STOPPING_SECONDS, "private servers stopped")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
