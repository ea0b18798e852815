"""Importing orders: rows become orders, each all or nothing, and the same file again is harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from oms_memory import MemoryStorage
from oms_memory.orders import MemoryOrders

from oms_core import (
    ALL_SCOPES,
    Caller,
    ImportFormat,
    ImportOrders,
    ImportStage,
    OmsError,
    OrderLine,
    PlaceOrder,
    Scope,
    SetStock,
)
from oms_core.domain.orders.placement import Placement, PlacementOutcome
from oms_core.ports.storage import DecidePlacement
from tests.core.imports.import_fixtures import CLERK, Desk, desk_over, order_report

HEADER = "idempotency_key,reference,customer_id,currency,sku,quantity,unit_price"


def json_line(key: str | None, *lines: tuple[str, int], **given: Any) -> str:
    document = {"customer_id": "C1", "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]} | given
    return json.dumps(document | ({} if key is None else {"idempotency_key": key})) + "\n"


def stocked_desk(storage: MemoryStorage, **settings: Any) -> Desk:
    desk = desk_over(storage, **settings)
    for sku in "AB":
        desk.oms.stock.set(SetStock(sku=sku, on_hand=10), caller=CLERK)
    return desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = stocked_desk(MemoryStorage())
    yield desk
    desk.oms.close()


def test_rows_with_the_same_key_that_follow_each_other_are_one_order(desk: Desk) -> None:
    text = f"{HEADER}\nK1,R1,C1,USD,A,2,2.55\nK1,,C1,,B,1,\nK1,R1,,USD,A,1,3\nK2,,C2,,B,1,\n"
    assert desk.bring_orders(text) == order_report(2, placed=2)
    first, second = desk.orders()
    assert (first.reference, first.customer_id, first.currency) == ("R1", "C1", "USD")
    assert [(line.sku, line.quantity, line.unit_price) for line in first.lines] == [
        ("A", 2, Decimal("2.55")),
        ("B", 1, None),
        ("A", 1, Decimal(3)),
    ]
    assert (second.customer_id, second.currency, second.reference) == ("C2", "EUR", None)
    assert (desk.available("A"), desk.available("B")) == (7, 8)


def test_an_order_without_a_key_has_its_reference_for_one(desk: Desk) -> None:
    text = "reference,customer_id,sku,quantity\nR1,C1,A,2\nR1,C1,B,1\nR2,C1,A,1\n"
    assert desk.bring_orders(text) == order_report(2, placed=2)
    assert desk.bring_orders(text) == order_report(2, replayed=2)
    line = json_line(None, ("A", 2), ("B", 1), reference="R1")
    assert desk.bring_orders(line) == order_report(1, replayed=1)
    assert desk.available("A") == 7


def test_json_lines_are_the_documents_that_place_orders(desk: Desk) -> None:
    text = json_line("K1", ("A", 2), metadata={"channel": "fair"}) + "\n" + json_line("K2", ("B", 3))
    assert desk.bring_orders(text) == order_report(2, placed=2)
    assert desk.orders()[0].metadata == {"channel": "fair"}
    assert desk.bring_orders(text) == order_report(2, replayed=2)


def test_columns_of_another_shop_are_mapped_and_its_others_passed_over(desk: Desk) -> None:
    text = "InvoiceNo,StockCode,Quantity,Customer,Country\n536365,A,2,17850,UK\n536365,B,1,17850,UK\n"
    columns = {"reference": "InvoiceNo", "sku": "StockCode", "quantity": "Quantity", "customer_id": "Customer"}
    assert desk.bring_orders(text, columns=columns) == order_report(1, placed=1)
    (order,) = desk.orders()
    assert (order.reference, order.customer_id, len(order.lines)) == ("536365", "17850", 2)


def test_a_refused_order_does_not_stop_the_others(desk: Desk) -> None:
    text = json_line("K1", ("A", 8)) + json_line("K2", ("A", 3)) + json_line("K3", ("X", 1)) + json_line("K4", ("A", 2))
    assert desk.bring_orders(text) == order_report(4, placed=2, refused=2)
    assert desk.told() == [(2, None, "insufficient_inventory"), (3, None, "unknown_sku")]
    assert (desk.rejects[0].detail, desk.rejects[0].values) == (
        "A: 3 requested, 2 available",
        {"idempotency_key": "K2", "customer_id": "C1"},
    )
    assert desk.available("A") == 0


def test_a_key_that_belongs_to_another_order_is_refused(desk: Desk) -> None:
    lines = [OrderLine(sku="A", quantity=1)]
    desk.oms.orders.place(PlaceOrder(customer_id="C1", lines=lines, idempotency_key="K1"), caller=CLERK)
    assert desk.bring_orders(json_line("K1", ("A", 2))) == order_report(1, refused=1)
    assert desk.told() == [(1, None, "idempotency_key_reused")]


def test_a_malformed_order_stops_everything_before_anything_is_placed(desk: Desk) -> None:
    error = desk.refused_orders(json_line("K1", ("A", 1)) + json_line("K2", ("A", 0)) + "x\n")
    assert (error.code, error.data) == ("validation_error", {"orders": 3, "malformed": 2})
    assert desk.told() == [(2, "lines/0/quantity", "out_of_range"), (3, None, "malformed_json")]


def test_good_orders_are_placed_when_bad_ones_are_to_be_skipped(desk: Desk) -> None:
    text = json_line("K1", ("A", 1)) + json_line("K2", ("A", 0))
    assert desk.bring_orders(text, skip_bad=True) == order_report(2, placed=1, refused=1)


def test_only_our_own_columns_can_be_mapped() -> None:
    with pytest.raises(OmsError, match="colour"):
        ImportOrders(columns={"colour": "Colour"})


def test_a_dry_run_decides_each_order_after_those_before_it_and_places_none(desk: Desk) -> None:
    text = json_line("K1", ("A", 8)) + json_line("K2", ("A", 3)) + json_line("K3", ("A", 2)) + json_line("K4", ("X", 1))
    expected = order_report(4, placed=2, refused=2)
    assert desk.bring_orders(text, dry_run=True) == expected
    told = desk.told()
    assert (desk.orders(), desk.available("A")) == ([], 10)
    assert desk.bring_orders(text) == expected
    assert desk.told() == told
    assert desk.bring_orders(text, dry_run=True) == order_report(4, replayed=2, refused=2)


def test_a_dry_run_remembers_what_it_promised_over_transactions_and_locations() -> None:
    desk = stocked_desk(MemoryStorage(), locations=("main", "north"))
    desk.oms.stock.set(SetStock(sku="A", on_hand=600, location="north"), caller=CLERK)
    text = "".join(json_line(f"K{number}", ("A", 1)) for number in range(700))
    expected = order_report(700, placed=610, refused=90)
    assert desk.bring_orders(text, dry_run=True) == expected
    assert desk.bring_orders(text) == expected
    desk.oms.close()


def test_an_order_of_2000_lines_fits_on_one_line(desk: Desk) -> None:
    desk.oms.stock.set(SetStock(sku="S" * 64, on_hand=2_000), caller=CLERK)
    text = json_line("K1", *[("S" * 64, 1)] * 2_000)
    assert desk.bring_orders(text) == order_report(1, placed=1)


class Away(MemoryOrders):
    """Is away after some transactions."""

    transactions = 0

    def place(self, placements: Sequence[Placement], decide: DecidePlacement) -> list[PlacementOutcome]:
        if not self.transactions:
            raise OmsError("storage_unavailable", "the database is away")
        self.transactions -= 1
        return super().place(placements, decide)


def test_an_import_that_was_broken_off_goes_on_with_the_same_file() -> None:
    storage = MemoryStorage()
    orders = storage.orders = Away(storage.tables)
    desk = stocked_desk(storage)
    desk.oms.stock.set(SetStock(sku="A", on_hand=2_000), caller=CLERK)
    text = "".join(json_line(f"K{number}", ("A", 1)) for number in range(1_200))
    orders.transactions = 2
    with pytest.raises(OmsError) as caught:
        desk.bring_orders(text)
    assert (caught.value.code, caught.value.data["placed"]) == ("storage_unavailable", 1_000)
    orders.transactions = 10
    assert desk.bring_orders(text) == order_report(1_200, placed=200, replayed=1_000)
    desk.oms.close()


def test_progress_is_told_while_reading_and_while_placing(desk: Desk) -> None:
    desk.bring_orders(json_line("K1", ("A", 1)) + json_line("K2", ("A", 0)), skip_bad=True)
    assert [(told.stage, told.done, told.total) for told in desk.progress] == [
        (ImportStage.READING, 1, None),
        (ImportStage.READING, 2, None),
        (ImportStage.APPLYING, 2, 2),
    ]


def test_an_import_needs_the_scope_and_places_for_its_own_customer_only(desk: Desk) -> None:
    with pytest.raises(OmsError, match="forbidden"):
        desk.bring_orders(json_line("K1", ("A", 1)), caller=Caller(name="x", scopes=frozenset({Scope.ORDERS_READ})))
    customer = Caller(name="C1", scopes=ALL_SCOPES, customer_id="C1")
    text = json_line("K1", ("A", 1)) + json_line("K2", ("A", 1), customer_id="C2")
    assert desk.bring_orders(text, caller=customer) == order_report(2, placed=1, refused=1)
    assert desk.told() == [(2, None, "forbidden")]


def test_the_format_can_be_said(desk: Desk) -> None:
    assert desk.refused_orders(json_line("K1", ("A", 1)), format=ImportFormat.CSV).code == "validation_error"
