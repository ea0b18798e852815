"""NATS with JetStream: is one answering, and a private one from installed binaries."""

from __future__ import annotations

import json
import shutil
import signal
import socket
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from tests.services.processes import ServerCommand, ServerProcess
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, check_listening, free_port
from tests.services.unusable import ServerUnusable

CONNECTING_SECONDS = 3
STANDARD_URL = f"nats://{LOOPBACK}:4222"
PASSWORD = "guest"
# A subscription, and a question whose answer goes there: https://docs.nats.io, client protocol.
QUESTION = b"SUB answer 1\r\nPUB $JS.API.INFO answer 0\r\n\r\n"


def check(url: str) -> None:
    """Log in if the URL says as whom, PING, and ask JetStream. Raises ServerUnusable."""
    address = urlsplit(url)
    if address.scheme != "nats" or not address.hostname:
        raise ServerUnusable("the URL is not nats://[user:password@]host[:port]")
    try:
        with (
            socket.create_connection((address.hostname, address.port or 4222), CONNECTING_SECONDS) as connection,
            connection.makefile("rwb") as stream,
        ):
            information = _information(stream.readline())
            stream.write(_connect(address) + QUESTION)
            stream.flush()
            head, answer = stream.readline(), stream.readline()
            if head.startswith(b"-ERR"):
                raise ServerUnusable(f"it refuses: {head.decode(errors='replace').strip()}")
            if not information.get("jetstream") or b'"error"' in answer:
                raise ServerUnusable("JetStream is off or not ready there; start nats-server with -js")
    except OSError as error:
        raise ServerUnusable(str(error)) from error


def _information(line: bytes) -> dict[str, Any]:
    word, _, document = line.partition(b" ")
    if word != b"INFO":
        raise ServerUnusable("it does not speak NATS")
    information: dict[str, Any] = json.loads(document)
    return information


def _connect(address: SplitResult) -> bytes:
    login = {"user": unquote(address.username or ""), "pass": unquote(address.password or "")}
    options = {"verbose": False, "pedantic": False, **(login if address.username else {})}
    return b"CONNECT " + json.dumps(options).encode() + b"\r\n"


def binary() -> str:
    """Give the path of nats-server. Raises ServerUnusable where there is none."""
    if path := shutil.which("nats-server") or shutil.which("/usr/sbin/nats-server"):
        return path
    raise ServerUnusable("nats-server is not installed")


def private_nats(
    run: Run, *lines: str, port: int | None = None, jetstream: bool = True, is_alone: bool = True
) -> ServerProcess:
    """Prepare a server with a user and a password; `lines` are further ones of its configuration.

    `is_alone` False is for one that cannot be asked as soon as it listens: it waits for others, or for TLS.
    """
    port = port or free_port()
    folder = run.new_folder("nats")
    configuration = [
        f"listen: {LOOPBACK}:{port}",
        *([f'jetstream {{ store_dir: "{folder}", max_file_store: 1GB }}'] if jetstream else []),
        "max_payload: 16MB",
        f'authorization {{ user: "oms", password: "{PASSWORD}" }}',
        *lines,
    ]
    (folder / "nats.conf").write_text("\n".join(configuration))
    return ServerProcess(
        run,
        ServerCommand(
            name="NATS",
            url=f"nats://oms:{PASSWORD}@{LOOPBACK}:{port}",
            check=check if jetstream and is_alone else check_listening,
            command=[binary(), "-c", str(folder / "nats.conf")],
            folder=folder,
            environment={},
            user="",
            stop_signal=signal.SIGTERM,
        ),
    )
