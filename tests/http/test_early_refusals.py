"""Large bodies of callers who may not send any: refused by their heads, before they cost memory or disk."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest

from tests.cli.programs import Program
from tests.cli.serving import Service, serving
from tests.http.server_process import Answer, answer_on, request
from tests.services.tcp import LOOPBACK

GIBIBYTE = 1024 * 1024 * 1024
CSV = "Content-Type: text/csv\r\n"
STRANGERS = 20


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """The program on a database of its own, asking for keys."""
    folder = tmp_path_factory.mktemp("service")
    return Program(folder=folder, database_url="sqlite:///oms.db").under(OMS_AUTH="keys")


@pytest.fixture(scope="module")
def asked(program: Program) -> Iterator[tuple[Service, str]]:
    """A service that asks for keys, and the header with a good one."""
    key = header_of_new_key(program, "stock", "--scope", "inventory:write,inventory:read")
    with serving(program) as service:
        yield service, key


def header_of_new_key(program: Program, name: str, *options: str) -> str:
    made = program.run("keys", "create", name, *options, "-o", "json")
    assert made.returncode == 0, made.stderr
    return f"Authorization: Bearer {json.loads(made.stdout)['key']}\r\n"


def connect(service: Service) -> socket.socket:
    return socket.create_connection((LOOPBACK, service.port), timeout=20)


def answer_to(service: Service, sent: bytes) -> Answer:
    with connect(service) as connection:
        connection.sendall(sent)
        return answer_on(connection)


@pytest.mark.parametrize(
    "fields", [f"Content-Length: {GIBIBYTE}\r\n", "Content-Length: 70000\r\n", "Transfer-Encoding: chunked\r\n"]
)
@pytest.mark.parametrize("path", ["/v1/inventory/import", "/v1/orders/batch", "/v1/orders"])
def test_a_stranger_is_answered_before_the_body_is_there(asked: tuple[Service, str], path: str, fields: str) -> None:
    too_large = path != "/v1/inventory/import" and str(GIBIBYTE) in fields
    answer = answer_to(asked[0], request(path, method="POST", fields=CSV + fields))
    assert (answer.status, answer.headers["connection"]) == (413 if too_large else 401, "close")
    assert too_large or answer.headers["www-authenticate"].startswith("Bearer")


def test_a_path_or_a_method_that_is_none_is_answered_too(asked: tuple[Service, str]) -> None:
    fields = "Content-Length: 500000\r\n"
    assert answer_to(asked[0], request("/nowhere", method="POST", fields=fields)).status == 404
    assert answer_to(asked[0], request("/v1/orders", method="DELETE", fields=fields)).status == 405


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("POST", ()),
        ("OPTIONS", ()),
        ("POST", ("--scope", "inventory:read,orders:write")),
    ],
    ids=["a stranger", "a stranger's OPTIONS", "a key without the scope"],
)
def test_who_may_not_import_takes_no_place_from_those_who_may(
    asked: tuple[Service, str], program: Program, method: str, options: tuple[str, ...]
) -> None:
    service, key = asked
    fields = CSV + (header_of_new_key(program, "weak", *options) if options else "")
    fields += f"Content-Length: {GIBIBYTE}\r\n"
    half = request("/v1/inventory/import", method=method, fields=fields) + b"sku,"
    with contextlib.ExitStack() as connections:
        for _ in range(STRANGERS):
            connection = connections.enter_context(connect(service))
            connection.sendall(half)
            assert answer_on(connection).status == {"OPTIONS": 204}.get(method, 403 if options else 401)
        rows = "sku,quantity\n" + "".join(f"S{number},1\n" for number in range(20_000))
        answer = answer_to(
            service, request("/v1/inventory/import", method="POST", body=rows.encode(), fields=CSV + key)
        )
    assert (answer.status, answer.json["rows"]) == (200, 20_000)


def test_who_expects_continue_is_told_to_only_with_a_key(asked: tuple[Service, str]) -> None:
    service, key = asked
    fields = f"{CSV}Content-Length: 100000\r\nExpect: 100-continue\r\n"
    assert answer_to(service, request("/v1/inventory/import", method="POST", fields=fields)).status == 401
    with connect(service) as connection:
        connection.sendall(request("/v1/inventory/import", method="POST", fields=fields + key))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"


def test_asking_first_is_not_counted(asked: tuple[Service, str]) -> None:
    service, key = asked
    body = b"sku,quantity\n" + b"".join(b"T%d,1\n" % number for number in range(20_000))
    assert answer_to(service, request("/v1/inventory/import", method="POST", body=body, fields=CSV + key)).status == 200
    assert 'method="POST",route="/v1/inventory/import",status="204"' not in service.ask("GET", "/metrics")[1]


def test_a_key_without_the_scope_is_refused_by_its_head_alone(asked: tuple[Service, str]) -> None:
    service, key = asked
    fields = f"{key}Content-Type: application/json\r\nContent-Length: 500000\r\n"
    answer = answer_to(service, request("/v1/orders/batch", method="POST", fields=fields))
    assert (answer.status, answer.json["code"]) == (403, "forbidden")
