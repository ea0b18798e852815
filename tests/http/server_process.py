"""The toy service in a process of its own, and the raw connections that tests open to it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.certificates import Certificate
from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until
from tests.services.wheels import ROOT

STARTING_SECONDS = 20
STOPPING_SECONDS = 20
ANSWER_SECONDS = 20
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# How the toy service opens: each request has a thread, or those that wait for nothing share one.
THREADS_AND_BATCHES = ("well", "in batches")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: headers by their lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyServer:
    """A running toy service; `log` is the file with its stdout and stderr, `context` is what a client of TLS needs."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    context: ssl.SSLContext | None = None

    def said(self, text: str) -> int:
        return self.log.read_text().count(text)

    def wait_for(self, text: str, *, times: int = 1) -> None:
        wait_until(lambda: self.said(text) >= times, STARTING_SECONDS, f"{text!r} {times} times in the server's log")

    def reach(self) -> socket.socket:
        """Connect, and say nothing of TLS yet."""
        return socket.create_connection((LOOPBACK, self.port), timeout=ANSWER_SECONDS)

    def connect(self) -> socket.socket:
        connection = self.reach()
        return self.context.wrap_socket(connection, server_hostname=LOOPBACK) if self.context else connection

    def send(self, data: bytes) -> socket.socket:
        connection = self.connect()
        connection.sendall(data)
        return connection

    def ask(self, path: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        with contextlib.closing(http.client.HTTPConnection(LOOPBACK, self.port)) as connection:
            connection.sock = self.connect()
            fields = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=fields)
            return whole(connection.getresponse())

    def is_refusing(self) -> bool:
        try:
            self.connect().close()
        except OSError:
            return True
        return False

    def stop(self) -> int:
        """Send SIGTERM and wait for the exit status."""
        self.process.terminate()
        return self.process.wait(STOPPING_SECONDS)


def launch(folder: Path, **options: Any) -> ToyServer:
    """Start the toy service with ServerOptions as given, on a free port unless they name one; `tls`: a Certificate."""
    certificate: Certificate | None = options.pop("tls", None)
    if certificate is not None:
        options["tls"] = certificate.files
    options.setdefault("port", free_port())
    log = folder / f"server-{options['port']}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.http.toy_service", json.dumps(options)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    context = certificate.trusting() if certificate else None
    return ToyServer(process=process, port=options["port"], log=log, context=context)


@contextlib.contextmanager
def running(folder: Path, **options: Any) -> Iterator[ToyServer]:
    """Launch the toy service, wait until it is ready, and leave nothing of it behind."""
    server = launch(folder, **options)
    try:
        server.wait_for("READY")
        yield server
    finally:
        end(server)


def end(server: ToyServer) -> None:
    """Stop the server in order, whatever the test did to it; by force after 20 s."""
    try:
        server.stop()
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()


def begin(server: ToyServer, path: str) -> socket.socket:
    """Send a request but for the last byte of its body, and wait until the server has taken it up."""
    fields = "Content-Length: 1\r\nExpect: 100-continue\r\n"
    connection = server.send(request(path, method="POST", fields=fields))
    assert connection.recv(100) == CONTINUE
    return connection


def answer_on(connection: socket.socket, *, method: str = "GET") -> Answer:
    """Read one answer from a raw connection that has nothing else under way."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return whole(response)


def whole(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=headers, body=response.read())


def request(path: str, *, method: str = "GET", body: bytes = b"", fields: str = "") -> bytes:
    """The bytes of a request whose Content-Length says the truth, unless `fields` brings its own."""
    if body and "Content-Length" not in fields:
        fields += f"Content-Length: {len(body)}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: toy\r\n{fields}\r\n".encode() + body
