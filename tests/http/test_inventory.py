"""Stock over HTTP: setting, correcting, reading, listing."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.http.asking import figures, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.texts import BAD_NAMES, GOOD_PROSE

SKUS = ["A B", "50% off+more", "Grüße", "日本", "😀", "a?b#c&d=e", "semi;colon", '"quoted"', "import", "batch", "..."]


def raw_put(client: ConformingClient, path: bytes, document: object) -> TestResponse:
    """PUT to a path that no client library would send."""
    return client.put("/", json=document, environ_overrides={"PATH_INFO": path.decode("latin-1")})


def test_a_product_is_created_and_says_where_it_is(client: ConformingClient) -> None:
    response = client.put(
        "/v1/inventory/WIDGET", json={"on_hand": 25, "name": "Widget", "low_stock_threshold": 5, "location": "north"}
    )
    assert response.status_code == 201
    assert response.headers["Location"] == "/v1/inventory/WIDGET"
    product = read(response)
    assert (product["name"], product["low_stock_threshold"], product["available"]) == ("Widget", 5, 25)
    assert product["locations"] == [
        {"location": "north", "on_hand": 25, "reserved": 0, "available": 25, "kept_back": 0}
    ]
    assert read(client.get("/v1/inventory/WIDGET")) == product


def test_only_what_is_given_changes(client: ConformingClient) -> None:
    stock(client, on_hand=25, name="Widget", low_stock_threshold=5)
    response = client.put("/v1/inventory/WIDGET", json={"name": "Better widget"})
    assert (response.status_code, "Location" in response.headers) == (200, False)
    product = read(response)
    assert (product["name"], product["on_hand"], product["low_stock_threshold"]) == ("Better widget", 25, 5)


def test_null_is_the_same_as_not_given_except_for_the_threshold(client: ConformingClient) -> None:
    stock(client, on_hand=25, name="Widget", low_stock_threshold=5)
    nothing = {"on_hand": None, "name": None, "location": None, "expected_on_hand": None, "reason": None}
    product = read(client.put("/v1/inventory/WIDGET", json={**nothing, "low_stock_threshold": None}))
    assert (product["name"], product["on_hand"], product["low_stock_threshold"]) == ("Widget", 25, None)


def test_an_empty_set_creates_a_product_without_stock(client: ConformingClient) -> None:
    response = client.put("/v1/inventory/WIDGET", json={})
    assert (response.status_code, read(response)["locations"]) == (201, [])
    assert client.put("/v1/inventory/WIDGET", json={}).status_code == 200


def test_whole_numbers_may_be_written_with_a_point(client: ConformingClient) -> None:
    response = client.put("/v1/inventory/WIDGET", data=b'{"on_hand": 5.0}', content_type="application/json")
    assert read(response)["on_hand"] == 5


def test_a_count_is_set_only_over_the_expected_one(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    response = client.put("/v1/inventory/WIDGET", json={"on_hand": 30, "expected_on_hand": 9})
    problem = refused(response, 409, "stock_count_mismatch")
    assert (problem["on_hand"], problem["expected_on_hand"]) == (10, 9)
    assert read(client.put("/v1/inventory/WIDGET", json={"on_hand": 30, "expected_on_hand": 10}))["on_hand"] == 30


def test_what_is_promised_is_not_taken_away(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    place(client, quantity=4)
    problem = refused(client.put("/v1/inventory/WIDGET", json={"on_hand": 3}), 409, "stock_below_reserved")
    assert (problem["on_hand"], problem["reserved"]) == (3, 4)
    response = client.post("/v1/inventory/WIDGET/adjustments", json={"delta": -7, "reason": "lost"})
    refused(response, 409, "stock_below_reserved")
    assert figures(client) == (10, 4, 6)


def test_a_count_is_corrected_by_a_difference(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    response = client.post("/v1/inventory/WIDGET/adjustments", json={"delta": -3, "reason": "broken", "reference": "X"})
    assert (response.status_code, read(response)["on_hand"]) == (200, 7)
    newest = read(client.get("/v1/inventory/WIDGET/movements"))["items"][0]
    assert (newest["kind"], newest["on_hand_delta"], newest["reason"], newest["reference"]) == (
        "adjust",
        -3,
        "broken",
        "X",
    )


def test_a_correction_beyond_the_bound_is_refused(client: ConformingClient) -> None:
    stock(client, on_hand=10**12)
    response = client.post("/v1/inventory/WIDGET/adjustments", json={"delta": 1, "reason": "found"})
    refused(response, 422, "validation_error", "/delta")


def test_the_ledger_names_the_order_that_reserved(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    placed = place(client, quantity=4)
    newest, _ = read(client.get("/v1/inventory/WIDGET/movements"))["items"]
    assert (newest["kind"], newest["reserved_delta"], newest["order_id"], newest["line_no"]) == (
        "reserve",
        4,
        placed["id"],
        1,
    )


def test_an_unknown_product_is_not_found(client: ConformingClient) -> None:
    refused(client.get("/v1/inventory/GHOST"), 404, "sku_not_found")
    refused(client.get("/v1/inventory/GHOST/movements"), 404, "sku_not_found")
    response = client.post("/v1/inventory/GHOST/adjustments", json={"delta": 1, "reason": "found"})
    refused(response, 404, "sku_not_found")


@pytest.mark.parametrize("sku", SKUS)
def test_a_sku_may_hold_anything_but_a_slash(client: ConformingClient, sku: str) -> None:
    path = f"/v1/inventory/{quote(sku, safe='')}"
    response = client.put(path, json={"on_hand": 3})
    assert response.headers["Location"] == path
    assert read(client.get(path))["sku"] == sku
    assert read(client.post(f"{path}/adjustments", json={"delta": 1, "reason": "found"}))["on_hand"] == 4
    assert place(client, sku, 4)["lines"][0]["sku"] == sku
    assert len(read(client.get(f"{path}/movements"))["items"]) == 3


def test_skus_are_case_sensitive(client: ConformingClient) -> None:
    stock(client, "Widget")
    refused(client.get("/v1/inventory/WIDGET"), 404, "sku_not_found")


@pytest.mark.parametrize("name", sorted(BAD_NAMES))
def test_text_that_is_no_sku_is_refused_in_a_path(client: ConformingClient, name: str) -> None:
    path = b"/v1/inventory/" + BAD_NAMES[name].encode(errors="surrogatepass")
    response = raw_put(client, path, {"on_hand": 1})
    if name in {"nothing", "a slash"}:
        refused(response, 404, "route_not_found")
    else:
        refused(response, 422, "validation_error", "/sku")
    assert read(client.get("/v1/inventory"))["items"] == []


@pytest.mark.parametrize("text", GOOD_PROSE.values(), ids=list(GOOD_PROSE))
def test_prose_comes_back_as_it_was_written(client: ConformingClient, text: str) -> None:
    stock(client, "WIDGET", 5, name=text, reason=text)
    assert read(client.get("/v1/inventory/WIDGET"))["name"] == text
    assert read(client.get("/v1/inventory/WIDGET/movements"))["items"][0]["reason"] == text
    order = place(client, "WIDGET", 1, metadata={"note": text})
    assert read(client.get(f"/v1/orders/{order['id']}"))["metadata"] == {"note": text}
    client.put(f"/v1/orders/{order['id']}/status", json={"status": "cancelled", "reason": text})
    assert read(client.get(f"/v1/orders/{order['id']}/events"))["items"][-1]["data"]["reason"] == text


@pytest.mark.parametrize("path", [b"\xff", b"A\xc3", b"\xed\xa0\x80", "é".encode("latin-1"), "\ufffd".encode()])
def test_a_path_that_is_not_utf_8_is_refused(client: ConformingClient, path: bytes) -> None:
    for method in ("GET", "HEAD"):
        response = client.open(
            method=method, environ_overrides={"PATH_INFO": f"/v1/inventory/{path.decode('latin-1')}"}
        )
        assert response.status_code == 422
    refused(raw_put(client, b"/v1/inventory/" + path, {"on_hand": 1}), 422, "validation_error", "/sku")


def test_products_that_run_low_are_listed(client: ConformingClient) -> None:
    stock(client, "LOW", 2, low_stock_threshold=2)
    stock(client, "ENOUGH", 3, low_stock_threshold=2)
    stock(client, "UNWATCHED", 0)
    for query, skus in (
        ("?low_stock=true", ["LOW"]),
        ("?low_stock=false", ["ENOUGH", "LOW", "UNWATCHED"]),
        ("", ["ENOUGH", "LOW", "UNWATCHED"]),
    ):
        assert [item["sku"] for item in read(client.get(f"/v1/inventory{query}"))["items"]] == skus
    refused(client.get("/v1/inventory?low_stock=1"), 422, "validation_error", "/low_stock")


def test_a_product_that_was_never_used_is_deleted(client: ConformingClient) -> None:
    client.put("/v1/inventory/WIGDET", json={"name": "Wigdet"})
    response = client.delete("/v1/inventory/WIGDET")
    assert (response.status_code, response.data) == (204, b"")
    refused(client.get("/v1/inventory/WIGDET"), 404, "sku_not_found")
    refused(client.delete("/v1/inventory/WIGDET"), 404, "sku_not_found")


def test_a_product_that_was_used_stays(client: ConformingClient) -> None:
    stock(client)
    refused(client.delete("/v1/inventory/WIDGET"), 409, "product_in_use")
    assert figures(client) == (10, 0, 10)


def test_a_product_is_deleted_on_the_revision_that_was_read(client: ConformingClient) -> None:
    stale = client.put("/v1/inventory/WIDGET", json={}).headers["ETag"]
    fresh = client.put("/v1/inventory/WIDGET", json={"name": "W"}).headers["ETag"]
    refused(client.delete("/v1/inventory/WIDGET", headers={"If-Match": stale}), 412, "version_mismatch")
    assert client.delete("/v1/inventory/WIDGET", headers={"If-Match": fresh}).status_code == 204
