"""RabbitMQ: is one answering, and a private one from installed binaries."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from tests.services.processes import ServerCommand, ServerProcess
from tests.services.run import Run
from tests.services.tcp import LOOPBACK, check_listening, free_port
from tests.services.unusable import ServerUnusable

CONNECTING_SECONDS = 3
STANDARD_URL = f"amqp://guest:guest@{LOOPBACK}:5672"

# AMQP 0-9-1, sections 2.2.4 (header), 2.3.5 (frames) and 1.4 (the methods of class 10, connection).
PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"
FRAME_HEADER = struct.Struct(">BHI")  # Type, channel, size of the payload.
METHOD = struct.Struct(">HH")  # Class, method.
METHOD_FRAME, FRAME_END = 1, b"\xce"
CONNECTION_START, CONNECTION_START_OK, CONNECTION_TUNE = (10, 10), (10, 11), (10, 30)

# Debian's rabbitmq-server in PATH is a wrapper that changes the user and the environment; this is what it calls.
DEBIAN_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


def check(url: str) -> None:
    """Shake hands up to the point where the broker has accepted user and password. Raises ServerUnusable."""
    address = urlsplit(url)
    if address.scheme != "amqp" or not address.hostname:
        raise ServerUnusable("the URL is not amqp://[user:password@]host[:port][/vhost]")
    user, password = unquote(address.username or "guest"), unquote(address.password or "guest")
    try:
        with (
            socket.create_connection((address.hostname, address.port or 5672), CONNECTING_SECONDS) as connection,
            connection.makefile("rb") as answers,
        ):
            connection.sendall(PROTOCOL_HEADER)
            _expect(answers, CONNECTION_START, "it does not speak AMQP 0-9-1")
            connection.sendall(_start_ok(user, password))
            _expect(answers, CONNECTION_TUNE, f"it refuses the user {user}")
    except OSError as error:
        raise ServerUnusable(str(error)) from error


def _start_ok(user: str, password: str) -> bytes:
    response = f"\0{user}\0{password}".encode()
    payload = (
        METHOD.pack(*CONNECTION_START_OK)
        + struct.pack(">I", 0)  # No client properties.
        + b"\x05PLAIN"
        + struct.pack(">I", len(response))
        + response
        + b"\x05en_US"
    )
    return FRAME_HEADER.pack(METHOD_FRAME, 0, len(payload)) + payload + FRAME_END


def _expect(answers: BinaryIO, method: tuple[int, int], otherwise: str) -> None:
    """Read one frame and check which method it carries; a broker that refuses us may just hang up."""
    try:
        frame_type, _, size = FRAME_HEADER.unpack(answers.read(FRAME_HEADER.size))
        if frame_type != METHOD_FRAME or METHOD.unpack(answers.read(METHOD.size)) != method:
            raise ServerUnusable(otherwise)
        answers.read(size - METHOD.size + len(FRAME_END))
    except (OSError, struct.error) as error:
        raise ServerUnusable(f"{otherwise} ({error})") from error


def binary() -> str:
    """Give the path of rabbitmq-server. Raises ServerUnusable where there is none."""
    server = str(DEBIAN_SERVER) if DEBIAN_SERVER.exists() else shutil.which("rabbitmq-server")
    if not server:
        raise ServerUnusable("rabbitmq-server is not installed")
    if not shutil.which("epmd"):
        raise ServerUnusable("rabbitmq-server is installed, but Erlang's epmd is not in PATH")
    return server


class PrivateRabbitmq:
    """A PrivateServer with a name daemon, ports, data and cookie of its own, so that it meets no other node."""

    def __init__(self, run: Run, *, advanced: str = "[].") -> None:
        """`advanced` is the broker's advanced.config: Erlang terms, for what has no other setting."""
        ports = Ports(amqp=free_port(), distribution=free_port(), names=free_port())
        self.url = f"amqp://guest:guest@{LOOPBACK}:{ports.amqp}"
        self._folder = run.new_folder("rabbitmq")
        (self._folder / "advanced.config").write_text(advanced)
        self._names_folder = run.new_folder("epmd")
        self._names = ServerProcess(run, name_daemon(self._names_folder, ports))
        command = node(self._folder, ports, self.url)
        self._environment = command.environment
        self._broker = ServerProcess(run, command)

    def start(self) -> None:
        """Start the name daemon, then the broker: alone, the broker would start one that outlives it."""
        self._names.start()
        self._broker.start()

    def stop(self) -> None:
        """Stop the broker, then the name daemon."""
        self._broker.stop()
        self._names.stop()

    def kill(self) -> None:
        """Kill the broker, then the name daemon, which has nothing to lose."""
        self._broker.kill()
        self._names.kill()

    def discard(self) -> None:
        """Stop it for good and leave nothing of it on the disk."""
        self.stop()
        for folder in (self._folder, self._names_folder):
            shutil.rmtree(folder, ignore_errors=True)

    def freeze(self) -> None:
        """Let it do nothing any more, with its connections open, until `thaw`."""
        self._broker.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        self._broker.thaw()

    def evaluate(self, expression: str) -> str:
        """Let the broker evaluate an Erlang expression, which takes a second or two; give what it prints."""
        return evaluate(expression, self._environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where a node listens: for clients, for other nodes, and its name daemon."""

    amqp: int
    distribution: int
    names: int


def evaluate(expression: str, environment: Mapping[str, str]) -> str:
    """Let the node of an environment evaluate an Erlang expression; give what it prints."""
    command = [str(Path(binary()).with_name("rabbitmqctl")), "--quiet", "eval", expression]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}, timeout=60
    )
    return done.stdout


def name_daemon(folder: Path, ports: Ports) -> ServerCommand:
    """Prepare Erlang's name daemon for the nodes of a broker."""
    return ServerCommand(
        name="epmd",
        url=f"tcp://{LOOPBACK}:{ports.names}",
        check=check_listening,
        command=["epmd", "-address", LOOPBACK, "-port", str(ports.names)],
        folder=folder,
        environment={},
        user="",
        stop_signal=signal.SIGTERM,
    )


def node(folder: Path, ports: Ports, url: str, arguments: str = "") -> ServerCommand:
    """Prepare a node that is called as its folder; `arguments` are its Erlang machine's."""
    environment = {
        "HOME": str(folder),  # For the cookie.
        "ERL_EPMD_PORT": str(ports.names),
        "RABBITMQ_NODENAME": f"{folder.name}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(ports.amqp),
        "RABBITMQ_DIST_PORT": str(ports.distribution),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": arguments,
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        # Files that do not exist, so that the machine's own configuration is not read.
        "RABBITMQ_CONF_ENV_FILE": str(folder / "environment.conf"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    return ServerCommand(
        name="RabbitMQ",
        url=url,
        check=check,
        command=[binary()],
        folder=folder,
        environment=environment,
        user="",
        stop_signal=signal.SIGTERM,
    )
