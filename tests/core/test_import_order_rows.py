"""Rows of orders: what is wrong with one is told with its line and column, and spoils no order but its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from oms_memory import MemoryStorage

from oms_core import SetStock
from tests.core.desks import CLERK, Desk, desk_over, order_report

HEADER = "idempotency_key,reference,customer_id,currency,sku,quantity,unit_price"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = desk_over(MemoryStorage())
    for sku in "AB":
        desk.oms.set_stock(SetStock(sku=sku, on_hand=10), caller=CLERK)
    yield desk
    desk.oms.close()


@pytest.mark.parametrize(
    ("rows", "line", "column", "code"),
    [
        (["K1,,C1,,A,1,", "K1,,C1,,A,x,"], 3, "quantity", "wrong_type"),
        (["K1,,C1,,A,1,", "K1,,C1,,A,-1,"], 3, "quantity", "out_of_range"),
        (["K1,,C1,,A ,1,"], 2, "sku", "bad_name"),
        (["K1,,C1,,A,1,2.55555"], 2, "unit_price", "bad_amount"),
        (["K1,,C1,,A,1,-2"], 2, "unit_price", "bad_amount"),
        (["K1,,,,A,1,"], 2, "customer_id", "required"),
        (["K1,,C1,XXX,A,1,"], 2, "currency", "unknown_currency"),
        (["K1,,C1,,A,1,", "K1,,C2,,A,1,"], 3, "customer_id", "conflicting_value"),
        (["K1,R1,C1,,A,1,", "K1,R2,C1,,A,1,"], 3, "reference", "conflicting_value"),
        ([f"{'K' * 256},,C1,,A,1,"], 2, "idempotency_key", "wrong_length"),
        ([f"K1,,C1,,A,{1},"] * 2_001, 2, "lines", "wrong_length"),
    ],
)
def test_what_is_wrong_in_a_row_is_told_with_its_line_and_column(
    desk: Desk, rows: Sequence[str], line: int, column: str, code: str
) -> None:
    text = "\n".join([HEADER, *rows, "LAST,,C1,,B,1,"])
    assert desk.bring_orders(text, skip_bad=True) == order_report(2, placed=1, refused=1)
    assert desk.told() == [(line, column, code)]


@pytest.mark.parametrize("bad", ["K1,C1,A", '"x"y,C1,A,1', ",C1,A,1"])
def test_a_row_that_cannot_be_read_spoils_the_orders_that_it_may_belong_to(desk: Desk, bad: str) -> None:
    rows = ["K0,C1,A,1", "K1,C1,A,1", bad, "K2,C1,A,1", "K3,C1,A,1"]
    text = "\n".join(["idempotency_key,customer_id,sku,quantity", *rows])
    assert desk.bring_orders(text, skip_bad=True) == order_report(5, placed=2, refused=3)
    assert [line for line, _, code in desk.told() if code == "incomplete_order"] == [3, 5]
    assert desk.available("A") == 8


def test_rows_of_one_order_that_do_not_follow_each_other_are_bad_and_name_each_other(desk: Desk) -> None:
    text = "reference,customer_id,sku,quantity\nR1,C1,A,1\nR2,C1,A,1\nR1,C1,B,1\n"
    assert desk.bring_orders(text, skip_bad=True) == order_report(3, placed=1, refused=2)
    assert [(row.line, row.code, row.detail.split(";")[0]) for row in desk.rejects] == [
        (2, "duplicate_order", "line 4 begins an order with the same key"),
        (4, "duplicate_order", "line 2 begins an order with the same key"),
    ]


@pytest.mark.parametrize(
    ("header", "columns", "pointer"),
    [
        ("reference,sku,quantity", {}, "/1/customer_id"),
        ("customer_id,sku,quantity", {}, "/1/idempotency_key"),
        ("reference,customer_id,sku,quantity,colour", {}, "/1/colour"),
        ("reference,customer_id,sku,quantity", {"sku": "StockCode"}, "/1/StockCode"),
        ("reference,customer_id,sku,quantity,sku", {}, "/1/sku"),
    ],
)
def test_a_wrong_header_is_one_error(desk: Desk, header: str, columns: dict[str, str], pointer: str) -> None:
    assert desk.refused_orders(header + "\n", columns=columns).errors[0].pointer == pointer
