"""Importing shipments: rows become shipments, each if it may be made, and the same file again is harmless."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_memory import MemoryStorage

from oms_core import OrderLine, PlaceOrder, SetStock
from tests.core.imports.import_fixtures import CLERK
from tests.core.imports.shipping_desk import Desk, desk_over, json_line, report

HEADER = "idempotency_key,order_id,location,line_no,sku,quantity,carrier,tracking_number,tracking_url,reference"
NOWHERE = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = desk_over(MemoryStorage())
    yield desk
    assert not desk.importer.oms.audit(caller=CLERK).discrepancies
    desk.importer.oms.close()


def test_rows_that_follow_each_other_are_one_shipment_and_one_without_lines_is_all(desk: Desk) -> None:
    first, second = desk.first.id, desk.second.id
    text = (
        f"{HEADER}\n,{first},,1,,2,DHL,1Z,https://dhl.example/1Z,P-1\n,{first},,,B,1,DHL,1Z,,P-1\n"
        f",{second},main,,,,DPD,2Z,,\n"
    )
    assert desk.ship(text) == report(2, made=2)
    assert desk.shipped(desk.first) == [("main", [(1, 2), (2, 1)])]
    assert desk.shipped(desk.second) == [("main", [(1, 3), (2, 2)])]
    assert (desk.status(desk.first), desk.status(desk.second)) == ("partly_shipped", "shipped")
    (made,) = desk.importer.oms.shipments.list(first, caller=CLERK).shipments
    assert (made.carrier, made.tracking_number, made.tracking_url, made.reference) == (
        *("DHL", "1Z"),
        *("https://dhl.example/1Z", "P-1"),
    )
    assert desk.ship(text) == report(2, replayed=2)


@pytest.mark.parametrize("column", ["idempotency_key", "reference", "tracking_number"])
def test_what_tells_shipments_of_one_order_apart_makes_a_rerun_harmless(desk: Desk, column: str) -> None:
    first = desk.first.id
    text = f"order_id,line_no,quantity,{column}\n{first},1,1,X-1\n{first},1,2,X-2\n{first},2,1,X-3\n{first},2,1,X-4\n"
    assert desk.ship(text) == report(4, made=4)
    assert desk.shipped(desk.first) == [("main", [line]) for line in ((1, 1), (1, 2), (2, 1), (2, 1))]
    assert desk.ship(text) == report(4, replayed=4)
    assert desk.status(desk.first) == "shipped"


def test_the_same_tracking_number_from_two_locations_is_two_shipments(desk: Desk) -> None:
    desk.importer.oms.stock.set(SetStock(sku="C", on_hand=1), caller=CLERK)
    desk.importer.oms.stock.set(SetStock(sku="C", on_hand=1, location="north"), caller=CLERK)
    command = PlaceOrder(customer_id="C1", lines=[OrderLine(sku="C", quantity=2)])
    split = desk.importer.oms.orders.place(command, caller=CLERK).order
    text = f"order_id,location,tracking_number\n{split.id},main,1Z\n{split.id},north,1Z\n"
    assert desk.ship(text) == report(2, made=2)
    assert desk.shipped(split) == [("main", [(1, 1)]), ("north", [(1, 1)])]


def test_json_lines_are_the_documents_that_make_shipments(desk: Desk) -> None:
    lines = [{"line_no": 1, "quantity": 1}, {"sku": "B", "quantity": 1}]
    text = json_line(desk.first.id, "K1", lines=lines, carrier="DHL") + json_line(desk.second.id, reference="R")
    assert desk.ship(text) == report(2, made=2)
    assert desk.shipped(desk.first) == [("main", [(1, 1), (2, 1)])]
    assert desk.ship(text) == report(2, replayed=2)


def test_one_that_is_refused_stops_no_other(desk: Desk) -> None:
    text = (
        json_line(desk.first.id, "K1", lines=[{"line_no": 1, "quantity": 4}])
        + json_line(NOWHERE, "K2")
        + json_line(desk.first.id, "K3", lines=[{"line_no": 1, "quantity": 3}])
        + json_line(desk.first.id, "K4", lines=[{"line_no": 1, "quantity": 1}])
        + json_line(desk.second.id, "K5", lines=[{"line_no": 3, "quantity": 1}])
        + json_line(desk.second.id, "K6")
        + json_line(desk.second.id, "K7")
    )
    assert desk.ship(text) == report(7, made=2, refused=5)
    assert desk.importer.told() == [
        (1, None, "exceeds_reserved"),
        (2, None, "order_not_found"),
        (4, None, "exceeds_reserved"),
        (5, None, "validation_error"),
        (7, None, "invalid_transition"),
    ]
    (row,) = desk.importer.rejects[0].rows
    assert row == {"idempotency_key": "K1", "order_id": str(desk.first.id), "line_no": "1", "quantity": "4"}


def test_a_malformed_shipment_stops_all_before_anything_is_shipped(desk: Desk) -> None:
    text = json_line(desk.first.id, "K1") + json_line("x", "K2") + json_line(desk.second.id, "K3", carrier="") + "x\n"
    error = desk.refused(text)
    assert (error.code, error.data) == ("validation_error", {"shipments": 4, "malformed": 3})
    assert desk.importer.told() == [
        (2, "order_id", "wrong_type"),
        (3, "carrier", "wrong_length"),
        (4, None, "malformed_json"),
    ]
    assert (desk.shipped(desk.first), desk.shipped(desk.second)) == ([], [])
    assert desk.ship(text, skip_bad=True) == report(4, made=1, refused=3)


def test_columns_of_a_partner_are_mapped_and_its_others_passed_over(desk: Desk) -> None:
    text = f"Auftrag;Artikel;Menge;Sendung;Ort\n{desk.first.id};A;2;1Z;Kiel\n{desk.first.id};B;1;1Z;Kiel\n"
    columns = {"order_id": "Auftrag", "sku": "Artikel", "quantity": "Menge", "tracking_number": "Sendung"}
    assert desk.ship(text, columns=columns, delimiter=";") == report(1, made=1)
    assert desk.shipped(desk.first) == [("main", [(1, 2), (2, 1)])]
