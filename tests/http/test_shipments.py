"""Shipments over HTTP: made, listed, followed and taken back, with the headers of each answer."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import TestResponse

from oms_core import ALL_SCOPES, Caller, Oms
from tests.http.asking import figures, place, read, stock
from tests.http.conformance import ConformingClient

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
TRACKING: dict[str, Any] = {
    "carrier": "DHL",
    "tracking_number": "1Z",
    "tracking_url": "https://dhl.example/1Z",
    "reference": "P-1",
}


@pytest.fixture
def order(client: ConformingClient) -> dict[str, Any]:
    """A placed order of three widgets and a gadget."""
    stock(client)
    stock(client, "GADGET")
    lines = [{"sku": "WIDGET", "quantity": 3}, {"sku": "GADGET", "quantity": 1}]
    return place(client, lines=lines)


def path(order: dict[str, Any], shipment_no: int | None = None) -> str:
    shipments = f"/v1/orders/{order['id']}/shipments"
    return shipments if shipment_no is None else f"{shipments}/{shipment_no}"


def ship(client: ConformingClient, order: dict[str, Any], headers: dict[str, str] | None = None, **body: Any) -> Any:
    return client.post(path(order), json=body, headers=headers)


def deliver(client: ConformingClient, order: dict[str, Any], shipment_no: int = 1, **body: Any) -> TestResponse:
    return client.put(path(order, shipment_no), json={"status": "delivered", **body})


def take_back(
    client: ConformingClient, order: dict[str, Any], headers: dict[str, str] | None = None, **body: Any
) -> TestResponse:
    return client.post(f"{path(order, 1)}/cancel", json=body, headers=headers)


def told(client: ConformingClient, order: dict[str, Any]) -> list[str]:
    """Give the types of the order's events, but for the first."""
    return [event["type"] for event in read(client.get(f"/v1/orders/{order['id']}/events"))["items"]][1:]


def units(*wanted: tuple[int, int]) -> list[dict[str, int]]:
    return [{"line_no": line_no, "quantity": quantity} for line_no, quantity in wanted]


def test_a_shipment_is_shown_with_what_left_and_how_it_travels(client: ConformingClient, order: dict[str, Any]) -> None:
    answer = ship(client, order, lines=units((1, 2)), **TRACKING)
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"2"')
    assert (answer.headers["Location"], answer.headers["Cache-Control"]) == (path(order, 1), "no-store")
    assert "Idempotent-Replayed" not in answer.headers
    shipment = read(answer)
    at = shipment["created_at"]
    assert shipment == {
        "id": shipment["id"],
        "order_id": order["id"],
        "shipment_no": 1,
        "status": "shipped",
        "location": "main",
        "lines": [{"line_no": 1, "sku": "WIDGET", "quantity": 2}],
        **TRACKING,
        **{"created_at": at, "updated_at": at, "delivered_at": None},
        **{"order_status": "partly_shipped", "order_version": 2},
    }
    assert read(client.get(answer.headers["Location"])) == shipment
    assert figures(client) == (8, 1, 7)


def test_an_order_is_shipped_in_parts_and_then_whole(client: ConformingClient, order: dict[str, Any]) -> None:
    assert read(ship(client, order, lines=[{"sku": "WIDGET", "quantity": 2}]))["order_status"] == "partly_shipped"
    rest = read(ship(client, order))
    assert (rest["shipment_no"], rest["order_status"], rest["order_version"]) == (2, "shipped", 3)
    assert [(line["line_no"], line["quantity"]) for line in rest["lines"]] == [(1, 1), (2, 1)]
    assert read(client.get(f"/v1/orders/{order['id']}"))["status"] == "shipped"
    assert told(client, order) == ["shipment.created", "order.partly_shipped", "shipment.created", "order.shipped"]
    assert (figures(client), figures(client, "GADGET")) == ((7, 0, 7), (9, 0, 9))


def test_shipments_are_listed_by_number_with_the_orders_tag(client: ConformingClient, order: dict[str, Any]) -> None:
    nothing = client.get(path(order))
    assert (read(nothing), nothing.headers["ETag"]) == ({"items": []}, '"1"')
    for number in (1, 2):
        ship(client, order, lines=units((number, 1)))
    listed = client.get(path(order))
    assert [(each["shipment_no"], each["lines"][0]["sku"]) for each in read(listed)["items"]] == [
        (1, "WIDGET"),
        (2, "GADGET"),
    ]
    assert (listed.headers["ETag"], listed.headers["Cache-Control"]) == ('"3"', "no-store")
    assert {each["order_version"] for each in read(listed)["items"]} == {3}


def test_the_ledger_names_the_shipment(client: ConformingClient, order: dict[str, Any]) -> None:
    shipment = read(ship(client, order, lines=units((1, 2))))
    take_back(client, order, reason="broken")
    rows = read(client.get("/v1/inventory/WIDGET/movements"))["items"]
    assert [(row["kind"], row["act_id"], row["on_hand_delta"], row["reserved_delta"]) for row in rows] == [
        ("unship", shipment["id"], 2, 2),
        ("ship", shipment["id"], -2, -2),
        ("reserve", None, 0, 3),
        ("count", None, 10, 0),
    ]


def test_under_a_key_a_shipment_is_made_once_and_shown_as_it_is(
    client: ConformingClient, order: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "K"}
    first = ship(client, order, key, lines=units((1, 2)))
    deliver(client, order)
    again = ship(client, order, key, lines=units((1, 2)))
    assert "Idempotent-Replayed" not in first.headers
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.headers["ETag"]) == (201, "true", '"3"')
    assert again.headers["Location"] == first.headers["Location"]
    assert read(again)["status"] == "delivered"
    assert len(read(client.get(path(order)))["items"]) == 1
    assert figures(client) == (8, 1, 7)


def test_a_shipment_is_made_on_the_version_that_was_read(client: ConformingClient, order: dict[str, Any]) -> None:
    first = ship(client, order, {"If-Match": '"1"'}, lines=units((1, 1)))
    assert ship(client, order, {"If-Match": first.headers["ETag"]}).status_code == 201


def test_how_a_shipment_travels_is_said_later_and_what_is_not_said_stays(
    client: ConformingClient, order: dict[str, Any]
) -> None:
    made = read(ship(client, order, carrier="DHL", reference="P-1"))
    said = client.put(path(order, 1), json={"tracking_number": "1Z"}, headers={"If-Match": '"2"'})
    assert (said.status_code, said.headers["ETag"], said.headers["Cache-Control"]) == (200, '"3"', "no-store")
    shipment = read(said)
    assert shipment == made | {
        "tracking_number": "1Z",
        "order_version": 3,
        "updated_at": shipment["updated_at"],
    }
    assert read(client.put(path(order, 1), json={"carrier": None}))["carrier"] is None
    assert told(client, order)[2:] == ["shipment.updated"] * 2


def test_what_is_so_already_changes_nothing_with_any_version(client: ConformingClient, order: dict[str, Any]) -> None:
    ship(client, order, **TRACKING)
    for body in ({"carrier": "DHL"}, {"status": "shipped"}, {"tracking_number": "1Z", "status": "SHIPPED"}):
        said = client.put(path(order, 1), json=body, headers={"If-Match": '"1"'})
        assert (said.status_code, said.headers["ETag"]) == (200, '"2"')
    assert told(client, order) == ["shipment.created", "order.shipped"]


def test_an_order_is_delivered_once_all_its_shipments_are(client: ConformingClient, order: dict[str, Any]) -> None:
    for number in (1, 2):
        ship(client, order, lines=units((number, 3 if number == 1 else 1)))
    first = read(deliver(client, order, 1))
    assert (first["status"], first["order_status"]) == ("delivered", "shipped")
    assert first["delivered_at"] == first["updated_at"] > first["created_at"]
    last = read(deliver(client, order, 2, carrier="DPD"))
    assert (last["status"], last["carrier"], last["order_status"]) == ("delivered", "DPD", "delivered")
    assert told(client, order)[-4:] == [
        *("shipment.delivered", "shipment.updated"),
        *("shipment.delivered", "order.delivered"),
    ]
    assert read(deliver(client, order, 2))["order_version"] == last["order_version"]


def test_a_delivered_shipment_may_still_be_told_how_it_travelled(
    client: ConformingClient, order: dict[str, Any]
) -> None:
    ship(client, order)
    delivered = read(deliver(client, order))
    told_later = read(client.put(path(order, 1), json={"tracking_number": "1Z"}))
    assert (told_later["tracking_number"], told_later["status"]) == ("1Z", "delivered")
    assert told_later["delivered_at"] == delivered["delivered_at"]


def test_a_shipment_that_is_taken_back_is_reserved_again(client: ConformingClient, order: dict[str, Any]) -> None:
    ship(client, order)
    back = take_back(client, order, reason="broken in the yard")
    assert (back.status_code, back.headers["ETag"], back.headers["Cache-Control"]) == (200, '"3"', "no-store")
    shipment = read(back)
    assert (shipment["status"], shipment["order_status"]) == ("cancelled", "processing")
    assert len(shipment["lines"]) == 2
    assert figures(client) == (10, 3, 7)
    *_, cancelled, processing = read(client.get(f"/v1/orders/{order['id']}/events"))["items"]
    assert (cancelled["type"], cancelled["data"]["shipment_no"]) == ("shipment.cancelled", 1)
    assert {cancelled["data"]["reason"], processing["data"]["reason"]} == {"broken in the yard"}
    assert processing["type"] == "order.processing"
    assert read(ship(client, order))["shipment_no"] == 2


def test_taken_back_twice_is_taken_back_once(client: ConformingClient, order: dict[str, Any]) -> None:
    ship(client, order)
    once = take_back(client, order, {"Idempotency-Key": "K"}, reason="broken")
    again = take_back(client, order, {"Idempotency-Key": "K"}, reason="broken")
    assert "Idempotent-Replayed" not in once.headers
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert read(again) == read(once) == read(take_back(client, order, {"If-Match": '"1"'}))
    assert figures(client) == (10, 3, 7)


def test_setting_the_status_ships_a_parcel_from_each_location(client: ConformingClient) -> None:
    stock(client, "WIDGET", 2)
    stock(client, "WIDGET", 5, location="north")
    order = place(client, quantity=3)
    moved = client.put(f"/v1/orders/{order['id']}/status", json={"status": "shipped", "reason": "truck"})
    assert read(moved)["status"] == "shipped"
    listed = read(client.get(path(order)))["items"]
    assert [(each["location"], each["lines"][0]["quantity"]) for each in listed] == [("main", 2), ("north", 1)]
    client.put(f"/v1/orders/{order['id']}/status", json={"status": "delivered"})
    assert {each["status"] for each in read(client.get(path(order)))["items"]} == {"delivered"}
    assert told(client, order) == [
        *("shipment.created", "shipment.created", "order.shipped"),
        *("shipment.delivered", "shipment.delivered", "order.delivered"),
    ]


def test_a_partly_shipped_order_is_open_and_found_where_the_rest_is(
    client: ConformingClient, oms: Oms, order: dict[str, Any]
) -> None:
    ship(client, order, lines=units((1, 2)))
    for query in ("status=partly_shipped", "location=main"):
        assert [each["id"] for each in read(client.get(f"/v1/orders?{query}"))["items"]] == [order["id"]]
    shown = read(client.get(f"/v1/orders/{order['id']}?include=allocations"))
    assert shown["lines"][0]["allocations"] == [{"location": "main", "reserved": 1, "shipped": 2, "returned": 0}]
    assert not oms.audit(caller=STAFF).discrepancies
