"""Rows of orders: what is wrong with one is told with its line and column, and spoils no order but its own."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest
from oms_memory import MemoryStorage

from oms_core import SetStock
from oms_core.documents.csv_guard import csv_writer, guard
from oms_core.domain.import_commands import ORDER_COLUMNS
from tests.core.imports.import_fixtures import CLERK, Importer, importer_over, order_report

HEADER = "idempotency_key,reference,customer_id,currency,sku,quantity,unit_price"


@pytest.fixture
def importer() -> Iterator[Importer]:
    importer = importer_over(MemoryStorage())
    for sku in "AB":
        importer.oms.stock.set(SetStock(sku=sku, on_hand=10), caller=CLERK)
    yield importer
    importer.oms.close()


@pytest.mark.parametrize(
    ("rows", "line", "column", "code"),
    [
        (["K1,,C1,,A,1,", "K1,,C1,,A,x,"], 3, "quantity", "wrong_type"),
        (["K1,,C1,,A,1,", "K1,,C1,,A,-1,"], 3, "quantity", "out_of_range"),
        (["K1,,C1,,A ,1,"], 2, "sku", "bad_character"),
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
    importer: Importer, rows: Sequence[str], line: int, column: str, code: str
) -> None:
    text = "\n".join([HEADER, *rows, "LAST,,C1,,B,1,"])
    assert importer.import_orders(text, skip_bad=True) == order_report(2, placed=1, refused=1)
    assert importer.told() == [(line, column, code)]


@pytest.mark.parametrize(
    ("rows", "detail"),
    [
        (["K1,,C1,,A,x,"], "quantity must be a whole number"),
        (["K1,,C1,,A,1,", "K1,,C1,,,x,"], "sku of line 3 must have 1 to 64 characters; quantity of line 3 must be"),
        (
            ["K1,,,,A,1,", "K1,,,,A,1,x"],
            "customer_id is required; unit_price of line 3 must be a decimal string",
        ),
    ],
)
def test_what_is_wrong_is_told_as_the_file_names_it(importer: Importer, rows: Sequence[str], detail: str) -> None:
    importer.import_orders("\n".join([HEADER, *rows]), skip_bad=True)
    (reject,) = importer.rejects
    assert reject.detail.startswith(detail)
    assert "/" not in reject.detail


@pytest.mark.parametrize("bad", ["K1,C1,A", '"x"y,C1,A,1', ",C1,A,1"])
def test_a_row_that_cannot_be_read_spoils_the_orders_that_it_may_belong_to(importer: Importer, bad: str) -> None:
    rows = ["K0,C1,A,1", "K1,C1,A,1", bad, "K2,C1,A,1", "K3,C1,A,1"]
    text = "\n".join(["idempotency_key,customer_id,sku,quantity", *rows])
    assert importer.import_orders(text, skip_bad=True) == order_report(5, placed=2, refused=3)
    assert [line for line, _, code in importer.told() if code == "incomplete_order"] == [3, 5]
    assert importer.available("A") == 8


def test_rows_of_one_order_that_do_not_follow_each_other_are_bad_and_name_each_other(importer: Importer) -> None:
    text = "reference,customer_id,sku,quantity\nR1,C1,A,1\nR2,C1,A,1\nR1,C1,B,1\n"
    assert importer.import_orders(text, skip_bad=True) == order_report(3, placed=1, refused=2)
    assert [(row.line, row.code, row.detail.split(";")[0]) for row in importer.rejects] == [
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
def test_a_wrong_header_is_one_error(importer: Importer, header: str, columns: dict[str, str], pointer: str) -> None:
    assert importer.refused_orders(header + "\n", columns=columns).errors[0].pointer == pointer


def sheet(importer: Importer) -> str:
    """The file of rejects, as the command line writes it."""
    written = io.StringIO(newline="")
    writer = csv_writer(written)
    writer.writerow([*ORDER_COLUMNS, "line", "column", "code", "detail"])
    for reject in importer.rejects:
        for values in reject.rows or (reject.values,):
            cells = [values.get(name, "") for name in ORDER_COLUMNS]
            writer.writerow([guard(cell) for cell in (*cells, reject.line, reject.column, reject.code, reject.detail)])
    return written.getvalue()


def test_metadata_are_a_json_object_in_one_cell(importer: Importer) -> None:
    text = 'reference,customer_id,sku,quantity,metadata\nR1,C1,A,1,"{""gift"": ""yes""}"\nR1,C1,B,1,\nR2,C1,A,1,\n'
    assert importer.import_orders(text) == order_report(2, placed=2)
    assert {order.reference: dict(order.metadata) for order in importer.orders()} == {"R1": {"gift": "yes"}, "R2": {}}
    assert importer.import_orders(text.replace("yes", "no").replace("R1", "R3").replace('"{', '"[{'), skip_bad=True)
    assert importer.told() == [(2, "metadata", "wrong_type")]


def test_an_order_is_held_where_the_file_says_so(importer: Importer) -> None:
    text = "reference,customer_id,sku,quantity,hold_seconds\nR1,C1,A,1,900\nR1,C1,B,1,\nR2,C1,A,1,\nR3,C1,A,1,0\n"
    assert importer.import_orders(text) == order_report(3, placed=3)
    held = {order.reference: (order.status.value, order.hold_seconds) for order in importer.orders()}
    assert held == {"R1": ("held", 900), "R2": ("pending", None), "R3": ("pending", None)}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("R1,C1,A,1,soon", (2, "hold_seconds", "wrong_type")),
        ("R1,C1,A,1,99999999999", (2, "hold_seconds", "out_of_range")),
        ("R1,C1,A,1,60\nR1,C1,B,1,90", (3, "hold_seconds", "conflicting_value")),
    ],
)
def test_a_hold_that_is_none_is_told_by_its_column(importer: Importer, rows: str, told: tuple[int, str, str]) -> None:
    importer.refused_orders(f"reference,customer_id,sku,quantity,hold_seconds\n{rows}\n")
    assert importer.told() == [told]


def test_orders_that_the_stock_refuses_keep_their_lines_and_are_imported_again_as_they_are(importer: Importer) -> None:
    wanted = {
        "idempotency_key": "K1",
        "reference": "=R1",
        "customer_id": "C1",
        "currency": "EUR",
        "metadata": {"gift": 'for "Ann", +1'},
        "lines": [{"sku": "A", "quantity": 11.0, "unit_price": "2.50"}, {"sku": "B", "quantity": 1}],
    }
    assert importer.import_orders(json.dumps(wanted)) == order_report(1, refused=1)
    again = sheet(importer)
    importer.oms.stock.set(SetStock(sku="A", on_hand=11), caller=CLERK)
    assert importer.import_orders(again) == order_report(1, placed=1)
    (order,) = importer.orders()
    assert [(line.sku, line.quantity, line.unit_price) for line in order.lines] == [
        ("A", 11, Decimal("2.5")),
        ("B", 1, None),
    ]
    assert (order.reference, order.currency, dict(order.metadata)) == ("=R1", "EUR", {"gift": 'for "Ann", +1'})
    assert importer.import_orders(json.dumps(wanted)) == order_report(1, replayed=1)


def test_a_malformed_order_is_mended_in_its_file_of_rejects(importer: Importer) -> None:
    rows = ["K1,,C1,,A,x,", "K1,,C1,,B,2,", "K2,,C1,,A,1,", "K2,,C1,,B", "K2,,C1,,B,3,"]
    importer.import_orders("\n".join([HEADER, *rows]), skip_bad=True)
    mended = sheet(importer).replace("A,x,", "A,1,").replace("C1,,B,,,,,,5,", "C1,,B,2,,,,,5,")
    assert importer.import_orders(mended) == order_report(2, placed=2), importer.rejects
    lines = {len(order.lines): [line.quantity for line in order.lines] for order in importer.orders()}
    assert lines[2] == [1, 2]
    assert sorted(lines[3]) == [1, 2, 3]


def test_a_row_that_could_not_be_read_is_not_lost_in_the_file_of_rejects(importer: Importer) -> None:
    importer.import_orders(f'{HEADER}\n"x"y,,C1,,A,1,\nK2,,C1,,A,1,\nK3,,C1,,A,1,\n', skip_bad=True)
    assert importer.told() == [(2, None, "malformed_csv"), (3, None, "incomplete_order")]
    error = importer.refused_orders_beside(sheet(importer))
    assert error.data["malformed"] == 2


def test_orders_of_one_key_that_were_apart_stay_apart_in_the_file_of_rejects(importer: Importer) -> None:
    rows = ["K1,,C1,,A,1,", "K2,,C1,,A,1,", "K1,,C1,,B,1,"]
    importer.import_orders("\n".join([HEADER, *rows]), skip_bad=True)
    assert [reject.code for reject in importer.rejects] == ["duplicate_order"] * 2
    assert importer.import_orders(sheet(importer), skip_bad=True) == order_report(2, refused=2)


def test_an_order_with_too_many_lines_says_how_many_of_them_are_kept(importer: Importer) -> None:
    importer.import_orders("\n".join([HEADER, *["K1,,C1,,A,1,"] * 2_003]), skip_bad=True)
    (reject,) = importer.rejects
    assert len(reject.rows) == 2_001
    assert reject.detail.endswith("; of its 2003 lines the first 2001 are kept")


def test_a_row_of_a_file_of_rejects_may_end_early(importer: Importer) -> None:
    text = "reference,customer_id,sku,quantity,line,column,code,detail\nR1,C1,A,1\nR2,C1,A,1,3\n"
    assert importer.import_orders(text) == order_report(2, placed=2)
