"""nginx and haproxy as deploy/ configures them, in front of two processes of `oms serve`."""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from oms_http.app import BODY_BYTES_MAX
from oms_http.orders.batch import BATCH_BODY_BYTES_MAX
from tests.cli.programs import Program
from tests.cli.serving import Service, serving
from tests.deploy.proxies import NAMES, Proxy, command, proxying, written
from tests.deploy.tools import DEPLOY
from tests.services.certificates import Certificate
from tests.services.databases import PostgresqlServer
from tests.services.tcp import LOOPBACK, free_port

SECONDS = 30
Heard = tuple[Proxy, list[http.client.HTTPMessage]]
FORGED = "198.51.100.7"
REQUESTS_A_MINUTE = 20


@pytest.fixture(scope="module")
def services(
    postgresql_server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Service], str]]:
    """Two services on one database, as behind a proxy, and an API key."""
    with ExitStack() as running:
        url = running.enter_context(postgresql_server.database())
        programs = [
            Program(folder=tmp_path_factory.mktemp("oms"), database_url=url).under(
                OMS_AUTH="keys",
                OMS_TRUSTED_PROXIES=LOOPBACK,
                OMS_HTTP_PROCESSES="1",
                OMS_HTTP_RATE_LIMIT=f"{REQUESTS_A_MINUTE}/minute",
            )
            for _ in range(2)
        ]
        assert programs[0].run("db", "upgrade").returncode == 0
        key = programs[0].run("keys", "create", "shop", "--scope", "admin").stdout.strip()
        yield [running.enter_context(serving(program)) for program in programs], key


@pytest.fixture(scope="module", params=NAMES)
def proxy(
    request: pytest.FixtureRequest,
    services: tuple[list[Service], str],
    certificate: Certificate,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Proxy]:
    ports = [service.port for service in services[0]]
    with proxying(request.param, tmp_path_factory.mktemp(request.param), certificate, ports) as proxy:
        yield proxy


@pytest.fixture
def key(services: tuple[list[Service], str]) -> str:
    return f"Bearer {services[1]}"


@pytest.fixture
def heard(certificate: Certificate, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Heard]:
    """A proxy in front of a server that keeps what it was sent."""
    kept: list[http.client.HTTPMessage] = []

    class Keeping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != "/readyz":
                kept.append(self.headers)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((LOOPBACK, 0), Keeping) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with proxying(request.param, tmp_path, certificate, [server.server_port] * 2) as proxy:
            yield proxy, kept
        server.shutdown()


@pytest.mark.parametrize("name", NAMES)
def test_the_program_accepts_the_configuration(name: str, certificate: Certificate, tmp_path: Path) -> None:
    path = written(name, tmp_path, certificate, (free_port(), free_port()), (1, 2))
    done = subprocess.run(
        [*command(name, path), "-t" if name == "nginx" else "-c"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize("heard", NAMES, indirect=True)
def test_the_service_is_told_whose_request_it_is(heard: Heard) -> None:
    proxy, kept = heard
    proxy.ask("GET", "/v1/orders", address="127.0.0.2", X_Forwarded_For=FORGED, X_Forwarded_Proto="http")
    (headers,) = kept
    assert headers["X-Forwarded-For"].split(", ")[-1] == "127.0.0.2"
    assert headers.get_all("X-Forwarded-Proto") == ["https"]


def test_a_client_is_limited_by_its_address_whatever_it_says_of_itself(proxy: Proxy) -> None:
    """Each process counts for itself, for both proxies."""
    client = {"nginx": "127.0.1.2", "haproxy": "127.0.1.3"}[proxy.name]
    statuses = [
        proxy.ask("GET", "/v1/orders", address=client, X_Forwarded_For=f"198.51.100.{number}").status
        for number in range(REQUESTS_A_MINUTE * 4 + 1)  # A minute may end in between.
    ]
    assert set(statuses) == {401, 429}
    assert statuses[:REQUESTS_A_MINUTE] == [401] * REQUESTS_A_MINUTE
    assert proxy.ask("GET", "/v1/orders", address="127.0.1.4").status == 401


def test_an_order_is_placed(proxy: Proxy, key: str) -> None:
    stock = json.dumps({"on_hand": 5}).encode()
    order = json.dumps({"customer_id": "C1", "lines": [{"sku": proxy.name, "quantity": 1}]}).encode()
    sent = {"address": "127.0.2.1", "Content_Type": "application/json", "Authorization": key}
    assert proxy.ask("PUT", f"/v1/inventory/{proxy.name}", stock, **sent).status in {200, 201}
    answer = proxy.ask("POST", "/v1/orders", order, **sent)
    assert answer.status == 201
    assert answer.headers.get_all("Strict-Transport-Security") == ["max-age=31536000"]


@pytest.mark.parametrize("path", ["/metrics", "/%6Detrics", "/metrics?x=1"])
def test_metrics_are_not_for_the_public(proxy: Proxy, path: str, services: tuple[list[Service], str]) -> None:
    assert services[0][0].ask("GET", path)[0] == 200, "the service itself gives them"
    assert proxy.ask("GET", path, address="127.0.3.1").status == 404


def test_plain_http_is_led_to_https(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection(LOOPBACK, proxy.plain, timeout=SECONDS)
    connection.request("POST", "/v1/orders?x=1", b"{}", {"Host": "oms.example"})
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.headers["Location"]) == (308, "https://oms.example/v1/orders?x=1")


@pytest.mark.parametrize("name", NAMES)
def test_a_process_that_is_gone_is_passed_by(
    name: str, services: tuple[list[Service], str], certificate: Certificate, tmp_path: Path
) -> None:
    """One of the two ports is closed, as while a process is started anew: no order is lost for it."""
    (service, _), key = services
    with proxying(name, tmp_path, certificate, [free_port(), service.port]) as proxy:
        sent = {"Content_Type": "application/json", "Authorization": f"Bearer {key}"}
        statuses = {
            proxy.ask("POST", "/v1/orders", b"{}", address=f"127.0.4.{number}", **sent).status
            for number in range(1, 21)
        }
    assert statuses == {422}, "the service has read each of them"


def test_nginx_takes_bodies_as_large_as_the_service_does() -> None:
    text = (DEPLOY / "nginx" / "oms.conf").read_text()
    assert BODY_BYTES_MAX == 1 << 20
    assert BATCH_BODY_BYTES_MAX == 8 << 20
    for size in ("1m", "8m", "1g"):
        assert f"client_max_body_size {size};" in text
