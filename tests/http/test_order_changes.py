"""Lines of orders that are changed over HTTP: what becomes of the order and of the stock, and the answer's headers."""

from __future__ import annotations

from typing import Any

import pytest

from oms_core import ALL_SCOPES, Caller, Oms
from tests.http.asking import figures, order, place, read, stock
from tests.http.changing import change, events, further, of_line, quantities, shown, try_out
from tests.http.conformance import ConformingClient
from tests.http.queueing import ASYNC
from tests.http.returning import ship

STAFF = Caller(name="staff", scopes=ALL_SCOPES)


@pytest.fixture
def placed(client: ConformingClient) -> dict[str, Any]:
    """A placed order of three widgets and a gadget, with prices."""
    stock(client)
    stock(client, "GADGET")
    lines = [further("WIDGET", 3, unit_price="12.50"), further("GADGET", 1, unit_price="4.00")]
    return place(client, lines=lines)


@pytest.mark.parametrize(
    ("quantity", "counts", "total"), [(5, (10, 5, 5), "66.50"), (1, (10, 1, 9), "16.50"), (10, (10, 10, 0), "129.00")]
)
def test_a_line_gets_another_quantity_and_the_stock_follows(
    client: ConformingClient, placed: dict[str, Any], quantity: int, counts: tuple[int, int, int], total: str
) -> None:
    answer = change(client, placed, of_line(quantity))
    assert (answer.status_code, answer.headers["ETag"], answer.headers["Cache-Control"]) == (200, '"2"', "no-store")
    assert "Idempotent-Replayed" not in answer.headers
    changed = read(answer)
    assert quantities(changed) == [(1, "WIDGET", quantity), (2, "GADGET", 1)]
    assert (changed["total"], changed["version"], changed["status"]) == (total, 2, "pending")
    assert changed == shown(client, placed)
    assert (figures(client), figures(client, "GADGET")) == (counts, (10, 1, 9))


def test_a_further_line_is_served_at_its_price(client: ConformingClient, placed: dict[str, Any]) -> None:
    changed = read(change(client, placed, further("GADGET", 2, unit_price="0.0125")))
    assert changed["lines"][2] == {"line_no": 3, "sku": "GADGET", "quantity": 2, "unit_price": "0.0125"}
    assert changed["total"] == "41.525"
    assert figures(client, "GADGET") == (10, 3, 7)


def test_a_further_line_without_a_price_leaves_no_total(client: ConformingClient, placed: dict[str, Any]) -> None:
    assert read(change(client, placed, further()))["total"] is None
    assert read(change(client, placed, of_line(0, 3)))["total"] == "41.50"


def test_a_line_of_no_units_stays_and_is_not_found_by_its_sku(
    client: ConformingClient, oms: Oms, placed: dict[str, Any]
) -> None:
    changed = read(change(client, placed, of_line(0)))
    assert quantities(changed) == [(1, "WIDGET", 0), (2, "GADGET", 1)]
    assert changed["total"] == "4.00"
    assert figures(client) == (10, 0, 10)
    for sku, found in (("WIDGET", []), ("GADGET", [placed["id"]])):
        assert [each["id"] for each in read(client.get(f"/v1/orders?sku={sku}"))["items"]] == found
    assert not oms.audit(caller=STAFF).discrepancies


def test_a_removed_line_can_have_units_again(client: ConformingClient, placed: dict[str, Any]) -> None:
    change(client, placed, of_line(0))
    assert read(change(client, placed, of_line(2)))["lines"][0]["unit_price"] == "12.50"
    assert figures(client) == (10, 2, 8)


def test_a_removed_line_is_in_no_row_of_a_csv_and_in_the_document_of_a_json_line(
    client: ConformingClient, placed: dict[str, Any]
) -> None:
    changed = read(change(client, placed, of_line(0)))
    header, *rows = client.get("/v1/orders/export").text.splitlines()
    assert [row.split(",")[header.split(",").index("sku")] for row in rows] == ["GADGET"]
    (line,) = client.get("/v1/orders/export?format=jsonl").text.splitlines()
    assert line == client.get(f"/v1/orders/{changed['id']}").text.strip()


def test_units_that_one_line_gives_up_serve_another_at_once(client: ConformingClient) -> None:
    stock(client)
    full = place(client, lines=[further(quantity=6), further(quantity=4)])
    assert quantities(read(change(client, full, of_line(1), of_line(9, 2)))) == [(1, "WIDGET", 1), (2, "WIDGET", 9)]
    assert figures(client) == (10, 10, 0)


def test_a_change_is_one_event_with_what_was_and_what_is(client: ConformingClient, placed: dict[str, Any]) -> None:
    change(client, placed, of_line(1), further("GADGET", 2, unit_price="5.00"), reason="as the customer asked")
    *_, told = events(client, placed)
    widget = {"line_no": 1, "sku": "WIDGET", "unit_price": "12.50"}
    gadget = {"line_no": 3, "sku": "GADGET", "quantity": 2, "unit_price": "5.00"}
    assert (told["type"], told["order_version"]) == ("order.changed", 2)
    assert told["data"] == {
        "before": {"lines": [{**widget, "quantity": 3}], "total": "41.50"},
        "after": {"lines": [{**widget, "quantity": 1}, gadget], "total": "26.50"},
        "reason": "as the customer asked",
    }


def test_the_ledger_tells_what_was_reserved_and_released(client: ConformingClient, placed: dict[str, Any]) -> None:
    change(client, placed, of_line(1), reason="two are enough")
    newest = read(client.get("/v1/inventory/WIDGET/movements"))["items"][0]
    told = {name: newest[name] for name in ("kind", "reserved_delta", "on_hand_delta", "line_no", "reason")}
    assert told == {
        **{"kind": "release", "reserved_delta": -2, "on_hand_delta": 0, "line_no": 1},
        "reason": "two are enough",
    }


def test_what_is_so_already_stays_as_it_is(client: ConformingClient, placed: dict[str, Any]) -> None:
    answer = change(client, placed, of_line(3), of_line(1, 2))
    assert (answer.status_code, answer.headers["ETag"], read(answer)) == (200, '"1"', placed)
    assert len(events(client, placed)) == 1


@pytest.mark.parametrize("line", [of_line(1), further("GADGET", 4, unit_price="1.00"), of_line(3)])
def test_a_dry_run_shows_what_would_be_and_changes_nothing(
    client: ConformingClient, placed: dict[str, Any], line: dict[str, Any]
) -> None:
    answer = try_out(client, placed, line)
    assert (answer.status_code, "ETag" in answer.headers, answer.headers["Cache-Control"]) == (200, False, "no-store")
    assert (shown(client, placed), len(events(client, placed))) == (placed, 1)
    assert (figures(client), figures(client, "GADGET")) == ((10, 3, 7), (10, 1, 9))
    done = read(change(client, placed, line))
    assert read(answer) == {**done, "updated_at": read(answer)["updated_at"]}


def test_a_dry_run_of_false_is_none(client: ConformingClient, placed: dict[str, Any]) -> None:
    path = f"/v1/orders/{placed['id']}/lines?dry_run=false"
    assert client.patch(path, json={"lines": [of_line(1)]}).headers["ETag"] == '"2"'
    assert figures(client) == (10, 1, 9)


def test_under_a_key_lines_are_changed_once(client: ConformingClient, placed: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "K"}
    first = change(client, placed, further(quantity=2), headers=key)
    change(client, placed, of_line(1, 3))
    again = change(client, placed, further(quantity=2), headers=key)
    assert "Idempotent-Replayed" not in first.headers
    assert (again.status_code, again.headers["Idempotent-Replayed"], again.headers["ETag"]) == (200, "true", '"3"')
    assert read(again) == shown(client, placed)
    assert quantities(read(again)) == [(1, "WIDGET", 3), (2, "GADGET", 1), (3, "WIDGET", 1)]


def test_lines_are_changed_on_the_version_that_was_read(client: ConformingClient, placed: dict[str, Any]) -> None:
    first = change(client, placed, of_line(2), headers={"If-Match": '"1"'})
    assert change(client, placed, of_line(1), headers={"If-Match": first.headers["ETag"]}).status_code == 200


def test_a_held_order_keeps_its_hold(client: ConformingClient) -> None:
    stock(client)
    held = place(client, quantity=2, hold_seconds=900)
    changed = read(change(client, held, of_line(4)))
    assert (changed["status"], changed["hold_until"]) == ("held", held["hold_until"])
    assert figures(client) == (10, 4, 6)


def test_a_queued_order_is_settled_as_it_was_changed(client: ConformingClient, oms: Oms) -> None:
    stock(client)
    queued = read(client.post("/v1/orders", json=order(quantity=100), headers=ASYNC))
    answer = change(client, queued, of_line(4))
    assert (read(answer)["status"], read(answer)["queue"]["position"]) == ("queued", 1)
    assert "Retry-After" in answer.headers
    assert figures(client) == (10, 0, 10)
    oms.start_worker()
    assert oms.orders.wait(oms.orders.list(caller=STAFF).items[0].id, caller=STAFF, timeout_seconds=20) is not None
    assert (shown(client, queued)["status"], figures(client)) == ("pending", (10, 4, 6))


def test_a_partly_shipped_order_is_shipped_once_nothing_is_left_of_it(
    client: ConformingClient, oms: Oms, placed: dict[str, Any]
) -> None:
    ship(client, placed, lines=[of_line(2)])
    assert read(change(client, placed, of_line(0, 2)))["status"] == "partly_shipped"
    changed = read(change(client, placed, of_line(2), reason="out of stock"))
    assert (changed["status"], changed["total"]) == ("shipped", "25.00")
    assert [each["type"] for each in events(client, placed)][-2:] == ["order.changed", "order.shipped"]
    assert figures(client) == (8, 0, 8)
    assert not oms.audit(caller=STAFF).discrepancies


def test_a_processing_order_and_a_partly_shipped_one_grow(client: ConformingClient, placed: dict[str, Any]) -> None:
    client.put(f"/v1/orders/{placed['id']}/status", json={"status": "processing"})
    assert read(change(client, placed, of_line(4)))["status"] == "processing"
    ship(client, placed, lines=[of_line(4)])
    assert read(change(client, placed, of_line(6)))["status"] == "partly_shipped"
    assert figures(client) == (6, 2, 4)
