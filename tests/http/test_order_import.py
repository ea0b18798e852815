"""POST /v1/orders/import: a file of orders of any length, the same rules and report as on the command line."""

from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest
from werkzeug.test import TestResponse

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, Scope, SetStock, Settings
from oms_core.errors import OmsError
from tests.http.asking import figures, order, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming

MEBIBYTE = 1024 * 1024
CALLER = Caller(name="clerk", scopes=ALL_SCOPES)
CSV, JSONL = "text/csv", "application/jsonl"
HEADER = "reference,customer_id,sku,quantity\n"


def send(
    client: ConformingClient, text: str | bytes, query: str = "", content_type: str | None = CSV, **headers: str
) -> TestResponse:
    body = text.encode() if isinstance(text, str) else text
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/v1/orders/import{query}", data=body, content_type=content_type, headers=fields)


def counts(response: TestResponse) -> tuple[int, int, int, int]:
    assert response.status_code == 200, response.text
    report = read(response)
    return report["orders"], report["placed"], report["replayed"], report["refused"]


def orders(client: ConformingClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(client.get("/v1/orders"))["items"]
    return found


def test_orders_of_csv_are_placed_once_however_often_the_file_is_sent(client: ConformingClient) -> None:
    stock(client, "A", 10)
    text = HEADER + "R1,C1,A,1\nR1,C1,A,2\nR2,C2,A,3\n,,,\n"
    first = send(client, text)
    assert counts(first) == (2, 2, 0, 0)
    assert (read(first)["blank"], read(first)["rejects"]) == (1, [])
    assert "Idempotent-Replayed" not in first.headers
    again = send(client, text)
    assert counts(again) == (2, 0, 2, 0)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert figures(client, "A") == (10, 6, 4)


def test_json_lines_without_keys_take_that_of_the_request_and_their_line(client: ConformingClient) -> None:
    stock(client, "A", 10)
    text = "".join(json.dumps(order("A")) + "\n" for _ in range(3)) + json.dumps(order("A", reference="R1")) + "\n"
    problem = refused(send(client, text, content_type=JSONL), 422, "validation_error", "/1/idempotency_key")
    assert problem["malformed"] == 3
    for expected in ((4, 4, 0, 0), (4, 0, 4, 0)):
        assert counts(send(client, text, content_type=JSONL, Idempotency_Key='"night 1"')) == expected
    changed = text.replace('"quantity": 1', '"quantity": 2', 1)
    response = send(client, changed, content_type=JSONL, Idempotency_Key="night 1")
    assert counts(response) == (4, 0, 3, 1)
    assert [(each["line"], each["code"]) for each in read(response)["rejects"]] == [(1, "idempotency_key_reused")]
    assert figures(client, "A") == (10, 4, 6)


def test_an_order_that_came_by_another_route_is_the_same_order(client: ConformingClient) -> None:
    stock(client, "A", 10)
    document = order("A", reference="R1")
    assert client.post("/v1/orders", json=document, headers={"Idempotency-Key": "R1"}).status_code == 201
    assert counts(send(client, HEADER + "R1,C1,A,1\n")) == (1, 0, 1, 0)
    assert len(orders(client)) == 1


def test_what_the_stock_refuses_does_not_stop_the_others(client: ConformingClient) -> None:
    stock(client, "A", 3)
    response = send(client, HEADER + "R1,C1,A,2\nR2,C1,A,2\nR3,C1,B,1\nR4,C1,A,1\n")
    assert counts(response) == (4, 2, 0, 2)
    shown = [(each["line"], each["code"]) for each in read(response)["rejects"]]
    assert shown == [(3, "insufficient_inventory"), (4, "unknown_sku")]


def test_a_malformed_order_stops_the_import_before_anything_is_placed(client: ConformingClient) -> None:
    stock(client, "A", 3)
    text = HEADER + "R1,C1,A,1\nR2,C1,A,many\n"
    problem = refused(send(client, text), 422, "validation_error", "/3/quantity")
    assert (problem["orders"], problem["malformed"]) == (2, 1)
    assert orders(client) == []
    assert counts(send(client, text, "?skip_bad=true")) == (2, 1, 0, 1)


def test_a_dry_run_places_nothing(client: ConformingClient) -> None:
    stock(client, "A", 3)
    text = HEADER + "R1,C1,A,2\nR2,C1,A,2\n"
    assert counts(send(client, text, "?dry_run=true")) == (2, 1, 0, 1)
    assert orders(client) == []


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", "/1"),
        ("customer_id,sku,quantity\nC1,A,1\n", "/1"),
        (HEADER + "R1,C1,A\n", "/2"),
        (HEADER + "R1,C1,A,1,2\n", "/2"),
        (HEADER + ",C1,A,1\n", "/2"),
        (HEADER + "R1,C1,A,0\n", "/2/quantity"),
        (HEADER + "R1,C1,A,-1\n", "/2/quantity"),
        (HEADER + "R1,,A,1\n", "/2/customer_id"),
        (HEADER + "R1,C1,A,1\nR1,C2,A,1\n", "/3/customer_id"),
        (HEADER + "R1,C1,A,1\nR2,C1,A,1\nR1,C1,A,1\n", "/2"),
        (HEADER + "R\x00,C1,A,1\n", "/2"),
        (HEADER + '"R1,C1,A,1\n', "/2"),
        (HEADER.encode() + b"\xff,C1,A,1\n", "/2"),
        (HEADER + "R" * 10 * MEBIBYTE + ",C1,A,1\n", "/2"),
        (HEADER.encode("utf-16") + "R1,C1,A,1\n".encode("utf-16-le"), ""),
        (b"\x1f\x8b\x08" + bytes(100), ""),
        ("reference;customer_id;sku;quantity\nR1;C1;A;1\n", "/1"),
        ('{"customer_id": "C1"}\n', "/1"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_file_is_refused_where_it_is_wrong(client: ConformingClient, text: str | bytes, pointer: str) -> None:
    problem = refused(send(client, text), 422, "validation_error")
    assert any(found["pointer"].startswith(pointer) for found in problem["errors"]), problem
    assert orders(client) == []


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{",
        '{"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], "reference": "R1"',
        '{"customer_id": "C1", "lines": [], "reference": "R1"}',
        '{"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1.5}], "reference": "R1"}',
        '{"customer_id": "C1", "customer_id": "C2", "lines": [{"sku": "A", "quantity": 1}], "reference": "R1"}',
        '{"customer_id": "C1", "lines": [{"sku": "A", "quantity": NaN}], "reference": "R1"}',
        '{"customer_id": "C1", "lines": [{"sku": "A", "quantity": 1}], "reference": "R1", "colour": "red"}',
        b'{"customer_id": "\xff", "lines": [{"sku": "A", "quantity": 1}], "reference": "R1"}',
    ],
    ids=str,
)
def test_a_bad_line_of_json_is_refused_where_it_is(client: ConformingClient, line: str | bytes) -> None:
    stock(client, "A", 3)
    good = json.dumps(order("A", reference="R0")).encode() + b"\n"
    body = good + (line.encode() if isinstance(line, str) else line)  # The last line is cut, or has no line end.
    problem = refused(send(client, body, content_type=JSONL), 422, "validation_error")
    assert any(found["pointer"].startswith("/2") for found in problem["errors"]), problem
    assert orders(client) == []


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/csv; charset=latin-1", None])
def test_a_file_of_another_type_is_refused(client: ConformingClient, content_type: str | None) -> None:
    refused(send(client, HEADER, content_type=content_type), 415, "unsupported_media_type")


@pytest.mark.parametrize("key", ["ä", "x" * 248, "a\x7f", '""'])
def test_a_bad_key_is_refused(client: ConformingClient, key: str) -> None:
    refused(send(client, HEADER, Idempotency_Key=key), 422, "validation_error", "/idempotency_key")


@pytest.mark.parametrize("query", ["dry_run=yes", "skip_bad=", "mode=set", "format=csv"])
def test_a_bad_query_is_refused(client: ConformingClient, query: str) -> None:
    pointer = f"/{query.partition('=')[0]}"
    refused(send(client, HEADER, f"?{query}"), 422, "validation_error", pointer)


def test_a_key_bound_to_a_customer_imports_its_own_and_needs_both_scopes() -> None:
    with Oms.open(Settings(database_url="memory://", auth="keys")) as oms:
        oms.stock.set(SetStock(sku="A", on_hand=10), caller=CALLER)
        tokens = []
        for name, scopes in (("writer", [Scope.ORDERS_WRITE]), ("bound", [Scope.ORDERS_WRITE, Scope.ORDERS_MANAGE])):
            command = CreateApiKey(name=name, scopes=scopes, customer_id="C1")
            tokens.append(oms.api_keys.create(command, caller=CALLER).token)
        writer, bound = (f"Bearer {token}" for token in tokens)
        client = client_of(conforming(oms))
        text = HEADER + "R1,C1,A,1\nR2,C2,A,1\n"
        refused(send(client, text, Authorization=writer), 403, "forbidden")
        response = send(client, text, Authorization=bound)
        assert counts(response) == (2, 1, 0, 1)
        assert [(each["line"], each["code"]) for each in read(response)["rejects"]] == [(3, "forbidden")]


def test_an_import_whose_storage_fails_says_how_far_it_came_and_goes_on(
    client: ConformingClient, oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock(client, "A", 2_000)
    text = HEADER + "".join(f"R{number},C1,A,1\n" for number in range(1_200))
    place = type(oms._ports.storage.orders).place
    left = iter(range(1))

    def failing(self: Any, placements: Any, decide: Any) -> Any:
        if next(left, None) is None:
            raise OmsError("storage_unavailable", "the database has gone")
        return place(self, placements, decide)

    monkeypatch.setattr(type(oms._ports.storage.orders), "place", failing)
    problem = refused(send(client, text, Idempotency_Key="K1"), 503, "storage_unavailable")
    assert problem["placed"] == 500
    monkeypatch.undo()
    assert counts(send(client, text, Idempotency_Key="K1")) == (1_200, 700, 500, 0)
    assert figures(client, "A") == (2_000, 1_200, 800)


class Orders(io.RawIOBase):
    """The body of a large file, made while it is read."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.bytes_made = 0
        self.rest = HEADER.encode()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self.left and len(self.rest) < len(buffer):
            self.rest += b"".join(b"R%07d,%s,A,0\n" % (self.left - n, b"y" * 2_000) for n in range(min(self.left, 50)))
            self.left -= min(self.left, 50)
        piece, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(piece)] = piece
        self.bytes_made += len(piece)
        return len(piece)


def test_a_large_file_is_never_held_in_memory(client: ConformingClient) -> None:
    body = Orders(10_000)
    client.get("/healthz")
    tracemalloc.start()
    try:
        given = {"wsgi.input": body, "wsgi.input_terminated": True}
        response = client.post("/v1/orders/import", content_type=CSV, environ_overrides=given)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused(response, 422, "validation_error")["malformed"] == 10_000
    assert body.bytes_made > 16 * MEBIBYTE
    assert peak < 8 * MEBIBYTE
