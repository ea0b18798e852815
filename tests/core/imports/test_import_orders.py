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
from oms_core.ports.order_storage import DecidePlacement
from tests.core.imports.import_fixtures import CLERK, Importer, importer_over, order_report

HEADER = "idempotency_key,reference,customer_id,currency,sku,quantity,unit_price"


def json_line(key: str | None, *lines: tuple[str, int], **given: Any) -> str:
    document = {"customer_id": "C1", "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines]} | given
    return json.dumps(document | ({} if key is None else {"idempotency_key": key})) + "\n"


def stocked_desk(storage: MemoryStorage, **settings: Any) -> Importer:
    importer = importer_over(storage, **settings)
    for sku in "AB":
        importer.oms.stock.set(SetStock(sku=sku, on_hand=10), caller=CLERK)
    return importer


@pytest.fixture
def importer() -> Iterator[Importer]:
    importer = stocked_desk(MemoryStorage())
    yield importer
    importer.oms.close()


def test_rows_with_the_same_key_that_follow_each_other_are_one_order(importer: Importer) -> None:
    text = f"{HEADER}\nK1,R1,C1,USD,A,2,2.55\nK1,,C1,,B,1,\nK1,R1,,USD,A,1,3\nK2,,C2,,B,1,\n"
    assert importer.import_orders(text) == order_report(2, placed=2)
    first, second = importer.orders()
    assert (first.reference, first.customer_id, first.currency) == ("R1", "C1", "USD")
    assert [(line.sku, line.quantity, line.unit_price) for line in first.lines] == [
        ("A", 2, Decimal("2.55")),
        ("B", 1, None),
        ("A", 1, Decimal(3)),
    ]
    assert (second.customer_id, second.currency, second.reference) == ("C2", "EUR", None)
    assert (importer.available("A"), importer.available("B")) == (7, 8)


def test_an_order_without_a_key_has_its_reference_for_one(importer: Importer) -> None:
    text = "reference,customer_id,sku,quantity\nR1,C1,A,2\nR1,C1,B,1\nR2,C1,A,1\n"
    assert importer.import_orders(text) == order_report(2, placed=2)
    assert importer.import_orders(text) == order_report(2, replayed=2)
    line = json_line(None, ("A", 2), ("B", 1), reference="R1")
    assert importer.import_orders(line) == order_report(1, replayed=1)
    assert importer.available("A") == 7


def test_json_lines_are_the_documents_that_place_orders(importer: Importer) -> None:
    text = json_line("K1", ("A", 2), metadata={"channel": "fair"}) + "\n" + json_line("K2", ("B", 3))
    assert importer.import_orders(text) == order_report(2, placed=2)
    assert importer.orders()[0].metadata == {"channel": "fair"}
    assert importer.import_orders(text) == order_report(2, replayed=2)


def test_columns_of_another_shop_are_mapped_and_its_others_passed_over(importer: Importer) -> None:
    text = "InvoiceNo,StockCode,Quantity,Customer,Country\n536365,A,2,17850,UK\n536365,B,1,17850,UK\n"
    columns = {"reference": "InvoiceNo", "sku": "StockCode", "quantity": "Quantity", "customer_id": "Customer"}
    assert importer.import_orders(text, columns=columns) == order_report(1, placed=1)
    (order,) = importer.orders()
    assert (order.reference, order.customer_id, len(order.lines)) == ("536365", "17850", 2)


def test_a_refused_order_does_not_stop_the_others(importer: Importer) -> None:
    text = json_line("K1", ("A", 8)) + json_line("K2", ("A", 3)) + json_line("K3", ("X", 1)) + json_line("K4", ("A", 2))
    assert importer.import_orders(text) == order_report(4, placed=2, refused=2)
    assert importer.told() == [(2, None, "insufficient_inventory"), (3, None, "unknown_sku")]
    assert (importer.rejects[0].detail, importer.rejects[0].values) == (
        "A: 3 requested, 2 available",
        {"idempotency_key": "K2", "customer_id": "C1"},
    )
    assert importer.available("A") == 0


def test_a_key_that_belongs_to_another_order_is_refused(importer: Importer) -> None:
    lines = [OrderLine(sku="A", quantity=1)]
    importer.oms.orders.place(PlaceOrder(customer_id="C1", lines=lines, idempotency_key="K1"), caller=CLERK)
    assert importer.import_orders(json_line("K1", ("A", 2))) == order_report(1, refused=1)
    assert importer.told() == [(1, None, "idempotency_key_reused")]


def test_a_malformed_order_stops_everything_before_anything_is_placed(importer: Importer) -> None:
    error = importer.refused_orders(json_line("K1", ("A", 1)) + json_line("K2", ("A", 0)) + "x\n")
    assert (error.code, error.data) == ("validation_error", {"orders": 3, "malformed": 2})
    assert importer.told() == [(2, "lines/0/quantity", "out_of_range"), (3, None, "malformed_json")]


def test_good_orders_are_placed_when_bad_ones_are_to_be_skipped(importer: Importer) -> None:
    text = json_line("K1", ("A", 1)) + json_line("K2", ("A", 0))
    assert importer.import_orders(text, skip_bad=True) == order_report(2, placed=1, refused=1)


def test_only_our_own_columns_can_be_mapped() -> None:
    with pytest.raises(OmsError, match="colour"):
        ImportOrders(columns={"colour": "Colour"})


def test_a_dry_run_decides_each_order_after_those_before_it_and_places_none(importer: Importer) -> None:
    text = json_line("K1", ("A", 8)) + json_line("K2", ("A", 3)) + json_line("K3", ("A", 2)) + json_line("K4", ("X", 1))
    expected = order_report(4, placed=2, refused=2)
    assert importer.import_orders(text, dry_run=True) == expected
    told = importer.told()
    assert (importer.orders(), importer.available("A")) == ([], 10)
    assert importer.import_orders(text) == expected
    assert importer.told() == told
    assert importer.import_orders(text, dry_run=True) == order_report(4, replayed=2, refused=2)


def test_a_dry_run_remembers_what_it_promised_over_transactions_and_locations() -> None:
    importer = stocked_desk(MemoryStorage(), locations=("main", "north"))
    importer.oms.stock.set(SetStock(sku="A", on_hand=600, location="north"), caller=CLERK)
    text = "".join(json_line(f"K{number}", ("A", 1)) for number in range(700))
    expected = order_report(700, placed=610, refused=90)
    assert importer.import_orders(text, dry_run=True) == expected
    assert importer.import_orders(text) == expected
    importer.oms.close()


def test_an_order_of_2000_lines_fits_on_one_line(importer: Importer) -> None:
    importer.oms.stock.set(SetStock(sku="S" * 64, on_hand=2_000), caller=CLERK)
    text = json_line("K1", *[("S" * 64, 1)] * 2_000)
    assert importer.import_orders(text) == order_report(1, placed=1)


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
    importer = stocked_desk(storage)
    importer.oms.stock.set(SetStock(sku="A", on_hand=2_000), caller=CLERK)
    text = "".join(json_line(f"K{number}", ("A", 1)) for number in range(1_200))
    orders.transactions = 2
    with pytest.raises(OmsError) as caught:
        importer.import_orders(text)
    assert (caught.value.code, caught.value.data["placed"]) == ("storage_unavailable", 1_000)
    orders.transactions = 10
    assert importer.import_orders(text) == order_report(1_200, placed=200, replayed=1_000)
    importer.oms.close()


def test_progress_is_told_while_reading_and_while_placing(importer: Importer) -> None:
    importer.import_orders(json_line("K1", ("A", 1)) + json_line("K2", ("A", 0)), skip_bad=True)
    assert [(told.stage, told.done, told.total) for told in importer.progress] == [
        (ImportStage.READING, 1, None),
        (ImportStage.READING, 2, None),
        (ImportStage.APPLYING, 2, 2),
    ]


def test_an_import_needs_the_scope_and_places_for_its_own_customer_only(importer: Importer) -> None:
    with pytest.raises(OmsError, match="forbidden"):
        importer.import_orders(
            json_line("K1", ("A", 1)), caller=Caller(name="x", scopes=frozenset({Scope.ORDERS_READ}))
        )
    customer = Caller(name="C1", scopes=ALL_SCOPES, customer_id="C1")
    text = json_line("K1", ("A", 1)) + json_line("K2", ("A", 1), customer_id="C2")
    assert importer.import_orders(text, caller=customer) == order_report(2, placed=1, refused=1)
    assert importer.told() == [(2, None, "forbidden")]


def test_the_format_can_be_said(importer: Importer) -> None:
    assert importer.refused_orders(json_line("K1", ("A", 1)), format=ImportFormat.CSV).code == "validation_error"
