"""POST /v1/inventory/import: a CSV of any length, the same rules and report as on the command line."""

from __future__ import annotations

import io
import tracemalloc
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.http.asking import figures, place, read, refused, stock
from tests.http.conformance import ConformingClient

MEBIBYTE = 1024 * 1024


def send(client: ConformingClient, text: str | bytes, query: str = "", **headers: str) -> TestResponse:
    body = text.encode() if isinstance(text, str) else text
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(f"/v1/inventory/import{query}", data=body, content_type="text/csv", headers=fields)


def counts(response: TestResponse) -> tuple[int, int, int, int]:
    assert response.status_code == 200
    report = read(response)
    return report["rows"], report["applied"], report["unchanged"], report["rejected"]


def test_counts_are_set(client: ConformingClient) -> None:
    stock(client, "B", 20)
    response = send(client, "sku,quantity,location,name\nA,10,main,Apple\nB,20,main,\n")
    assert counts(response) == (2, 1, 1, 0)
    assert read(response)["rejects"] == []
    assert read(client.get("/v1/inventory/A"))["name"] == "Apple"


def test_differences_are_added_once_for_each_key(client: ConformingClient) -> None:
    stock(client, "A", 10)
    for _ in range(2):
        response = send(client, "sku,quantity,reason\nA,-3,broken\n", "?mode=adjust", Idempotency_Key='"K1"')
        assert counts(response) == (1, 1, 0, 0)
    assert figures(client, "A") == (7, 0, 7)
    response = send(client, "sku,quantity,reason\nA,-4,broken\n", "?mode=adjust", Idempotency_Key="K1")
    refused(response, 422, "idempotency_key_reused")


def test_one_reason_may_stand_for_all_rows(client: ConformingClient) -> None:
    stock(client, "A", 10)
    response = send(client, "sku,quantity\nA,5\n", "?mode=Adjust&reason=stock%20take", Idempotency_Key="K1")
    assert counts(response) == (1, 1, 0, 0)
    assert read(client.get("/v1/inventory/A/movements"))["items"][0]["reason"] == "stock take"


def test_adjusting_needs_a_key(client: ConformingClient) -> None:
    stock(client, "A", 10)
    response = send(client, "sku,quantity,reason\nA,5,found\n", "?mode=adjust")
    refused(response, 422, "validation_error", "/idempotency_key")
    assert figures(client, "A") == (10, 0, 10)


def test_a_malformed_row_stops_the_import_before_anything_changes(client: ConformingClient) -> None:
    problem = refused(send(client, "sku,quantity\nA,10\nB,many\n"), 422, "validation_error", "/3/quantity")
    assert (problem["rows"], problem["malformed"]) == (2, 1)
    assert read(client.get("/v1/inventory"))["items"] == []


def test_malformed_rows_may_be_skipped(client: ConformingClient) -> None:
    response = send(client, "sku,quantity\nA,10\nB,many\n", "?skip_bad=true")
    assert counts(response) == (2, 1, 0, 1)
    (reject,) = read(response)["rejects"]
    assert (reject["line"], reject["column"], reject["code"], reject["values"]) == (
        3,
        "quantity",
        "wrong_type",
        {"sku": "B", "quantity": "many"},
    )


def test_what_the_stock_refuses_does_not_stop_the_others(client: ConformingClient) -> None:
    stock(client, "A", 10)
    place(client, "A", 4)
    response = send(client, "sku,quantity\nA,3\nB,5\n")
    assert counts(response) == (2, 1, 0, 1)
    assert [reject["code"] for reject in read(response)["rejects"]] == ["stock_below_reserved"]
    assert figures(client, "B") == (5, 0, 5)


def test_a_dry_run_changes_nothing(client: ConformingClient) -> None:
    assert counts(send(client, "sku,quantity\nA,10\n", "?dry_run=true")) == (1, 1, 0, 0)
    assert read(client.get("/v1/inventory"))["items"] == []


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_end_of_line_and_a_byte_order_mark_are_fine(client: ConformingClient, separator: str, mark: str) -> None:
    text = mark + separator.join(["quantity,sku", '10,"A ""x"", B"', "5,é", ""])
    assert counts(send(client, text)) == (2, 2, 0, 0)
    assert figures(client, 'A "x", B') == (10, 0, 10)


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", "/1/sku"),
        ("sku\nA\n", "/1/quantity"),
        ("sku,quantity,colour\nA,1,red\n", "/1/colour"),
        ("sku,quantity,sku\nA,1,A\n", "/1/sku"),
        ("sku,quantity\nA\n", "/2"),
        ("sku,quantity\nA,1,2\n", "/2"),
        ("sku,quantity\nA,-1\n", "/2/quantity"),
        ("sku,quantity\nA,1.5\n", "/2/quantity"),
        ("sku,quantity\nA,9223372036854775808\n", "/2/quantity"),
        ("sku,quantity\nA\x00,1\n", "/2/sku"),
        ("sku,quantity\nA/B,1\n", "/2/sku"),
        ('sku,quantity\n"A,1\n', "/2"),
        (b"sku,quantity\n\xff,1\n", "/2"),
        ("sku,quantity\n" + "A" * 10 * MEBIBYTE + ",1\n", "/2"),
        ("sku,quantity\nA,1\nA,2\n", "/3"),
        ('{"sku": "A", "quantity": 1}\n', "/1"),
        ("sku;quantity\nA;1\n", "/1"),
    ],
)
def test_a_bad_file_is_refused_where_it_is_wrong(client: ConformingClient, text: str | bytes, pointer: str) -> None:
    problem = refused(send(client, text), 422, "validation_error")
    assert any(found["pointer"].startswith(pointer) for found in problem["errors"]), problem
    assert read(client.get("/v1/inventory"))["items"] == []


def test_many_bad_rows_are_told_in_bounds(client: ConformingClient) -> None:
    text = "sku,quantity\n" + "A,x\n" * 1_000
    problem = refused(send(client, text), 422, "validation_error")
    assert (len(problem["errors"]), problem["malformed"]) == (100, 1_000)
    response = send(client, text, "?skip_bad=true")
    assert counts(response) == (1_000, 0, 0, 1_000)
    assert len(read(response)["rejects"]) == 100


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/csv; charset=latin-1", None])
def test_a_file_of_another_type_is_refused(client: ConformingClient, content_type: str | None) -> None:
    response = client.post("/v1/inventory/import", data=b"sku,quantity\nA,1\n", content_type=content_type)
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("mode=replace", "/mode"),
        ("dry_run=yes", "/dry_run"),
        ("skip_bad=", "/skip_bad"),
        ("reason=", "/reason"),
        ("batch=1", "/batch"),
    ],
)
def test_a_bad_query_is_refused(client: ConformingClient, query: str, pointer: str) -> None:
    refused(send(client, "sku,quantity\nA,1\n", f"?{query}"), 422, "validation_error", pointer)


def test_a_product_may_be_called_import(client: ConformingClient) -> None:
    assert stock(client, "import")["sku"] == "import"


class Rows(io.RawIOBase):
    """The body of a large file, made while it is read."""

    def __init__(self, rows: int) -> None:
        self.left = rows
        self.bytes_made = 0
        self.rest = b"sku,quantity\n"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while self.left and len(self.rest) < len(buffer):
            self.rest += b"".join(b"SKU%07d,x%s\n" % (self.left - n, b"y" * 2_000) for n in range(min(self.left, 50)))
            self.left -= min(self.left, 50)
        piece, self.rest = self.rest[: len(buffer)], self.rest[len(buffer) :]
        buffer[: len(piece)] = piece
        self.bytes_made += len(piece)
        return len(piece)


def test_a_large_file_is_never_held_in_memory(client: ConformingClient) -> None:
    body = Rows(10_000)
    client.get("/healthz")
    tracemalloc.start()
    try:
        response = client.post(
            "/v1/inventory/import",
            content_type="text/csv",
            environ_overrides={"wsgi.input": body, "wsgi.input_terminated": True},
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused(response, 422, "validation_error")["malformed"] == 10_000
    assert body.bytes_made > 16 * MEBIBYTE
    assert peak < 8 * MEBIBYTE


def test_the_report_names_what_was_created_and_a_repetition_what_was_done(client: ConformingClient) -> None:
    stock(client, "A", 1)
    text = "sku,quantity,location\nA,5,\nTotal,5,nrth\n,,\n"
    first = send(client, text, Idempotency_Key="K1")
    report = read(first)
    assert (report["created"], report["created_skus"], report["new_locations"]) == (1, ["Total"], ["nrth"])
    assert (report["replayed"], report["blank"]) == (0, 1)
    assert "Idempotent-Replayed" not in first.headers
    again = send(client, text, Idempotency_Key="K1")
    assert (read(again)["replayed"], read(again)["created"]) == (2, 1)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_only_what_is_there_may_be_counted_where_that_is_asked(client: ConformingClient) -> None:
    stock(client, "A", 1)
    response = send(client, "sku,quantity\nA,5\nTotal,5\n", "?existing_only=true")
    assert counts(response) == (2, 1, 0, 1)
    assert [reject["code"] for reject in read(response)["rejects"]] == ["sku_not_found"]
