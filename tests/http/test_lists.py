"""Lists: pages, cursors, links, filters."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from oms_core import ALL_SCOPES, Caller, Oms, OrderLine, PlaceOrder
from tests.http.asking import place, read, refused, stock
from tests.http.conformance import ConformingClient

LISTS = ["/v1/orders", "/v1/orders/{id}/events", "/v1/inventory", "/v1/inventory/WIDGET/movements"]


def next_path(response: TestResponse) -> str | None:
    link = response.headers.get("Link")
    if link is None:
        return None
    match = re.fullmatch(r'<([^>]+)>; rel="next"', link)
    assert match
    return match[1]


def pages(client: ConformingClient, path: str) -> Iterator[list[dict[str, Any]]]:
    """Follow the links, checking that each says what `next` says."""
    following: str | None = path
    while following is not None:
        response = client.get(following)
        document = read(response)
        yield document["items"]
        following = next_path(response)
        assert (following is None) == (document["next"] is None)
        assert following is None or f"cursor={document['next']}" in following


def ids(client: ConformingClient, query: str) -> list[str]:
    return [item["id"] for page in pages(client, f"/v1/orders{query}") for item in page]


def test_orders_come_newest_first_in_pages(client: ConformingClient) -> None:
    stock(client)
    placed = [place(client)["id"] for _ in range(5)]
    found = list(pages(client, "/v1/orders?limit=2"))
    assert [len(page) for page in found] == [2, 2, 1]
    assert [item["id"] for page in found for item in page] == placed[::-1]


def test_a_full_last_page_has_no_next(client: ConformingClient) -> None:
    stock(client)
    place(client)
    place(client)
    assert [len(page) for page in pages(client, "/v1/orders?limit=2")] == [2]


def test_every_list_has_pages(client: ConformingClient) -> None:
    stock(client)
    stock(client, "OTHER")
    order_id = place(client)["id"]
    client.put(f"/v1/orders/{order_id}/status", json={"status": "shipped"})
    for path in ("/v1/inventory", f"/v1/orders/{order_id}/events", "/v1/inventory/WIDGET/movements"):
        whole = read(client.get(path))["items"]
        assert len(whole) > 1
        assert [item for page in pages(client, f"{path}?limit=1") for item in page] == whole


def test_fifty_items_are_the_default_and_500_the_most(client: ConformingClient, oms: Oms) -> None:
    stock(client, on_hand=1_000)
    caller = Caller(name="test", scopes=ALL_SCOPES)
    command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="WIDGET", quantity=1)])
    oms.orders.place_many([command] * 501, caller=caller)
    assert len(read(client.get("/v1/orders"))["items"]) == 50
    assert len(read(client.get("/v1/orders?limit=500"))["items"]) == 500


def test_the_next_page_keeps_the_filters(client: ConformingClient) -> None:
    stock(client, "A & B/é".replace("/", ""))
    for _ in range(3):
        place(client, "A & Bé", customer_id="C=1&2")
    response = client.get(
        "/v1/orders", query_string={"customer_id": "C=1&2", "sku": "A & Bé", "status": "pending", "limit": "1"}
    )
    following = next_path(response)
    assert following
    assert following.startswith("/v1/orders?customer_id=C%3D1%262&sku=A+%26+B%C3%A9&status=pending&limit=1&cursor=")
    assert len(read(client.get(following))["items"]) == 1


def test_the_next_page_of_a_product_with_an_odd_name_is_found(client: ConformingClient) -> None:
    stock(client, "50% é>", 1)
    stock(client, "50% é>", 2)
    assert len(list(pages(client, "/v1/inventory/50%25%20%C3%A9%3E/movements?limit=1"))) == 2


def test_orders_are_filtered(client: ConformingClient) -> None:
    stock(client)
    stock(client, "OTHER")
    plain = place(client)["id"]
    named = place(client, customer_id="C2", reference="R1")["id"]
    other = place(client, "OTHER")["id"]
    client.put(f"/v1/orders/{other}/status", json={"status": "shipped"})
    for query, wanted in (
        ("", [other, named, plain]),
        ("?status=pending", [named, plain]),
        ("?status=Pending,SHIPPED", [other, named, plain]),
        ("?status=pending&status=shipped", [other, named, plain]),
        ("?status=cancelled,shipped&status=SHIPPED&status=failed", [other]),
        ("?status=cancelled", []),
        ("?customer_id=C2", [named]),
        ("?reference=R1", [named]),
        ("?sku=OTHER", [other]),
        ("?sku=OTHER&status=pending", []),
    ):
        assert ids(client, query) == wanted, query


def test_a_range_of_times_includes_its_start_and_excludes_its_end(client: ConformingClient) -> None:
    stock(client)
    first, second = place(client), place(client)
    assert ids(client, f"?created_from={first['created_at']}") == [second["id"], first["id"]]
    assert ids(client, f"?created_to={second['created_at']}") == [first["id"]]
    assert ids(client, f"?created_from={second['created_at']}&created_to={second['created_at']}") == []


@pytest.mark.parametrize(
    "time",
    ["1969-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2020-01-01t00:00:00.123456789z", "2020-01-01T05:00:00-05:00"],
)
def test_every_way_to_write_a_time_is_read(client: ConformingClient, time: str) -> None:
    stock(client)
    placed = place(client)
    assert ids(client, f"?created_from={time}") == [placed["id"]]
    assert ids(client, f"?created_to={time}") == []


@pytest.mark.parametrize(
    "time",
    [
        "",
        "now",
        "2026-11-22",
        "2026-11-22T21:00:00",
        "2026-11-22T21:00:00 02:00",
        "2026-11-22 21:00:00Z",
        "2026-W47-7T21:00:00Z",
        "20261122T210000Z",
        "2026-02-30T00:00:00Z",
        "2026-11-22T24:00:01Z",
        "2026-11-22T21:00:60Z",
        "0001-01-01T00:00:00%2B23:59",
        "9999-12-31T23:59:59-23:59",
        "2026-11-22T21:00:00%2B24:00",
        "1795381200",
        "٢٠٢٦-11-22T21:00:00Z",
    ],
)
def test_what_is_no_time_with_its_offset_is_refused(client: ConformingClient, time: str) -> None:
    refused(client.get(f"/v1/orders?created_from={time}"), 422, "validation_error", "/created_from")
    refused(client.get(f"/v1/orders?created_to={time}"), 422, "validation_error", "/created_to")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "/limit"),
        ("limit=501", "/limit"),
        ("limit=-1", "/limit"),
        ("limit=", "/limit"),
        ("limit=ten", "/limit"),
        ("limit=1.0", "/limit"),
        ("limit=%D9%A1", "/limit"),
        ("limit=" + "9" * 5_000, "/limit"),
        ("limit=1&limit=1", "/limit"),
        ("cursor=garbage", "/cursor"),
        ("cursor=", "/cursor"),
        ("cursor=%00", "/cursor"),
        ("cursor=" + "A" * 8_000, "/cursor"),
        ("colour=red", "/colour"),
        ("LIMIT=1", "/LIMIT"),
        ("a/b~c=1", "/a~1b~0c"),
        ("limit=%FF", ""),
        ("%FF=1", ""),
        ("&".join(f"p{number}=1" for number in range(40)), ""),
    ],
)
def test_a_bad_query_is_refused(client: ConformingClient, path: str, query: str, pointer: str) -> None:
    stock(client)
    path = path.format(id=place(client)["id"])
    refused(client.get(f"{path}?{query}"), 422, "validation_error", pointer)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=", "/status"),
        ("status=lost", "/status"),
        ("status=pending,", "/status"),
        ("status=pending, shipped", "/status"),
        ("status=pending&status=lost", "/status"),
        ("status=lost&status=pending", "/status"),
        ("status=pending&status=", "/status"),
        ("customer_id=C1&customer_id=C1", "/customer_id"),
        ("created_to=2026-01-01T00:00:00Z&created_to=2026-01-01T00:00:00Z", "/created_to"),
        ("customer_id=", "/customer_id"),
        ("customer_id=%00", "/customer_id"),
        ("customer_id=" + "C" * 129, "/customer_id"),
        ("reference=%E2%80%8B", "/reference"),
        ("sku=", "/sku"),
        ("sku=" + "S" * 65, "/sku"),
    ],
)
def test_a_bad_filter_is_refused(client: ConformingClient, query: str, pointer: str) -> None:
    refused(client.get(f"/v1/orders?{query}"), 422, "validation_error", pointer)


def test_a_query_with_raw_bytes_is_refused(client: ConformingClient) -> None:
    response = client.get("/v1/orders", environ_overrides={"QUERY_STRING": "limit=\xff"})
    refused(response, 422, "validation_error", "")


def test_a_cursor_of_another_list_is_refused(client: ConformingClient) -> None:
    stock(client)
    for _ in range(2):
        place(client)
    cursor = read(client.get("/v1/orders?limit=1"))["next"]
    refused(client.get(f"/v1/inventory?cursor={cursor}"), 422, "validation_error", "/cursor")


def test_routes_without_parameters_take_none(client: ConformingClient) -> None:
    stock(client)
    placed = place(client)
    for method, path in (
        ("GET", f"/v1/orders/{placed['id']}"),
        ("GET", "/v1/inventory/WIDGET"),
        ("POST", "/v1/orders"),
        ("PUT", "/v1/inventory/WIDGET"),
    ):
        sent = {} if method == "GET" else {"json": {}}
        refused(client.open(f"{path}?dry_run=true", method=method, **sent), 422, "validation_error", "/dry_run")


def test_a_query_that_is_too_long_is_refused_whatever_server_took_it(client: ConformingClient) -> None:
    refused(client.get("/v1/orders?cursor=" + "A" * 8_186), 414, "uri_too_long")
    refused(client.get("/v1/orders?cursor=" + "A" * 8_185), 422, "validation_error", "/cursor")
