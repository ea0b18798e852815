"""Returns over HTTP: made, listed and shown, with what becomes of the units and the headers of each answer."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import ALL_SCOPES, Caller, Oms
from tests.http.asking import figures, place, read, stock
from tests.http.conformance import ConformingClient
from tests.http.returning import give_back, of_line, path, ship, told

STAFF = Caller(name="staff", scopes=ALL_SCOPES)


@pytest.fixture
def placed(client: ConformingClient) -> dict[str, Any]:
    """A placed order of three widgets and a gadget."""
    stock(client)
    stock(client, "GADGET")
    return place(client, lines=[{"sku": "WIDGET", "quantity": 3}, {"sku": "GADGET", "quantity": 1}])


@pytest.fixture
def order(client: ConformingClient, placed: dict[str, Any]) -> dict[str, Any]:
    """An order of three widgets and a gadget that was shipped whole."""
    assert ship(client, placed).status_code == 201
    return placed


def make_quarantine(client: ConformingClient, name: str = "yard") -> None:
    assert client.put(f"/v1/locations/{name}", json={"kind": "quarantine"}).status_code == 200


def on_hand_by_location(client: ConformingClient, sku: str = "WIDGET") -> dict[str, int]:
    return {level["location"]: level["on_hand"] for level in read(client.get(f"/v1/inventory/{sku}"))["locations"]}


def test_a_return_is_shown_with_what_came_back_and_where_it_is(client: ConformingClient, order: dict[str, Any]) -> None:
    answer = give_back(client, order, lines=of_line(2), reference="RMA-17", reason="did not fit")
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"3"')
    assert (answer.headers["Location"], answer.headers["Cache-Control"]) == (path(order, 1), "no-store")
    assert "Idempotent-Replayed" not in answer.headers
    made = read(answer)
    line = {"line_no": 1, "sku": "WIDGET", "quantity": 2, "disposition": "restock"}
    assert made == {
        "id": made["id"],
        "order_id": order["id"],
        "return_no": 1,
        "lines": [{**line, "shipped_from": "main", "location": "main"}],
        "reference": "RMA-17",
        "reason": "did not fit",
        "created_at": made["created_at"],
        **{"order_status": "partly_returned", "order_version": 3},
    }
    shown = client.get(answer.headers["Location"])
    assert (read(shown), shown.headers["ETag"], shown.headers["Cache-Control"]) == (made, '"3"', "no-store")
    assert figures(client) == (9, 0, 9)


def test_an_order_comes_back_in_parts_and_then_whole(client: ConformingClient, order: dict[str, Any]) -> None:
    assert read(give_back(client, order, lines=of_line(1)))["order_status"] == "partly_returned"
    assert read(give_back(client, order, lines=of_line(1)))["order_status"] == "partly_returned"
    rest = read(give_back(client, order))
    assert (rest["return_no"], rest["order_status"], rest["order_version"]) == (3, "returned", 5)
    assert [(line["line_no"], line["quantity"]) for line in rest["lines"]] == [(1, 1), (2, 1)]
    assert read(client.get(f"/v1/orders/{order['id']}"))["status"] == "returned"
    assert told(client, order)[3:] == [
        *("return.created", "order.partly_returned"),
        "return.created",
        *("return.created", "order.returned"),
    ]
    assert (figures(client), figures(client, "GADGET")) == ((10, 0, 10), (10, 0, 10))


def test_the_event_says_what_came_back(client: ConformingClient, order: dict[str, Any]) -> None:
    give_back(client, order, lines=of_line(1, disposition="discard"), reference="RMA-17", reason="broken")
    created, moved = read(client.get(f"/v1/orders/{order['id']}/events"))["items"][-2:]
    line = {"line_no": 1, "sku": "WIDGET", "quantity": 1, "disposition": "discard", "location": None}
    assert created["data"] == {"return_no": 1, "lines": [line], "reference": "RMA-17", "reason": "broken"}
    assert moved["data"] == {"from": "shipped", "to": "partly_returned", "reason": "broken"}
    assert created["order_version"] == moved["order_version"] == 3


def test_what_is_not_said_comes_back_whole_to_where_it_was_shipped_from(client: ConformingClient) -> None:
    stock(client, "WIDGET", 2)
    stock(client, "WIDGET", 5, location="north")
    order = place(client, quantity=3)
    client.put(f"/v1/orders/{order['id']}/status", json={"status": "shipped"})
    made = read(give_back(client, order))
    assert [(line["quantity"], line["shipped_from"], line["location"]) for line in made["lines"]] == [
        (2, "main", "main"),
        (1, "north", "north"),
    ]
    assert made["order_status"] == "returned"
    assert on_hand_by_location(client) == {"main": 2, "north": 5}


def test_an_order_that_is_still_reserved_in_part_stays_partly_shipped(
    client: ConformingClient, placed: dict[str, Any]
) -> None:
    ship(client, placed, lines=of_line(2))
    assert read(give_back(client, placed, lines=of_line(2)))["order_status"] == "partly_shipped"
    assert told(client, placed)[-1] == "return.created"
    assert figures(client) == (10, 1, 9)
    assert read(ship(client, placed))["order_status"] == "partly_returned"


def test_a_delivered_order_comes_back(client: ConformingClient, order: dict[str, Any]) -> None:
    client.put(f"/v1/orders/{order['id']}/status", json={"status": "delivered"})
    assert read(give_back(client, order, lines=of_line(3)))["order_status"] == "partly_returned"


def test_returns_are_listed_by_number_with_the_orders_tag(client: ConformingClient, order: dict[str, Any]) -> None:
    nothing = client.get(path(order))
    assert (read(nothing), nothing.headers["ETag"]) == ({"items": []}, '"2"')
    made = [read(give_back(client, order, lines=of_line(1, line_no))) for line_no in (2, 1)]
    listed = client.get(path(order))
    assert read(listed)["items"] == [{**each, "order_status": "partly_returned", "order_version": 4} for each in made]
    assert [each["return_no"] for each in made] == [1, 2]
    assert (listed.headers["ETag"], listed.headers["Cache-Control"]) == ('"4"', "no-store")


def test_the_ledger_names_the_return(client: ConformingClient, order: dict[str, Any]) -> None:
    lines = [*of_line(2), *of_line(1, disposition="missing")]
    made = read(give_back(client, order, lines=lines, reason="did not fit"))
    newest = read(client.get("/v1/inventory/WIDGET/movements"))["items"][0]
    assert {name: newest[name] for name in ("kind", "act_id", "on_hand_delta", "reserved_delta", "reason")} == {
        "kind": "return",
        "act_id": made["id"],
        "on_hand_delta": 2,
        "reserved_delta": 0,
        "reason": "did not fit",
    }


@pytest.mark.parametrize(
    ("disposition", "counts", "location"),
    [
        ("restock", (8, 0, 8), "main"),
        ("Restock", (8, 0, 8), "main"),
        (None, (8, 0, 8), "main"),
        ("quarantine", (8, 0, 7), "yard"),
        ("discard", (7, 0, 7), None),
        ("missing", (7, 0, 7), None),
    ],
)
def test_what_becomes_of_the_units_is_seen_in_the_counts(
    client: ConformingClient,
    order: dict[str, Any],
    disposition: str | None,
    counts: tuple[int, int, int],
    location: str | None,
) -> None:
    make_quarantine(client)
    made = read(give_back(client, order, lines=of_line(1, disposition=disposition)))
    assert made["lines"][0]["location"] == location
    assert made["lines"][0]["disposition"] == (disposition or "restock").lower()
    assert figures(client) == counts


def test_what_is_discarded_or_missing_counts_as_returned(
    client: ConformingClient, oms: Oms, order: dict[str, Any]
) -> None:
    lines = [*of_line(2, disposition="discard"), *of_line(1, disposition="missing"), *of_line(1, 2)]
    assert read(give_back(client, order, lines=lines))["order_status"] == "returned"
    shown = read(client.get(f"/v1/orders/{order['id']}?include=allocations"))
    allocations = [line["allocations"] for line in shown["lines"]]
    assert [[(each["shipped"], each["returned"]) for each in of_one] for of_one in allocations] == [[(3, 3)], [(1, 1)]]
    assert not oms.audit(caller=STAFF).discrepancies


def test_a_line_comes_back_in_several_conditions_at_once(client: ConformingClient, order: dict[str, Any]) -> None:
    make_quarantine(client)
    lines = [*of_line(1), *of_line(1, disposition="quarantine"), *of_line(1, disposition="discard")]
    made = read(give_back(client, order, lines=lines))
    assert [(line["disposition"], line["quantity"], line["location"]) for line in made["lines"]] == [
        ("restock", 1, "main"),
        ("quarantine", 1, "yard"),
        ("discard", 1, None),
    ]
    assert on_hand_by_location(client) == {"main": 8, "yard": 1}


def test_the_quarantine_is_named_where_there_are_several(client: ConformingClient, order: dict[str, Any]) -> None:
    for name in ("yard", "annex"):
        make_quarantine(client, name)
    made = read(give_back(client, order, lines=of_line(1, disposition="quarantine", location="annex")))
    assert (made["lines"][0]["shipped_from"], made["lines"][0]["location"]) == ("main", "annex")
    assert on_hand_by_location(client) == {"main": 7, "annex": 1}


def test_units_are_restocked_elsewhere(client: ConformingClient, order: dict[str, Any]) -> None:
    stock(client, "WIDGET", 1, location="north")
    give_back(client, order, lines=of_line(2, location="north"))
    assert on_hand_by_location(client) == {"main": 7, "north": 3}


def test_units_of_a_sku_are_those_of_its_first_line_and_then_of_the_next(client: ConformingClient) -> None:
    stock(client)
    order = place(client, lines=[{"sku": "WIDGET", "quantity": quantity} for quantity in (1, 2)])
    ship(client, order)
    made = read(give_back(client, order, lines=[{"sku": "WIDGET", "quantity": 2}]))
    assert [(line["line_no"], line["quantity"]) for line in made["lines"]] == [(1, 1), (2, 1)]


def test_under_a_key_a_return_is_made_once_and_shown_with_its_order_as_it_is(
    client: ConformingClient, order: dict[str, Any]
) -> None:
    key = {"Idempotency-Key": "K"}
    first = give_back(client, order, key, lines=of_line(1))
    give_back(client, order)
    again = give_back(client, order, key, lines=of_line(1))
    assert "Idempotent-Replayed" not in first.headers
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.headers["ETag"]) == (201, "true", '"4"')
    assert again.headers["Location"] == first.headers["Location"] == path(order, 1)
    assert read(again) == {**read(first), "order_status": "returned", "order_version": 4}
    assert len(read(client.get(path(order)))["items"]) == 2
    assert figures(client) == (10, 0, 10)


def test_a_return_is_made_on_the_version_that_was_read(client: ConformingClient, order: dict[str, Any]) -> None:
    first = give_back(client, order, {"If-Match": '"2"'}, lines=of_line(1))
    assert give_back(client, order, {"If-Match": first.headers["ETag"]}, lines=of_line(1)).status_code == 201


def test_setting_the_status_returns_what_is_still_out(client: ConformingClient, order: dict[str, Any]) -> None:
    give_back(client, order, lines=of_line(1, disposition="discard"))
    moved = client.put(f"/v1/orders/{order['id']}/status", json={"status": "returned", "reason": "recall"})
    assert (moved.status_code, read(moved)["status"]) == (200, "returned")
    made = read(client.get(path(order, 2)))
    assert [(line["sku"], line["quantity"], line["disposition"]) for line in made["lines"]] == [
        ("WIDGET", 2, "restock"),
        ("GADGET", 1, "restock"),
    ]
    assert (made["reason"], made["reference"]) == ("recall", None)
    assert told(client, order)[-2:] == ["return.created", "order.returned"]
    assert (figures(client), figures(client, "GADGET")) == ((9, 0, 9), (10, 0, 10))


def test_orders_that_came_back_in_part_are_found(client: ConformingClient, order: dict[str, Any]) -> None:
    give_back(client, order, lines=of_line(1))
    listed = read(client.get("/v1/orders?status=Partly_Returned"))["items"]
    assert [each["id"] for each in listed] == [order["id"]]
