"""What returns over HTTP are refused for: every code with its figures, and orders of others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from oms_memory import MemoryStorage

from oms_core import ALL_SCOPES, Caller, CreateApiKey, Oms, Scope, SetStock, Settings
from oms_core.domain.orders import returning
from tests.http.asking import figures, order, place, read, refused, stock
from tests.http.conformance import ConformingClient
from tests.http.conftest import client_of, conforming
from tests.http.queueing import ASYNC
from tests.http.returning import give_back, of_line, path, ship

STAFF = Caller(name="staff", scopes=ALL_SCOPES)
UNKNOWN_ID = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"
COUNT_MAX = 10**12


@pytest.fixture
def shipped(client: ConformingClient) -> dict[str, Any]:
    """An order of two lines of widgets, three and two, that was shipped whole."""
    stock(client)
    found = place(client, lines=[{"sku": "WIDGET", "quantity": quantity} for quantity in (3, 2)])
    assert ship(client, found).status_code == 201
    return found


@pytest.mark.parametrize(
    ("lines", "short"),
    [
        (of_line(3), [{"line_no": 1, "sku": "WIDGET", "requested": 3, "shipped": 3, "returned": 1}]),
        (
            [{"sku": "WIDGET", "quantity": 5}],
            [{"line_no": None, "sku": "WIDGET", "requested": 5, "shipped": 5, "returned": 1}],
        ),
        (
            [*of_line(1, 2), *of_line(2, disposition="discard"), *of_line(1)],
            [{"line_no": 1, "sku": "WIDGET", "requested": 1, "shipped": 3, "returned": 1}],
        ),
        (
            [*of_line(3), *of_line(3, 2)],
            [
                {"line_no": 1, "sku": "WIDGET", "requested": 3, "shipped": 3, "returned": 1},
                {"line_no": 2, "sku": "WIDGET", "requested": 3, "shipped": 2, "returned": 0},
            ],
        ),
    ],
)
def test_no_more_comes_back_than_is_out(
    client: ConformingClient, shipped: dict[str, Any], lines: list[object], short: list[object]
) -> None:
    give_back(client, shipped, lines=of_line(1))
    problem = refused(give_back(client, shipped, lines=lines), 409, "exceeds_shipped")
    assert (problem["lines"], problem["retry"]) == (short, "after_change")
    assert figures(client) == (6, 0, 6)
    assert len(read(client.get(path(shipped)))["items"]) == 1


def test_what_has_come_back_already_does_not_come_back_again(client: ConformingClient) -> None:
    stock(client)
    partly = place(client, quantity=3)
    ship(client, partly, lines=of_line(1))
    assert give_back(client, partly).status_code == 201
    assert refused(give_back(client, partly), 409, "exceeds_shipped")["lines"] == []


def test_what_has_not_left_or_is_all_back_has_nothing_to_return(
    client: ConformingClient, shipped: dict[str, Any]
) -> None:
    queued = read(client.post("/v1/orders", json=order(), headers=ASYNC))
    held = place(client, hold_seconds=60)
    pending = place(client)
    give_back(client, shipped)
    for found, status, allowed in (
        (queued, "queued", ["cancelled"]),
        (held, "held", ["cancelled"]),
        (pending, "pending", ["processing", "shipped", "cancelled"]),
        (shipped, "returned", []),
    ):
        problem = refused(give_back(client, found), 409, "invalid_transition")
        assert (problem["current"], problem["allowed"]) == (status, allowed)


@pytest.mark.parametrize("names", [[], ["annex", "yard"]])
def test_the_quarantine_is_asked_for_where_it_is_not_the_only_one(
    client: ConformingClient, shipped: dict[str, Any], names: list[str]
) -> None:
    for name in names:
        client.put(f"/v1/locations/{name}", json={"kind": "quarantine"})
    answer = give_back(client, shipped, lines=of_line(1, disposition="quarantine"))
    assert refused(answer, 409, "location_required")["locations"] == names
    assert figures(client) == (5, 0, 5)


def test_an_order_has_so_many_returns_at_most(
    client: ConformingClient, shipped: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returning, "ORDER_RETURNS_MAX", 1)
    give_back(client, shipped, lines=of_line(1))
    for answer in (
        give_back(client, shipped),
        client.put(f"/v1/orders/{shipped['id']}/status", json={"status": "returned"}),
    ):
        problem = refused(answer, 409, "return_limit")
        assert (problem["returns_max"], problem["retry"]) == (1, "never")


def test_units_that_would_be_too_many_do_not_come_back(client: ConformingClient, shipped: dict[str, Any]) -> None:
    stock(client, "WIDGET", COUNT_MAX - 1)
    limit = {"sku": "WIDGET", "location": "main", "on_hand": COUNT_MAX + 1, "on_hand_max": COUNT_MAX}
    problem = refused(give_back(client, shipped, lines=of_line(2)), 409, "stock_limit")
    assert {name: problem[name] for name in limit} == limit
    assert figures(client)[0] == COUNT_MAX - 1
    assert give_back(client, shipped, lines=of_line(2, disposition="discard")).status_code == 201


def test_units_that_would_be_too_many_elsewhere_do_not_come_back(
    client: ConformingClient, shipped: dict[str, Any]
) -> None:
    stock(client, "WIDGET", COUNT_MAX, location="north")
    problem = refused(give_back(client, shipped, lines=of_line(1, location="north")), 409, "stock_limit")
    assert (problem["location"], problem["on_hand"]) == ("north", COUNT_MAX + 1)


@pytest.mark.parametrize("status", ["partly_returned", "PARTLY_RETURNED"])
def test_a_status_that_follows_is_not_set(client: ConformingClient, shipped: dict[str, Any], status: str) -> None:
    moved = client.put(f"/v1/orders/{shipped['id']}/status", json={"status": status})
    assert refused(moved, 409, "invalid_transition")["allowed"] == ["delivered", "returned"]


def test_an_order_that_came_back_in_part_may_only_come_back_whole(
    client: ConformingClient, shipped: dict[str, Any]
) -> None:
    give_back(client, shipped, lines=of_line(1))
    moved = client.put(f"/v1/orders/{shipped['id']}/status", json={"status": "delivered"})
    problem = refused(moved, 409, "invalid_transition")
    assert (problem["current"], problem["allowed"]) == ("partly_returned", ["returned"])


def test_a_shipment_is_not_taken_back_once_units_of_it_came_back(
    client: ConformingClient, shipped: dict[str, Any]
) -> None:
    give_back(client, shipped, lines=of_line(1))
    answer = client.post(f"/v1/orders/{shipped['id']}/shipments/1/cancel", json={})
    assert refused(answer, 409, "shipment_returned")["lines"] == [{"line_no": 1, "shipped": 3, "returned": 1}]


@pytest.mark.parametrize("tag", ['"1"', 'W/"2"'])
def test_a_stale_version_is_refused_with_the_present_one(
    client: ConformingClient, shipped: dict[str, Any], tag: str
) -> None:
    assert refused(give_back(client, shipped, {"If-Match": tag}), 412, "version_mismatch")["version"] == 2


def test_a_key_stands_for_what_it_was_used_for(client: ConformingClient, shipped: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "K"}
    assert give_back(client, shipped, key, lines=of_line(1)).status_code == 201
    for answer in (
        give_back(client, shipped, key),
        give_back(client, shipped, key, lines=of_line(2)),
        give_back(client, shipped, key, lines=of_line(1), reason="broken"),
        give_back(client, shipped, key, lines=of_line(1, disposition="discard")),
        client.post(f"/v1/orders/{shipped['id']}/shipments", json={}, headers=key),
    ):
        refused(answer, 422, "idempotency_key_reused")
    assert len(read(client.get(path(shipped)))["items"]) == 1


def test_a_refused_return_does_not_use_its_key_up(client: ConformingClient, shipped: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "K"}
    refused(give_back(client, shipped, key, lines=of_line(4)), 409, "exceeds_shipped")
    assert give_back(client, shipped, key, lines=of_line(3)).status_code == 201


def test_a_key_of_an_order_that_was_archived_returns_nothing(
    client: ConformingClient, oms: Oms, shipped: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "K"}
    assert give_back(client, shipped, key).status_code == 201
    storage = oms._ports.storage
    assert isinstance(storage, MemoryStorage)
    now = datetime.now(UTC) + timedelta(days=1)
    found = storage.archive.finished(before=now, after=None, limit=10)
    storage.archive.remove({each.order.id: each.order.version for each in found}, caller=STAFF, now=now)
    assert refused(give_back(client, shipped, key), 410, "order_archived")["order_id"] == shipped["id"]
    for where in (path(shipped), path(shipped, 1)):
        refused(client.get(where), 404, "order_not_found")


@pytest.mark.parametrize("number", ["2", "0", "01", "-1", "1.0", "x", "9" * 40, "\u0661", "%20"])
def test_an_unknown_return_is_not_found(client: ConformingClient, shipped: dict[str, Any], number: str) -> None:
    give_back(client, shipped, lines=of_line(1))
    problem = refused(client.get(f"{path(shipped)}/{number}"), 404, "return_not_found")
    assert problem["retry"] == "never"


@pytest.mark.parametrize("order_id", [UNKNOWN_ID, "x"])
def test_returns_of_an_unknown_order_are_not_found(client: ConformingClient, order_id: str) -> None:
    where = f"/v1/orders/{order_id}/returns"
    for answer in (client.get(where), client.post(where, json={}), client.get(f"{where}/1")):
        refused(answer, 404, "order_not_found")


def test_another_customers_returns_are_not_there() -> None:
    with Oms.open(Settings(database_url="memory://", auth="keys")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=10), caller=STAFF)
        scopes = [Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.ORDERS_MANAGE]
        mine, others = (
            {"Authorization": f"Bearer {oms.api_keys.create(command, caller=STAFF).token}"}
            for command in (
                CreateApiKey(name=f"of-{customer}", scopes=scopes, customer_id=customer) for customer in ("C1", "C2")
            )
        )
        client = client_of(conforming(oms))
        placed = read(client.post("/v1/orders", json=order(quantity=2), headers=mine))
        client.post(f"/v1/orders/{placed['id']}/shipments", json={}, headers=mine)
        assert give_back(client, placed, mine, lines=of_line(1)).status_code == 201
        refused(give_back(client, placed, others), 404, "order_not_found")
        for where in (path(placed), path(placed, 1)):
            refused(client.get(where, headers=others), 404, "order_not_found")
        assert len(read(client.get(path(placed), headers=mine))["items"]) == 1


def test_a_body_that_is_no_json_is_refused(client: ConformingClient, shipped: dict[str, Any]) -> None:
    sent = {"input_stream": BytesIO(b"{"), "content_length": 1, "content_type": "application/json"}
    refused(client.post(path(shipped), **sent), 400, "malformed_json")
    refused(client.post(path(shipped), data="x", content_type="text/plain"), 415, "unsupported_media_type")
