"""nginx and haproxy as deploy/ configures them, on ports of the test's own, and clients of many addresses."""

from __future__ import annotations

import contextlib
import http.client
import re
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.tools import DEPLOY, program
from tests.services.certificates import Certificate
from tests.services.tcp import LOOPBACK, free_port
from tests.services.waiting import wait_until

SECONDS = 30
NAMES = ("nginx", "haproxy")
NGINX_AROUND = """daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}
http {{ access_log off; client_body_temp_path {folder}/bodies; proxy_temp_path {folder}/answers;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s; include {folder}/oms.conf; }}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A running proxy: its ports of HTTP and HTTPS, and what a client of its certificate needs."""

    name: str
    plain: int
    port: int
    context: ssl.SSLContext

    @contextlib.contextmanager
    def connected(self, address: str = LOOPBACK) -> Iterator[http.client.HTTPSConnection]:
        """Connect as a client of this loopback address."""
        connection = http.client.HTTPSConnection(
            LOOPBACK, self.port, timeout=SECONDS, context=self.context, source_address=(address, 0)
        )
        with contextlib.closing(connection):
            yield connection

    def ask(
        self, method: str, path: str, body: bytes | None = None, *, address: str = LOOPBACK, **headers: str
    ) -> http.client.HTTPResponse:
        """Send one request on a connection of its own; the answer is read."""
        with self.connected(address) as connection:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            answer.read()
            return answer


def written(name: str, folder: Path, certificate: Certificate, ports: Sequence[int], upstreams: Sequence[int]) -> Path:
    """Write the configuration of deploy/ with other ports and files: HTTP, HTTPS; and two of the service."""
    (folder / "oms.pem").write_text(certificate.path.read_text() + certificate.key.read_text())
    file = DEPLOY / ("nginx/oms.conf" if name == "nginx" else "haproxy/haproxy.cfg")
    changes = {
        "/etc/ssl/oms.crt": str(certificate.path),
        "/etc/ssl/oms.key": str(certificate.key),
        "/etc/ssl/oms.pem": str(folder / "oms.pem"),
        "127.0.0.1:8080": f"127.0.0.1:{upstreams[0]}",
        "127.0.0.1:8081": f"127.0.0.1:{upstreams[1]}",
    }
    text = re.sub("|".join(map(re.escape, changes)), lambda found: changes[found[0]], file.read_text())
    for standard, ours in zip(("80", "443"), ports, strict=True):
        text, count = re.subn(rf"(?m)^(    (?:listen |bind :)){standard}\b", rf"\g<1>{ours}", text)
        assert count == 1
    if name == "haproxy":
        path = folder / "haproxy.cfg"
        path.write_text(text)
        return path
    (folder / "oms.conf").write_text(text)
    path = folder / "nginx.conf"
    path.write_text(NGINX_AROUND.format(folder=folder))
    return path


def command(name: str, path: Path) -> list[str]:
    """How to run a proxy in the foreground; with -t or -c it only checks the file."""
    return [program("nginx"), "-c", str(path)] if name == "nginx" else [program("haproxy"), "-db", "-f", str(path)]


@contextlib.contextmanager
def proxying(name: str, folder: Path, certificate: Certificate, upstreams: Sequence[int]) -> Iterator[Proxy]:
    """Run a proxy in front of two ports, and leave nothing behind."""
    ports = free_port(), free_port()
    path = written(name, folder, certificate, ports, upstreams)
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(command(name, path), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    proxy = Proxy(name, *ports, certificate.trusting())

    def answers() -> bool:
        assert process.poll() is None, (folder / "proxy.log").read_text()
        with contextlib.suppress(OSError):
            return proxy.ask("GET", "/metrics").status == 404
        return False

    try:
        wait_until(answers, SECONDS, f"{name} answers")
        yield proxy
    finally:
        process.terminate()
        process.wait(SECONDS)
