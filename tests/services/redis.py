"""Redis: is one answering, and a private one from installed binaries."""

from __future__ import annotations

import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.services.processes import ServerCommand, ServerProcess
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, free_port
from tests.services.unusable import ServerUnusable

CONNECTING_SECONDS = 3
STANDARD_URL = f"redis://{LOOPBACK}:6379"


def check(url: str) -> None:
    """Log in if the URL says as whom, and PING. Raises ServerUnusable."""
    address = urlsplit(url)
    if address.scheme != "redis" or not address.hostname:
        raise ServerUnusable("the URL is not redis://host[:port]")
    try:
        with socket.create_connection((address.hostname, address.port or 6379), CONNECTING_SECONDS) as connection:
            if address.password:
                user = [unquote(address.username)] if address.username else []
                _call(connection, "AUTH", *user, unquote(address.password))
            _call(connection, "PING")
    except OSError as error:
        raise ServerUnusable(str(error)) from error


def _call(connection: socket.socket, *words: str) -> None:
    """Send one command as an array of bulk strings (RESP2) and expect a simple string."""
    parts = [word.encode() for word in words]
    connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts))
    answer = connection.recv(512)
    if not answer.startswith(b"+"):
        raise ServerUnusable(f"{words[0]} was answered with {answer[:100]!r}")


def binary() -> str:
    """Give the path of redis-server. Raises ServerUnusable where there is none."""
    if path := shutil.which("redis-server"):
        return path
    raise ServerUnusable("redis-server is not installed")


def private_redis(run: Run, *options: str, file: Path | None = None, password: str = "") -> ServerProcess:
    """Prepare a server without persistence: its data is gone when it stops.

    `options` are redis-server's, `file` is its configuration, which Sentinels write to.
    """
    port = free_port()
    own = [] if file else ["--save", "", "--appendonly", "no"]
    command = [binary(), *([str(file)] if file else []), "--port", str(port), "--bind", LOOPBACK, *own, *options]
    return ServerProcess(
        run,
        ServerCommand(
            name="Redis",
            url=f"redis://{LOOPBACK}:{port}",
            check=lambda url: check(url.replace("//", f"//:{password}@") if password else url),
            command=command,
            folder=run.new_folder("redis"),
            environment={},
            user="",
            stop_signal=signal.SIGTERM,
        ),
    )
