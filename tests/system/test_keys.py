"""API keys on a real service: made and revoked with the CLI, honoured by every process of the server in seconds."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.programs import Program
from tests.cli.serving import Service, serving
from tests.services.tcp import LOOPBACK

# With so many connections, each of two processes answers some.
ASKED = 40
HONOURED_SECONDS = 5.0
GIVING_UP_SECONDS = 60.0


@pytest.fixture(params=["sqlite", "postgresql"])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Program:
    """The program with keys in force, on an empty database."""
    url = f"sqlite:///{tmp_path}/oms.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")
    program = Program(folder=tmp_path, database_url=url).under(OMS_AUTH="keys", OMS_RATE_LIMITS="off")
    assert program.run("db", "upgrade").returncode == 0
    return program


@pytest.fixture
def service(program: Program) -> Iterator[Service]:
    with serving(program) as running:
        yield running


def make(program: Program, verb: str, name: str, *options: str) -> str:
    """Make a key with the CLI; give its text."""
    ran = program.run("keys", verb, name, *options)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def ask(
    service: Service, key: str, method: str = "GET", path: str = "/v1/orders", document: object = None
) -> tuple[int, str]:
    """Send a request on a connection of its own."""
    with closing(http.client.HTTPConnection(LOOPBACK, service.port, timeout=20)) as connection:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        connection.request(method, path, None if document is None else json.dumps(document), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_every_process_honours_a_revocation_within_five_seconds(program: Program, service: Service) -> None:
    key, other = (make(program, "create", name, "--scope", "orders:read") for name in ("shop", "other"))
    assert {ask(service, key)[0] for _ in range(ASKED)} == {200}
    assert program.run("keys", "revoke", "shop", "--yes").returncode == 0
    revoked_at = time.monotonic()
    refused_in_a_row, last_served_at = 0, 0.0
    while refused_in_a_row < ASKED:
        asked_at = time.monotonic()
        status, _ = ask(service, key)
        refused_in_a_row = refused_in_a_row + 1 if status == 401 else 0
        last_served_at = last_served_at if status == 401 else asked_at
        assert asked_at < revoked_at + GIVING_UP_SECONDS
    assert last_served_at < revoked_at + HONOURED_SECONDS
    assert ask(service, other)[0] == 200
    fresh = make(program, "rotate", "shop")
    assert ask(service, fresh)[0] == 200


def test_what_a_key_does_stands_under_its_name(program: Program, service: Service) -> None:
    clerk, shop = (make(program, "create", name, "--scope", "admin") for name in ("clerk", "shop"))
    order = {"customer_id": "C1", "lines": [{"sku": "WIDGET", "quantity": 1}]}
    assert ask(service, clerk, "PUT", "/v1/inventory/WIDGET", {"on_hand": 9})[0] == 201
    assert ask(service, shop, "POST", "/v1/orders", order)[0] == 201
    ran = program.run("inventory", "movements", "WIDGET", "-o", "json")
    assert [(row["kind"], row["actor"]) for row in json.loads(ran.stdout)] == [("reserve", "shop"), ("count", "clerk")]


def test_no_secret_is_logged(program: Program, service: Service) -> None:
    key = make(program, "create", "shop", "--scope", "admin")
    ask(service, key)
    ask(service, key[:-4] + "0000")
    made = json.loads(ask(service, key, "POST", "/v1/keys", {"name": "other", "scopes": ["orders:read"]})[1])["key"]
    service.stop()
    assert "key other number 1" in service.log
    for text in (key, made):
        assert text[-64:-4] not in service.log + service.out
