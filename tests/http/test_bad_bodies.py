"""Bodies that are refused: each with its status, code and pointer, and nothing is changed by them."""

from __future__ import annotations

import pytest

from tests.bad_input import BAD_ADJUSTMENTS, BAD_ORDERS, BAD_STOCK_SETS, MALFORMED, BadInput
from tests.http.asking import figures, order, read, refused, stock
from tests.http.conformance import ConformingClient

MEBIBYTE = 1024 * 1024


def check_refusal(client: ConformingClient, method: str, path: str, bad: BadInput) -> None:
    stock(client)
    before = read(client.get("/v1/inventory"))
    response = client.open(path, method=method, data=bad.body, content_type="application/json")
    pointers = [] if bad.pointer is None else [bad.pointer]
    refused(response, 400 if bad.code == MALFORMED else 422, bad.code, *pointers)
    assert read(client.get("/v1/inventory")) == before
    assert read(client.get("/v1/orders"))["items"] == []


@pytest.mark.parametrize("bad", BAD_ORDERS, ids=str)
def test_a_bad_order_is_refused(client: ConformingClient, bad: BadInput) -> None:
    check_refusal(client, "POST", "/v1/orders", bad)


@pytest.mark.parametrize("bad", BAD_STOCK_SETS, ids=str)
def test_a_bad_set_of_stock_is_refused(client: ConformingClient, bad: BadInput) -> None:
    check_refusal(client, "PUT", "/v1/inventory/WIDGET", bad)


@pytest.mark.parametrize("bad", BAD_ADJUSTMENTS, ids=str)
def test_a_bad_adjustment_is_refused(client: ConformingClient, bad: BadInput) -> None:
    check_refusal(client, "POST", "/v1/inventory/WIDGET/adjustments", bad)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/json",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/jsonx",
        "application/merge-patch+json",
    ],
)
def test_a_body_of_another_type_is_refused(client: ConformingClient, content_type: str | None) -> None:
    stock(client)
    response = client.post("/v1/orders", data=b'{"customer_id": "C1"}', content_type=content_type)
    refused(response, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json"]
)
def test_json_in_utf_8_is_taken_however_it_is_spelt(client: ConformingClient, content_type: str) -> None:
    response = client.put("/v1/inventory/WIDGET", data=b'{"on_hand": 1}', content_type=content_type)
    assert response.status_code == 201


def test_a_compressed_body_is_refused(client: ConformingClient) -> None:
    response = client.post("/v1/orders", json=order(), headers={"Content-Encoding": "gzip"})
    refused(response, 415, "unsupported_media_type")


def test_no_body_at_all_is_refused(client: ConformingClient) -> None:
    refused(client.post("/v1/orders"), 415, "unsupported_media_type")
    refused(client.post("/v1/orders", content_type="application/json"), 400, "malformed_json")


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("POST", "/v1/orders", MEBIBYTE),
        ("POST", "/v1/orders/batch", 8 * MEBIBYTE),
        ("PUT", "/v1/inventory/WIDGET", MEBIBYTE),
        ("POST", "/v1/inventory/WIDGET/adjustments", MEBIBYTE),
        ("PUT", "/v1/orders/0/status", MEBIBYTE),
    ],
)
def test_a_body_above_the_limit_is_refused(client: ConformingClient, method: str, path: str, limit: int) -> None:
    stock(client)
    for size in (limit + 1, 10 * MEBIBYTE):
        body = b'{"x": "' + b"a" * (size - 9) + b'"}'
        response = client.open(path, method=method, data=body, content_type="application/json")
        refused(response, 413, "payload_too_large")
    body = b'{"x": "' + b"a" * (limit - 9) + b'"}'
    response = client.open(path, method=method, data=body, content_type="application/json")
    refused(response, 422, "validation_error")
    assert figures(client) == (10, 0, 10)


def test_many_wrong_fields_are_told_in_bounds(client: ConformingClient) -> None:
    document = {f"field{number}": 1 for number in range(20_000)}
    for path in ("/v1/orders", "/v1/inventory/WIDGET/adjustments"):
        problem = refused(client.post(path, json=document), 422, "validation_error")
        assert len(problem["errors"]) == 100


def test_a_long_name_of_a_field_is_cut(client: ConformingClient) -> None:
    for path in ("/v1/orders", "/v1/inventory/WIDGET/adjustments"):
        assert len(client.post(path, json={"é" * 100_000: 1}).data) < 1_000


def test_a_field_whose_name_has_braces_is_told(client: ConformingClient) -> None:
    response = client.put("/v1/inventory/WIDGET", json={"{name}": 1, "a/b~c": 2, "é": 3})
    refused(response, 422, "validation_error", "/a~1b~0c", "/{name}", "/\\xe9")


def test_a_field_whose_name_is_no_text_is_refused(client: ConformingClient) -> None:
    refused(client.put("/v1/inventory/WIDGET", json={"\ud800": 1}), 422, "validation_error", "")


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8-sig", "byte order mark"),
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16"),
        ("utf-16-be", "UTF-16"),
        ("utf-32", "UTF-32"),
    ],
)
def test_a_body_in_another_encoding_is_told_which_it_is(client: ConformingClient, encoding: str, said: str) -> None:
    for path in ("/v1/orders", "/v1/inventory/WIDGET/adjustments", "/v1/orders/batch"):
        body = '{"customer_id": "C1"}'.encode(encoding)
        problem = refused(client.post(path, data=body, content_type="application/json"), 400, "malformed_json")
        assert said in problem["detail"]


@pytest.mark.parametrize(
    ("method", "path", "document", "pointers"),
    [
        (
            "POST",
            "/v1/orders",
            {"colour": 1, "lines": [{"sku": "A", "quantity": "1"}], "metadata": {"a": "\x00"}},
            ["/colour", "/customer_id", "/metadata/a", "/lines/0/quantity"],
        ),
        (
            "PUT",
            "/v1/inventory/WIDGET",
            {"colour": 1, "on_hand": "1", "name": "\x07", "location": " a", "reason": "", "low_stock_threshold": -1},
            ["/colour", "/on_hand", "/name", "/location", "/reason", "/low_stock_threshold"],
        ),
        (
            "PUT",
            "/v1/inventory/WIDGET",
            {"expected_on_hand": 1, "name": 1, "reference": "a\u3164"},
            ["/expected_on_hand", "/name", "/reference"],
        ),
        (
            "POST",
            "/v1/inventory/WIDGET/adjustments",
            {"delta": 0, "location": "a/b", "colour": 1},
            ["/delta", "/location", "/colour", "/reason"],
        ),
        (
            "PUT",
            "/v1/orders/019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10/status",
            {"status": "lost", "reason": "\x1b", "colour": 1},
            ["/status", "/reason", "/colour"],
        ),
        (
            "POST",
            "/v1/orders/019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10/retry",
            {"reason": "\x1b", "colour": 1},
            ["/reason", "/colour"],
        ),
        (
            "POST",
            "/v1/orders/retry",
            {"status": ["rejected", "lost"], "sku": "a\u200b", "limit": "5", "reason": 1, "colour": 1},
            ["/status/1", "/sku", "/limit", "/reason", "/colour"],
        ),
        (
            "POST",
            "/v1/keys",
            {"name": "-", "scopes": ["admin", "all"], "customer_id": "C ", "expires_at": "soon", "colour": 1},
            ["/name", "/scopes/1", "/scopes", "/customer_id", "/expires_at", "/colour"],
        ),
        (
            "POST",
            "/v1/keys/shop/rotate",
            {"overlap_seconds": -1, "expires_at": "soon", "colour": 1},
            ["/overlap_seconds", "/expires_at", "/colour"],
        ),
        ("POST", "/v1/queue/dead/replay", {"ids": ["", 1], "colour": 1}, ["/ids/0", "/ids/1", "/colour"]),
        ("POST", "/v1/orders/batch", {"orders": [], "colour": 1}, ["/orders", "/colour"]),
    ],
)
def test_all_that_is_wrong_with_a_body_is_told_at_once(
    client: ConformingClient, method: str, path: str, document: object, pointers: list[str]
) -> None:
    stock(client)
    response = client.open(path, method=method, json=document)
    assert {found["pointer"] for found in refused(response, 422, "validation_error")["errors"]} == set(pointers)


@pytest.mark.parametrize(
    ("method", "path", "document", "pointers"),
    [
        ("POST", "/v1/orders", {"customer_id": "C1"}, ["/idempotency_key", "/lines"]),
        ("POST", "/v1/orders/batch", {"orders": []}, ["/idempotency_key", "/orders"]),
        ("PUT", "/v1/inventory/A%20", {"on_hand": "1"}, ["/sku", "/on_hand"]),
        ("PUT", "/v1/inventory/A%FF", {"on_hand": "1"}, ["/sku", "/on_hand"]),
        ("POST", "/v1/inventory/%2E/adjustments", {"delta": 1}, ["/sku", "/idempotency_key", "/reason"]),
        ("PUT", "/v1/orders/x/status", {"status": "lost"}, ["/if_match", "/status"]),
        ("POST", "/v1/orders/x/retry", {"reason": 1}, ["/if_match", "/idempotency_key", "/reason"]),
        ("POST", "/v1/orders/retry", {"limit": 0}, ["/idempotency_key", "/limit"]),
        ("POST", "/v1/keys", {"name": "a"}, ["/idempotency_key", "/scopes"]),
        ("POST", "/v1/keys/-/rotate", {"overlap_seconds": -1}, ["/idempotency_key", "/name", "/overlap_seconds"]),
    ],
)
def test_what_is_wrong_beside_a_body_is_told_with_what_is_wrong_in_it(
    client: ConformingClient, method: str, path: str, document: object, pointers: list[str]
) -> None:
    headers = {"Idempotency-Key": "x" * 256, "If-Match": '"1", "2"'}
    response = client.open(f"{path}?colour=1", method=method, json=document, headers=headers)
    assert {found["pointer"] for found in refused(response, 422, "validation_error")["errors"]} == {
        "/colour",
        *pointers,
    }


def test_a_query_and_a_key_of_an_import_are_told_together(client: ConformingClient) -> None:
    response = client.post(
        "/v1/inventory/import?mode=x", content_type="text/csv", headers={"Idempotency-Key": "x" * 256}
    )
    found = {error["pointer"] for error in refused(response, 422, "validation_error")["errors"]}
    assert found == {"/mode", "/idempotency_key"}


def test_all_that_is_wrong_with_an_order_of_a_batch_is_told_at_once(client: ConformingClient) -> None:
    order = {"colour": 1, "customer_id": "C1", "lines": [{"sku": "A", "quantity": "1", "price": 1}]}
    (outcome,) = client.post("/v1/orders/batch", json={"orders": [order]}).get_json()["outcomes"]
    found = {error["pointer"] for error in outcome["error"]["errors"]}
    assert found == {"/orders/0/colour", "/orders/0/lines/0/price", "/orders/0/lines/0/quantity"}


def test_all_that_is_wrong_with_a_query_is_told_at_once(client: ConformingClient) -> None:
    response = client.get("/v1/orders?colour=1&customer_id=%00&limit=x&status=lost&created_to=soon")
    found = {error["pointer"] for error in refused(response, 422, "validation_error")["errors"]}
    assert found == {"/colour", "/customer_id", "/limit", "/status", "/created_to"}
