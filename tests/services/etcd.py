"""etcd: a private one of a single node, from installed binaries."""

from __future__ import annotations

import shutil
import signal
import urllib.request

from tests.services.processes import ServerCommand, ServerProcess
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.unusable import ServerUnusable

ANSWER_SECONDS = 3


def private_etcd(run: Run) -> ServerProcess:
    """Prepare one. Raises ServerUnusable where there is no etcd."""
    program = shutil.which("etcd")
    if program is None:
        raise ServerUnusable("etcd is not installed")
    folder = run.new_folder("etcd")
    here, peers = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    options = {
        "name": "only",
        "data-dir": str(folder / "data"),
        "listen-client-urls": here,
        "advertise-client-urls": here,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"only={peers}",
    }
    command = ServerCommand(
        name="etcd",
        url=here,
        check=check,
        command=[program, *(f"--{name}={value}" for name, value in options.items())],
        folder=folder,
        environment={},
        user="",
        stop_signal=signal.SIGTERM,
    )
    return ServerProcess(run, command)


def check(url: str) -> None:
    """Ask for its health. Raises ServerUnusable."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=ANSWER_SECONDS) as answer:
            answer.read()
    except OSError as error:
        raise ServerUnusable(str(error)) from error
