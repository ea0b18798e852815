"""A served process through a day of failures, at debug level: all that it answers and writes is searched."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.programs import Program
from tests.cli.serving import Service, serving
from tests.services.postgresql import PrivatePostgresql
from tests.services.tcp import LOOPBACK, free_port

SENTINELS = ("s3ntDatabase", "s3ntBroker", "s3ntRedis", "s3ntHeader", "s3ntQuery", "s3ntKeyed00000000000000000")
KEY = f"oms_019ab4c57d30_{SENTINELS[5]}"
INTERNALS = re.compile(
    r"Traceback|site-packages|\.py\b|psycopg2|peewee|pika|SELECT |INSERT |UPDATE |127\.0\.0\.1|localhost|/tmp/|sqlite"
)
HEADERS = (
    {"Authorization": f"Bearer {KEY}"},
    {"Authorization": f"Basic {SENTINELS[3]}", "Cookie": f"session={SENTINELS[3]}"},
    {"Idempotency-Key": "x" * 300, "X-Api-Key": SENTINELS[3]},
)
ORDER = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}
CSV = b"sku,quantity\nWIDGET,5\n"
REQUESTS: list[tuple[str, str, object]] = [
    ("GET", "/readyz", None),
    ("GET", f"/v1/orders?token={SENTINELS[4]}&password={SENTINELS[4]}", None),
    ("GET", "/v1/orders", None),
    ("GET", "/v1/orders/019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10", None),
    ("GET", "/v1/queue", None),
    ("GET", "/v1/queue/dead", None),
    ("GET", "/v1/inventory/WIDGET/movements?cursor=bW92ZW1lbnRzOic7", None),
    ("GET", "/%00%1b[31m", None),
    ("GET", "/problems/../../etc/passwd", None),
    ("GET", "/docs/..%2f..%2fetc%2fpasswd", None),
    ("POST", "/v1/orders", ORDER),
    ("POST", "/v1/orders", {**ORDER, "customer_id": "'; DROP TABLE orders; --"}),
    ("POST", "/v1/orders", {"customer_id": "\ud800"}),
    ("POST", "/v1/orders/batch", {"orders": [ORDER, ORDER]}),
    ("POST", "/v1/orders/retry", {}),
    ("PUT", "/v1/inventory/WIDGET", {"on_hand": 5}),
    ("POST", "/v1/inventory/import?mode=set", CSV),
    ("BREW", "/v1/orders", None),
]


@pytest.fixture
def server(private_postgresql: Callable[[], PrivatePostgresql]) -> PrivatePostgresql:
    return private_postgresql()


@pytest.fixture
def program(tmp_path: Path, server: PrivatePostgresql) -> Program:
    broker, redis = free_port(), free_port()
    program = Program(
        folder=tmp_path,
        database_url=server.url.replace("postgres@", f"postgres:{SENTINELS[0]}@"),
        variables={
            "OMS_QUEUE_URL": f"amqp://ann:{SENTINELS[1]}@{LOOPBACK}:{broker}/",
            "OMS_RATE_LIMIT_URL": f"redis://:{SENTINELS[2]}@{LOOPBACK}:{redis}/0",
            "OMS_RATE_LIMITS": "default=1000/second",
            "OMS_LOG_LEVEL": "debug",
            "OMS_STORAGE_DEADLINE_SECONDS": "1",
            "OMS_HTTP_PROCESSES": "1",
        },
    )
    assert program.run("db", "upgrade").returncode == 0
    return program


def answers(service: Service) -> Iterator[tuple[int, str]]:
    """Send every request with every set of headers; give statuses, and headers and body of the answers."""
    for headers in HEADERS:
        for method, path, content in REQUESTS:
            body = content if isinstance(content, bytes) else json.dumps(content) if content is not None else None
            media_type = "text/csv" if isinstance(content, bytes) else "application/json"
            with closing(http.client.HTTPConnection(LOOPBACK, service.port, timeout=20)) as connection:
                connection.request(method, path, body=body, headers={"Content-Type": media_type, **headers})
                answer = connection.getresponse()
                yield answer.status, f"{answer.getheaders()}\n{answer.read().decode()}"


def check(service: Service, *, some: int) -> None:
    """Assert that no answer tells what it should not, and that there is one with this status."""
    seen = set()
    for status, text in answers(service):
        seen.add(status)
        assert not any(sentinel in text for sentinel in SENTINELS), text
        if status >= 400:
            assert not INTERNALS.search(text), text
    assert some in seen


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_day_of_failures_leaks_nothing(program: Program, server: PrivatePostgresql, log_format: str) -> None:
    with serving(program, "--log-format", log_format) as service:
        check(service, some=201)
        server.kill()
        check(service, some=503)
        log = service.log
        service.stop()
        written = service.log + service.out
    assert "storage_unavailable" in log, "those who run it are told what the answers keep back"
    assert f"{LOOPBACK}" in log
    assert not any(sentinel in written for sentinel in SENTINELS), written
    assert not re.search(r"SELECT |INSERT |UPDATE ", written)


def test_a_worker_without_its_broker_and_database_leaks_nothing(program: Program, server: PrivatePostgresql) -> None:
    server.kill()
    ran = program.run("worker", "--log-level", "debug")
    assert ran.returncode == 7
    assert not any(sentinel in ran.stdout + ran.stderr for sentinel in SENTINELS)
