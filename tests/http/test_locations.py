"""Locations over HTTP, what they keep from being sold, receipts and transfers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.asking import figures, order, place, read, refused, stock
from tests.http.conformance import ConformingClient

PRODUCT = "/v1/inventory/WIDGET"
RECEIPTS, TRANSFERS = f"{PRODUCT}/receipts", f"{PRODUCT}/transfers"
YARD = "/v1/locations/yard"


def move(quantity: int = 3, source: str = "main", target: str = "yard", **members: Any) -> dict[str, Any]:
    """A document for POST /v1/inventory/{sku}/transfers."""
    return {"from": source, "to": target, "quantity": quantity, **members}


def names(client: ConformingClient) -> list[str]:
    return [location["name"] for location in read(client.get("/v1/locations"))["items"]]


def test_the_first_stock_makes_a_location_that_sells_and_ships(client: ConformingClient) -> None:
    assert names(client) == []
    stock(client, location="north")
    (north,) = read(client.get("/v1/locations"))["items"]
    assert (north["name"], north["kind"], north["sells"], north["ships"]) == ("north", "stock", True, True)
    assert read(client.get("/v1/locations/north")) == north


def test_what_lies_where_nothing_is_sold_cannot_be_ordered(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    read(client.put(YARD, json={"kind": "quarantine", "note": "behind the hall"}))
    product = read(client.post(TRANSFERS, json=move(8)))
    assert (product["on_hand"], product["available"], product["unsellable"]) == (10, 2, 8)
    problem = refused(client.post("/v1/orders", json=order(quantity=3)), 409, "insufficient_inventory")
    assert problem["shortages"] == [{"sku": "WIDGET", "requested": 3, "available": 2}]
    assert read(client.put(YARD, json={"kind": "stock"}))["sells"] is True
    assert figures(client) == (10, 0, 10)


def test_only_what_is_given_of_a_location_changes_and_null_clears(client: ConformingClient) -> None:
    given = {"kind": "incoming", "expected_at": "2027-03-01T12:00:00+01:00", "note": "by sea"}
    first = read(client.put("/v1/locations/ship-7", json=given))
    assert (first["expected_at"], first["note"]) == ("2027-03-01T11:00:00.000000Z", "by sea")
    assert read(client.put("/v1/locations/ship-7", json={})) == first
    cleared = read(client.put("/v1/locations/ship-7", json={"expected_at": None, "note": None}))
    assert (cleared["kind"], cleared["expected_at"], cleared["note"]) == ("incoming", None, None)


def test_a_location_of_another_kind_neither_sells_nor_ships(client: ConformingClient) -> None:
    for wanted in ({"kind": "transit", "sells": True}, {"kind": "transit", "ships": True}):
        problem = refused(client.put(YARD, json=wanted), 422, "validation_error", "/kind")
        assert problem["errors"][0]["code"] == "sells_no_stock"
    refused(client.get(YARD), 404, "location_not_found")


def test_a_name_like_a_known_one_is_refused_wherever_it_is_given(client: ConformingClient) -> None:
    stock(client)
    for answer in (
        client.put("/v1/locations/MAIN", json={}),
        client.put(PRODUCT, json={"on_hand": 1, "location": "MAIN"}),
        client.post(RECEIPTS, json={"quantity": 1, "location": "Main"}),
        client.post(TRANSFERS, json=move(1, target="Main")),
    ):
        problem = refused(answer, 422, "validation_error", "/location")
        assert problem["errors"][0]["code"] == "similar_location"
    assert names(client) == ["main"]


def test_what_lies_where_nothing_ships_is_not_shipped(client: ConformingClient) -> None:
    stock(client)
    placed = place(client, quantity=2)
    client.put("/v1/locations/main", json={"ships": False})
    problem = refused(client.post(f"/v1/orders/{placed['id']}/shipments", json={}), 409, "not_shippable")
    assert problem["lines"] == [{"line_no": 1, "sku": "WIDGET", "location": "main", "quantity": 2}]
    client.put("/v1/locations/main", json={"ships": True})
    assert client.post(f"/v1/orders/{placed['id']}/shipments", json={}).status_code == 201


def test_safety_stock_is_not_sold(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    product = read(client.put(PRODUCT, json={"kept_back": 4}))
    assert product["locations"] == [{"location": "main", "on_hand": 10, "reserved": 0, "available": 6, "kept_back": 4}]
    assert (product["available"], product["unsellable"]) == (6, 4)
    refused(client.post("/v1/orders", json=order(quantity=7)), 409, "insufficient_inventory")
    assert read(client.put(PRODUCT, json={"kept_back": 20}))["available"] == 0
    assert read(client.put(PRODUCT, json={"kept_back": 0}))["available"] == 10


def test_goods_that_arrived_are_counted_once_under_a_key(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    key = {"Idempotency-Key": "PO-77"}
    first = client.post(RECEIPTS, json={"quantity": 24, "reference": "PO-77"}, headers=key)
    again = client.post(RECEIPTS, json={"quantity": 24, "reference": "PO-77"}, headers=key)
    assert (read(first)["on_hand"], read(again)["on_hand"]) == (34, 34)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    refused(client.post(RECEIPTS, json={"quantity": 25}, headers=key), 422, "idempotency_key_reused")
    movement = read(client.get(f"{PRODUCT}/movements"))["items"][0]
    assert (movement["kind"], movement["on_hand_delta"], movement["reference"]) == ("receive", 24, "PO-77")


def test_a_transfer_is_one_act_of_two_rows_once_under_a_key(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    key = {"Idempotency-Key": "move-1"}
    first = client.post(TRANSFERS, json=move(reason="rebalanced"), headers=key)
    again = client.post(TRANSFERS, json=move(reason="rebalanced"), headers=key)
    assert read(first) == read(again)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    refused(client.post(TRANSFERS, json=move(4), headers=key), 422, "idempotency_key_reused")
    rows = read(client.get(f"{PRODUCT}/movements"))["items"][:2]
    assert sorted((row["location"], row["on_hand_delta"]) for row in rows) == [("main", -3), ("yard", 3)]
    assert len({row["act_id"] for row in rows}) == 1
    assert {(row["kind"], row["reason"]) for row in rows} == {("transfer", "rebalanced")}


def test_reserved_units_are_not_moved(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    place(client, quantity=8)
    problem = refused(client.post(TRANSFERS, json=move(3)), 409, "stock_below_reserved")
    assert (problem["on_hand"], problem["reserved"]) == (7, 8)
    assert client.post(TRANSFERS, json=move(2)).status_code == 200


def test_a_transfer_may_want_the_revision_that_was_read(client: ConformingClient) -> None:
    stock(client, on_hand=10)
    tag = client.get(PRODUCT).headers["ETag"]
    stock(client, on_hand=11)
    refused(client.post(TRANSFERS, json=move(), headers={"If-Match": tag}), 412, "version_mismatch")
    tag = client.get(PRODUCT).headers["ETag"]
    assert client.post(TRANSFERS, json=move(), headers={"If-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("path", "document", "pointers"),
    [
        (RECEIPTS, {}, ["/quantity"]),
        (RECEIPTS, {"quantity": 0}, ["/quantity"]),
        (RECEIPTS, {"quantity": 10**12}, ["/quantity"]),
        (TRANSFERS, {}, ["/from", "/to", "/quantity"]),
        (TRANSFERS, move(0), ["/quantity"]),
        (TRANSFERS, move(1, target="main"), ["/to"]),
        (TRANSFERS, move(1, target=" yard"), ["/to"]),
    ],
)
def test_a_bad_move_is_refused(
    client: ConformingClient, path: str, document: dict[str, Any], pointers: list[str]
) -> None:
    stock(client)
    refused(client.post(path, json=document), 422, "validation_error", *pointers)
    assert figures(client) == (10, 0, 10)


@pytest.mark.parametrize(("path", "document"), [(RECEIPTS, {"quantity": 1}), (TRANSFERS, move())])
def test_what_does_not_exist_does_not_move(client: ConformingClient, path: str, document: dict[str, Any]) -> None:
    refused(client.post(path, json=document), 404, "sku_not_found")
