"""GET /v1/orders/export and /v1/inventory/export: whole files, in two formats, as far as the caller may see."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import tracemalloc
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, Scope, SetStock, Settings
from oms_core.documents.exports import ORDER_EXPORT_COLUMNS
from oms_core.errors import OmsError
from oms_http import exports
from tests.http.asking import order, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming

CALLER = Caller(name="clerk", scopes=ALL_SCOPES)
MEBIBYTE = 1024 * 1024


def rows(response: TestResponse) -> list[dict[str, str]]:
    assert (response.status_code, response.mimetype) == (200, "text/csv")
    return list(csv.DictReader(io.StringIO(response.text)))


def documents(response: TestResponse) -> list[Any]:
    assert (response.status_code, response.mimetype) == (200, "application/jsonl")
    return [json.loads(line) for line in response.text.splitlines()]


@pytest.fixture
def sold(client: ConformingClient) -> ConformingClient:
    """An order of two lines whose reference a spreadsheet would run, then one of another customer."""
    stock(client, "WIDGET", 10, name='=cmd|"/c calc"')
    stock(client, "GADGET", 5, location="berlin")
    lines = [{"sku": "WIDGET", "quantity": 2, "unit_price": "12.50"}, {"sku": "GADGET", "quantity": 1}]
    placed = client.post("/v1/orders", json=order(reference="=1+1", lines=lines, metadata={"a": "x,\ny"}))
    assert placed.status_code == 201
    place(client, customer_id="C2")
    return client


def test_orders_are_a_row_a_line_oldest_first(sold: ConformingClient) -> None:
    response = sold.get("/v1/orders/export")
    found = rows(response)
    assert tuple(found[0]) == ORDER_EXPORT_COLUMNS
    assert [(row["customer_id"], row["line_no"], row["sku"]) for row in found] == [
        ("C1", "1", "WIDGET"),
        ("C1", "2", "GADGET"),
        ("C2", "1", "WIDGET"),
    ]
    assert (found[0]["reference"], json.loads(found[0]["metadata"])) == ("'=1+1", {"a": "x,\ny"})
    assert response.headers["Content-Disposition"] == 'attachment; filename="orders.csv"'
    assert response.headers["Content-Length"] == str(len(response.data))


def test_json_lines_of_orders_are_what_the_list_shows(sold: ConformingClient) -> None:
    response = sold.get("/v1/orders/export?format=jsonl")
    assert documents(response) == read(sold.get("/v1/orders"))["items"][::-1]
    assert response.headers["Content-Disposition"] == 'attachment; filename="orders.jsonl"'


@pytest.mark.parametrize(
    ("query", "customers"),
    [
        ("customer_id=C2", ["C2"]),
        ("status=pending,queued&sku=GADGET", ["C1"]),
        ("reference=%3D1%2B1", ["C1"]),
        ("created_to=2020-01-01T00:00:00Z", []),
        ("created_from=2020-01-01T00:00:00Z", ["C1", "C2"]),
        ("status=cancelled", []),
    ],
)
def test_the_filters_are_those_of_the_list(sold: ConformingClient, query: str, customers: list[str]) -> None:
    found = documents(sold.get(f"/v1/orders/export?format=jsonl&{query}"))
    assert [each["customer_id"] for each in found] == customers


def test_stock_is_exported_as_it_is_imported(sold: ConformingClient) -> None:
    text = sold.get("/v1/inventory/export").text
    assert text == 'sku,quantity,location,name\nGADGET,5,berlin,\nWIDGET,10,main,"\'=cmd|""/c calc"""\n'
    report = read(sold.post("/v1/inventory/import", data=text.encode(), content_type="text/csv"))
    assert (report["rows"], report["unchanged"]) == (2, 2)
    assert documents(sold.get("/v1/inventory/export?format=jsonl&low_stock=false"))[1] == {
        "sku": "WIDGET",
        "quantity": 10,
        "location": "main",
        "name": '=cmd|"/c calc"',
    }


def test_an_empty_export_has_its_header(client: ConformingClient) -> None:
    assert client.get("/v1/inventory/export").text == "sku,quantity,location,name\n"
    assert client.get("/v1/orders/export").text == ",".join(ORDER_EXPORT_COLUMNS) + "\n"
    assert client.get("/v1/orders/export?format=jsonl").data == b""


@pytest.mark.parametrize("path", ["/v1/orders/export", "/v1/inventory/export"])
def test_head_reads_nothing(sold: ConformingClient, oms: Oms, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(exports, "_write", None)
    response = sold.head(path)
    assert (response.status_code, response.data) == (200, b"")


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("/v1/orders/export", "format=xlsx", "/format"),
        ("/v1/orders/export", "format=csv&format=csv", "/format"),
        ("/v1/orders/export", "limit=5", "/limit"),
        ("/v1/orders/export", "status=lost", "/status"),
        ("/v1/orders/export", "created_from=yesterday", "/created_from"),
        ("/v1/inventory/export", "format=CSV", "/format"),
        ("/v1/inventory/export", "low_stock=1", "/low_stock"),
        ("/v1/inventory/export", "cursor=x", "/cursor"),
    ],
)
def test_a_bad_query_is_refused(client: ConformingClient, path: str, query: str, pointer: str) -> None:
    refused(client.get(f"{path}?{query}"), 422, "validation_error", pointer)


def test_a_key_bound_to_a_customer_exports_its_own_orders_and_needs_the_scope() -> None:
    with Oms.open(Settings(database_url="memory://", auth="keys")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10), caller=CALLER)
        app = conforming(oms)
        admin, bound, other = (
            {"Authorization": f"Bearer {oms.api_keys.create(command, caller=CALLER).token}"}
            for command in (
                CreateApiKey(name="admin", scopes=[Scope.ADMIN]),
                CreateApiKey(name="shop", scopes=[Scope.ORDERS_READ, Scope.ORDERS_WRITE], customer_id="C2"),
                CreateApiKey(name="stocktaker", scopes=[Scope.INVENTORY_READ]),
            )
        )
        client = client_of(app)
        for customer, key in (("C1", admin), ("C2", bound)):
            assert client.post("/v1/orders", json=order(customer_id=customer), headers=key).status_code == 201
        assert [row["customer_id"] for row in rows(client.get("/v1/orders/export", headers=bound))] == ["C2"]
        assert rows(client.get("/v1/orders/export?customer_id=C1", headers=bound)) == []
        assert len(rows(client.get("/v1/orders/export", headers=admin))) == 2
        refused(client.get("/v1/orders/export", headers=other), 403, "forbidden")
        refused(client.get("/v1/inventory/export", headers=bound), 403, "forbidden")
        assert len(rows(client.get("/v1/inventory/export", headers=other))) == 1


def test_a_failure_half_way_is_an_error_and_no_cut_file(
    sold: ConformingClient, oms: Oms, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = iter([oms._ports.storage.orders.find])

    def find(*args: Any, **given: Any) -> Any:
        for real in asked:
            return real(*args, **given) * 225
        raise OmsError("storage_unavailable", "the database has gone")

    monkeypatch.setattr(type(oms._ports.storage.orders), "find", lambda _, *args, **given: find(*args, **given))
    refused(sold.get("/v1/orders/export"), 503, "storage_unavailable")


def test_a_disk_without_room_and_a_file_beyond_the_bound_are_told(
    sold: ConformingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "EXPORT_BYTES_MAX", 100)
    refused(sold.get("/v1/orders/export"), 422, "validation_error", "")
    monkeypatch.undo()

    def full() -> io.BytesIO:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    problem = refused(sold.get("/v1/orders/export"), 503, "storage_unavailable")
    assert "No space left" not in problem["detail"] or "TMPDIR" in problem["detail"]


def test_a_large_export_is_never_held_in_memory(app: Flask, oms: Oms) -> None:
    names = "N" * 200
    for number in range(400):
        oms.stock.set(SetStock(sku=f"SKU-{number:03d}" + "x" * 50, on_hand=1, name=names), caller=CALLER)
    products = oms._ports.storage.stock.find
    client = app.test_client()
    client.get("/v1/inventory/export")
    with pytest.MonkeyPatch.context() as patch:
        # 100 pages of 500 products: some 14 MB of CSV.
        pages = iter(range(100))

        def find(wanted: Any, *, after: str | None, limit: int) -> Any:
            found = products(wanted, after=None, limit=limit)
            return (found + found)[:500] if next(pages, None) is not None else []

        patch.setattr(type(oms._ports.storage.stock), "find", lambda _, *args, **given: find(*args, **given))
        tracemalloc.start()
        try:
            response = client.get("/v1/inventory/export", buffered=False)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert int(response.headers["Content-Length"]) > 12 * MEBIBYTE
    assert peak < 6 * MEBIBYTE
    response.close()
