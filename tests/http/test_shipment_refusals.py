"""What shipments over HTTP are refused for: every code with its figures, bad bodies, and orders of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, Scope, SetStock, Settings
from oms_core.domain.orders import shipping
from tests.http.asking import figures, order, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.http.queueing import ASYNC

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
UNKNOWN_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"
COUNT_MAX = 10**12


@pytest.fixture
def placed(client: ConformingClient) -> dict[str, Any]:
    """A placed order of three widgets, of which one is in the shop and two are in the north."""
    stock(client, "WIDGET", 1, location="a-shop")
    stock(client, "WIDGET", 5, location="north")
    return place(client, quantity=3)


@pytest.fixture
def shipped(client: ConformingClient) -> str:
    """The path of an order that was shipped whole, from one place."""
    stock(client, "GADGET")
    found = place(client, "GADGET", quantity=2)
    assert ship(client, found).status_code == 201
    return f"/v1/orders/{found['id']}"


def ship(client: ConformingClient, order: dict[str, Any], headers: dict[str, str] | None = None, **body: Any) -> Any:
    return client.post(f"/v1/orders/{order['id']}/shipments", json=body, headers=headers)


def test_a_location_is_asked_for_where_several_have_some(client: ConformingClient, placed: dict[str, Any]) -> None:
    problem = refused(ship(client, placed), 409, "location_required")
    assert problem["locations"] == ["a-shop", "north"]
    assert ship(client, placed, location="north").status_code == 201
    assert read(ship(client, placed))["location"] == "a-shop"


@pytest.mark.parametrize(
    ("body", "location", "short"),
    [
        (
            {"location": "north", "lines": [{"line_no": 1, "quantity": 3}]},
            "north",
            [{"line_no": 1, "sku": "WIDGET", "requested": 3, "reserved": 2}],
        ),
        (
            {"location": "a-shop", "lines": [{"sku": "WIDGET", "quantity": 2}]},
            "a-shop",
            [{"line_no": None, "sku": "WIDGET", "requested": 2, "reserved": 1}],
        ),
        ({"location": "nowhere"}, "nowhere", []),
    ],
)
def test_no_more_is_shipped_than_is_reserved_there(
    client: ConformingClient, placed: dict[str, Any], body: dict[str, Any], location: str, short: list[object]
) -> None:
    problem = refused(ship(client, placed, **body), 409, "exceeds_reserved")
    assert (problem["location"], problem["lines"]) == (location, short)
    assert figures(client) == (6, 3, 3)
    assert read(client.get(f"/v1/orders/{placed['id']}"))["version"] == 1


def test_a_line_that_has_left_already_is_nowhere(client: ConformingClient) -> None:
    for sku in ("WIDGET", "GADGET"):
        stock(client, sku)
    both = place(client, lines=[{"sku": "WIDGET", "quantity": 1}, {"sku": "GADGET", "quantity": 1}])
    line = [{"line_no": 1, "quantity": 1}]
    assert ship(client, both, lines=line).status_code == 201
    problem = refused(ship(client, both, lines=line), 409, "exceeds_reserved")
    assert (problem["location"], problem["lines"][0]["reserved"]) == (None, 0)


def test_what_is_not_placed_or_all_gone_has_nothing_to_ship(client: ConformingClient, shipped: str) -> None:
    queued = read(client.post("/v1/orders", json=order("GADGET"), headers=ASYNC))
    held = place(client, "GADGET", hold_seconds=60)
    for path, status, allowed in (
        (f"/v1/orders/{queued['id']}", "queued", ["cancelled"]),
        (f"/v1/orders/{held['id']}", "held", ["cancelled"]),
        (shipped, "shipped", ["delivered", "returned"]),
    ):
        problem = refused(client.post(f"{path}/shipments", json={}), 409, "invalid_transition")
        assert (problem["current"], problem["allowed"]) == (status, allowed)


def test_a_partly_shipped_order_is_not_cancelled(client: ConformingClient, placed: dict[str, Any]) -> None:
    ship(client, placed, location="north")
    moved = client.put(f"/v1/orders/{placed['id']}/status", json={"status": "cancelled"})
    problem = refused(moved, 409, "invalid_transition")
    assert (problem["current"], problem["allowed"]) == ("partly_shipped", ["shipped"])


@pytest.mark.parametrize("status", ["partly_shipped", "PARTLY_SHIPPED"])
def test_a_status_that_follows_is_not_set(client: ConformingClient, placed: dict[str, Any], status: str) -> None:
    moved = client.put(f"/v1/orders/{placed['id']}/status", json={"status": status})
    problem = refused(moved, 409, "invalid_transition")
    assert problem["allowed"] == ["processing", "shipped", "cancelled"]
    assert read(client.get(f"/v1/orders/{placed['id']}"))["version"] == 1


def test_an_order_has_so_many_shipments_at_most(
    client: ConformingClient, placed: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipping, "ORDER_SHIPMENTS_MAX", 1)
    ship(client, placed, location="north")
    client.post(f"/v1/orders/{placed['id']}/shipments/1/cancel", json={})
    problem = refused(ship(client, placed, location="north"), 409, "shipment_limit")
    assert problem["shipments_max"] == 1
    moved = client.put(f"/v1/orders/{placed['id']}/status", json={"status": "shipped"})
    refused(moved, 409, "shipment_limit")


def test_a_shipment_that_was_cancelled_is_neither_followed_nor_delivered(
    client: ConformingClient, shipped: str
) -> None:
    client.post(f"{shipped}/shipments/1/cancel", json={})
    for body in ({"carrier": "DHL"}, {"status": "delivered"}):
        refused(client.put(f"{shipped}/shipments/1", json=body), 409, "shipment_cancelled")


def test_a_shipment_that_was_delivered_stays_delivered(client: ConformingClient, shipped: str) -> None:
    client.put(f"{shipped}/shipments/1", json={"status": "delivered"})
    refused(client.put(f"{shipped}/shipments/1", json={"status": "shipped"}), 409, "shipment_delivered")
    refused(client.post(f"{shipped}/shipments/1/cancel", json={}), 409, "shipment_delivered")


def test_a_shipment_of_which_units_have_come_back_is_not_taken_back(client: ConformingClient, shipped: str) -> None:
    assert client.put(f"{shipped}/status", json={"status": "returned"}).status_code == 200
    problem = refused(client.post(f"{shipped}/shipments/1/cancel", json={}), 409, "shipment_returned")
    assert problem["lines"] == [{"line_no": 1, "shipped": 2, "returned": 2}]
    assert figures(client, "GADGET") == (10, 0, 10)


def test_units_that_would_be_too_many_do_not_come_back(client: ConformingClient, shipped: str) -> None:
    stock(client, "GADGET", COUNT_MAX - 1)
    limit = {"sku": "GADGET", "location": "main", "on_hand": COUNT_MAX + 1, "on_hand_max": COUNT_MAX}
    for answer in (
        client.post(f"{shipped}/shipments/1/cancel", json={}),
        client.put(f"{shipped}/status", json={"status": "returned"}),
    ):
        problem = refused(answer, 409, "stock_limit")
        assert {name: problem[name] for name in limit} == limit
    assert figures(client, "GADGET") == (COUNT_MAX - 1, 0, COUNT_MAX - 1)


def test_a_stale_version_is_refused_with_the_present_one(client: ConformingClient, shipped: str) -> None:
    stale = {"If-Match": '"1"'}
    for answer in (
        client.post(f"{shipped}/shipments", json={}, headers=stale),
        client.put(f"{shipped}/shipments/1", json={"status": "delivered"}, headers=stale),
        client.post(f"{shipped}/shipments/1/cancel", json={}, headers={"If-Match": 'W/"2"'}),
    ):
        assert refused(answer, 412, "version_mismatch")["version"] == 2


def test_a_key_stands_for_what_it_was_used_for(client: ConformingClient, placed: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "K"}
    path = f"/v1/orders/{placed['id']}"
    assert ship(client, placed, key, location="north").status_code == 201
    for answer in (
        ship(client, placed, key, location="a-shop"),
        ship(client, placed, key, location="north", carrier="DHL"),
        client.post(f"{path}/shipments/1/cancel", json={}, headers=key),
    ):
        refused(answer, 422, "idempotency_key_reused")
    assert len(read(client.get(f"{path}/shipments"))["items"]) == 1


def test_a_refused_shipment_does_not_use_its_key_up(client: ConformingClient, placed: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "K"}
    refused(ship(client, placed, key), 409, "location_required")
    assert ship(client, placed, key, location="north").status_code == 201


def test_a_key_of_an_order_that_was_archived_ships_nothing(client: ConformingClient, oms: Oms, shipped: str) -> None:
    key = {"Idempotency-Key": "K"}
    client.post(f"{shipped}/shipments/1/cancel", json={}, headers=key)
    client.post(f"{shipped}/shipments", json={}, headers={"Idempotency-Key": "K2"})
    storage = oms._ports.storage
    assert isinstance(storage, MemoryStorage)
    order_id = UUID(shipped.rpartition("/")[2])
    now = datetime.now(UTC) + timedelta(days=1)
    found = storage.archive.finished(before=now, after=None, limit=10)
    storage.archive.remove({each.order.id: each.order.version for each in found}, caller=STAFF, now=now)
    for path, used in (("shipments/1/cancel", "K"), ("shipments", "K2")):
        answer = client.post(f"{shipped}/{path}", json={}, headers={"Idempotency-Key": used})
        assert refused(answer, 410, "order_archived")["order_id"] == str(order_id)
    refused(client.get(f"{shipped}/shipments"), 404, "order_not_found")


@pytest.mark.parametrize("number", ["2", "0", "01", "-1", "1.0", "x", "9" * 40, "\u0661", "%20"])
def test_an_unknown_shipment_is_not_found(client: ConformingClient, shipped: str, number: str) -> None:
    path = f"{shipped}/shipments/{number}"
    refused(client.get(path), 404, "shipment_not_found")
    refused(client.put(path, json={"status": "delivered"}), 404, "shipment_not_found")
    refused(client.post(f"{path}/cancel", json={}), 404, "shipment_not_found")


@pytest.mark.parametrize("order_id", [UNKNOWN_ID, "x"])
def test_shipments_of_an_unknown_order_are_not_found(client: ConformingClient, order_id: str) -> None:
    path = f"/v1/orders/{order_id}/shipments"
    for answer in (
        client.get(path),
        client.post(path, json={}),
        client.get(f"{path}/1"),
        client.put(f"{path}/1", json={"status": "delivered"}),
        client.post(f"{path}/1/cancel", json={}),
    ):
        refused(answer, 404, "order_not_found")


def test_another_customers_shipments_are_not_there() -> None:
    with Oms.open(Settings(database_url="memory://", auth="keys")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10), caller=STAFF)
        mine, others = (
            {"Authorization": f"Bearer {oms.api_keys.create(command, caller=STAFF).token}"}
            for command in (
                CreateApiKey(
                    name=f"of-{customer}",
                    scopes=[Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.ORDERS_MANAGE],
                    customer_id=customer,
                )
                for customer in ("C1", "C2")
            )
        )
        client = client_of(conforming(oms))
        placed = read(client.post("/v1/orders", json=order(), headers=mine))
        path = f"/v1/orders/{placed['id']}/shipments"
        for method, where, body in (
            *(("POST", path, {}), ("GET", path, None), ("GET", f"{path}/1", None)),
            *(("PUT", f"{path}/1", {"status": "delivered"}), ("POST", f"{path}/1/cancel", {})),
        ):
            if (method, where) == ("GET", path):
                assert client.post(path, json={}, headers=mine).status_code == 201
            refused(client.open(where, method=method, json=body, headers=others), 404, "order_not_found")
        assert read(client.get(f"{path}/1", headers=mine))["status"] == "shipped"


def test_a_body_that_is_no_json_is_refused(client: ConformingClient, shipped: str) -> None:
    for path, method in (("", "POST"), ("/1", "PUT"), ("/1/cancel", "POST")):
        where = f"{shipped}/shipments{path}"
        sent = {"input_stream": BytesIO(b"{"), "content_length": 1, "content_type": "application/json"}
        refused(client.open(where, method=method, **sent), 400, "malformed_json")
        refused(client.open(where, method=method, data="x", content_type="text/plain"), 415, "unsupported_media_type")
