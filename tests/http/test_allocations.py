"""Lines show where they are served from, where that is asked for; and open orders are found by it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http.asking import place, read, stock
from tests.http.conformance import ConformingClient

ALLOCATED = [
    {"location": "main", "reserved": 2, "shipped": 0, "returned": 0},
    {"location": "north", "reserved": 1, "shipped": 0, "returned": 0},
]


@pytest.fixture
def order(client: ConformingClient) -> dict[str, Any]:
    """An order of three units, of which one location has two."""
    stock(client, "WIDGET", 2)
    stock(client, "WIDGET", 5, location="north")
    return place(client, lines=[{"sku": "WIDGET", "quantity": 3}])


def allocations(order: dict[str, Any]) -> Any:
    (line,) = order["lines"]
    return line.get("allocations")


def test_an_order_shows_where_its_lines_are_served_from(client: ConformingClient, order: dict[str, Any]) -> None:
    alone = f"/v1/orders/{order['id']}"
    assert allocations(order) is None
    assert allocations(read(client.get(alone))) is None
    assert allocations(read(client.get(f"{alone}?include=allocations"))) == ALLOCATED
    client.put(f"{alone}/status", json={"status": "cancelled"})
    assert allocations(read(client.get(f"{alone}?include=allocations"))) == []


def test_a_list_shows_them_if_it_is_asked_to(client: ConformingClient, order: dict[str, Any]) -> None:
    assert order["id"]
    assert [allocations(each) for each in read(client.get("/v1/orders"))["items"]] == [None]
    listed = client.get("/v1/orders?include=allocations&limit=1")
    assert [allocations(each) for each in read(listed)["items"]] == [ALLOCATED]


def test_the_next_page_shows_them_too(client: ConformingClient, order: dict[str, Any]) -> None:
    place(client, lines=[{"sku": "WIDGET", "quantity": 1}])
    page = client.get("/v1/orders?include=allocations&limit=1")
    assert "include=allocations" in page.headers["Link"]
    rest = client.get(f"/v1/orders?include=allocations&limit=1&cursor={read(page)['next']}")
    assert [(each["id"], allocations(each)) for each in read(rest)["items"]] == [(order["id"], ALLOCATED)]


@pytest.mark.parametrize("query", ["include=lines", "include=", "include=allocations&include=allocations"])
def test_there_is_nothing_else_to_include(client: ConformingClient, query: str) -> None:
    refused = client.get(f"/v1/orders?{query}")
    assert (refused.status_code, read(refused)["errors"][0]["pointer"]) == (422, "/include")


def test_open_orders_are_found_by_their_locations(client: ConformingClient, order: dict[str, Any]) -> None:
    found = client.get("/v1/orders?location=north&include=allocations")
    assert [(each["id"], allocations(each)) for each in read(found)["items"]] == [(order["id"], ALLOCATED)]
    assert read(client.get("/v1/orders?location=south"))["items"] == []
    assert client.get("/v1/orders?location=").status_code == 422
    assert client.get("/v1/orders/export?location=north").status_code == 422
