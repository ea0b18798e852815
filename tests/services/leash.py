"""Hold one private server, so that it ends with the test run, however the run ends.

Run as a script of its own, with one argument: a JSON object with the keys of `Order`. Prints the server's
pid, gives its exit status. Stops the server when told (SIGTERM) and when the run's lock is let go of, which
the system does even for a killed run; the last leash of such a run removes the run's folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TypedDict

STOPPING_SECONDS = 10


class Order(TypedDict):
    """What to hold: a command, run in `folder` as the OS user `user` ("" for ours), writing to `log`."""

    command: list[str]
    folder: str
    user: str
    log: str
    stop_signal: int
    run_folder: str


def main() -> int:
    """Start the server, print its pid, wait for its end."""
    order: Order = json.loads(sys.argv[1])
    run_folder = Path(order["run_folder"])
    marker = run_folder / f"{os.getpid()}.leash"
    marker.touch()
    try:
        server = start(order)
        signal.signal(signal.SIGTERM, lambda *_: signal_group(server.pid, order["stop_signal"]))
        threading.Thread(target=stop_with_run, args=(server, order), daemon=True).start()
        print(server.pid, flush=True)
        return server.wait()
    finally:
        marker.unlink()
        remove_after_killed_run(run_folder)


def start(order: Order) -> subprocess.Popen[bytes]:
    """Start the server as the leader of a process group."""
    account = pwd.getpwnam(order["user"]) if order["user"] else None
    with Path(order["log"]).open("ab") as log:
        return subprocess.Popen(
            order["command"],
            cwd=order["folder"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )


def stop_with_run(server: subprocess.Popen[bytes], order: Order) -> None:
    """Wait for the end of the run, then stop the server, by force if it takes longer than 10 s."""
    with Path(order["run_folder"], "alive.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
    signal_group(server.pid, order["stop_signal"])
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(STOPPING_SECONDS)
    signal_group(server.pid, signal.SIGKILL)


def signal_group(pid: int, number: int) -> None:
    """Signal the server's whole group, and wake it if a test has frozen it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
        os.killpg(pid, signal.SIGCONT)


def remove_after_killed_run(run_folder: Path) -> None:
    """Remove the folder if nobody holds the run's lock and no other leash is left."""
    with contextlib.suppress(OSError), (run_folder / "alive.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if not any(run_folder.glob("*.leash")):
            shutil.rmtree(run_folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
