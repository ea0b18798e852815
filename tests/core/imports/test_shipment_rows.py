"""Rows of shipments: what is wrong with one is told with its line and column, and spoils no shipment but its own."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence

import pytest
from oms_memory import MemoryStorage

from oms_core.documents.csv_guard import csv_writer, guard
from oms_core.domain.import_commands import SHIPMENT_COLUMNS
from tests.core.imports.import_fixtures import CLERK
from tests.core.imports.shipping_desk import Desk, desk_over, report

HEADER = "idempotency_key,order_id,location,line_no,sku,quantity,carrier,tracking_url"


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = desk_over(MemoryStorage())
    yield desk
    desk.importer.oms.close()


def file_of(desk: Desk, *rows: str) -> str:
    """Give a file of rows, in which @1 and @2 stand for the ids of the orders, and a good row at the end."""
    ids = {"@1": str(desk.first.id), "@2": str(desk.second.id)}
    text = "\n".join([HEADER, *rows, "LAST,@2,,1,,1,,"])
    for name, order_id in ids.items():
        text = text.replace(name, order_id)
    return text


@pytest.mark.parametrize(
    ("rows", "line", "column", "code"),
    [
        (["K1,@1,,1,,1,,", "K1,@1,,2,,x,,"], 3, "quantity", "wrong_type"),
        (["K1,@1,,1,,1,,", "K1,@1,,2,,0,,"], 3, "quantity", "out_of_range"),
        (["K1,@1,,1,,,,"], 2, "quantity", "required"),
        (["K1,@1,,x,,1,,"], 2, "line_no", "wrong_type"),
        (["K1,@1,,,A ,1,,"], 2, "sku", "bad_character"),
        (["K1,@1,,1,,1,,", "K1,@1,,1,,1,,"], 3, None, "duplicate"),
        (["K1,@1,,1,A,1,,"], 2, None, "line_or_sku"),
        (["K1,@1,,,,1,,"], 2, None, "line_or_sku"),
        (["K1,x,,,,,,"], 2, "order_id", "wrong_type"),
        (["K1,,,,,,DHL,"], 2, "order_id", "required"),
        (["K1,@1,a/b,,,,,"], 2, "location", "bad_name"),
        (["K1,@1,,,,,,ftp://a.example"], 2, "tracking_url", "bad_url"),
        (["K1,@1,,1,,1,DHL,", "K1,@1,,2,,1,DPD,"], 3, "carrier", "conflicting_value"),
        (["K1,@1,,1,,1,,https://a.example", "K1,@1,,2,,1,,https://b.example"], 3, "tracking_url", "conflicting_value"),
    ],
)
def test_what_is_wrong_in_a_row_is_told_with_its_line_and_column(
    desk: Desk, rows: Sequence[str], line: int, column: str | None, code: str
) -> None:
    assert desk.ship(file_of(desk, *rows), skip_bad=True) == report(2, made=1, refused=1)
    assert desk.importer.told() == [(line, column, code)]
    assert desk.shipped(desk.first) == []


@pytest.mark.parametrize(
    ("row", "column"), [("1.23457E+11,@1,,,,,,", "idempotency_key"), ("K1,@1,,,1.23457E+11,1,,", "sku")]
)
def test_a_name_that_a_spreadsheet_has_rounded_is_told(desk: Desk, row: str, column: str) -> None:
    desk.ship(file_of(desk, row), skip_bad=True)
    assert (2, column, "rounded_number") in desk.importer.told()
    assert desk.shipped(desk.first) == []


@pytest.mark.parametrize("bad", ["K1,@1,,2,,1,,,further", "K1,@1,,,1.23457E+11,1,,"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_row_that_cannot_be_read_spoils_the_shipment_that_it_may_belong_to(desk: Desk, bad: str, place: int) -> None:
    rows = ["K1,@1,,1,,1,,", "K1,@1,,2,,2,,"]
    rows.insert(place, bad)
    desk.ship(file_of(desk, *rows), skip_bad=True)
    assert desk.shipped(desk.first) == [], "half of a shipment has left, and its key is used up"


def test_shipments_that_are_refused_are_imported_again_as_they_are(desk: Desk) -> None:
    rows = ("K1,@1,north,1,,1,DHL,", "K1,@1,north,2,,1,DHL,", "K2,@1,north,,,,'=1+1,https://a.example")
    assert desk.ship(file_of(desk, *rows)) == report(3, made=1, refused=2)
    text = rejects_of(desk)
    assert desk.ship(text.replace("north", "main")) == report(2, made=2)
    assert desk.shipped(desk.first) == [("main", [(1, 1), (2, 1)]), ("main", [(1, 2), (2, 1)])]
    assert desk.importer.oms.shipments.get(desk.first.id, 2, caller=CLERK).shipment.carrier == "=1+1"


def rejects_of(desk: Desk) -> str:
    """Give the file of rejects, as the command line writes it."""
    out = io.StringIO()
    writer = csv_writer(out)
    writer.writerow([*SHIPMENT_COLUMNS, "line", "column", "code", "detail"])
    for reject in desk.importer.rejects:
        for values in reject.rows or (reject.values,):
            cells = [values.get(name, "") for name in SHIPMENT_COLUMNS]
            writer.writerow(
                [guard(str(each)) for each in (*cells, reject.line, reject.column or "", reject.code, reject.detail)]
            )
    return out.getvalue()


def test_a_malformed_shipment_is_mended_in_its_file_of_rejects(desk: Desk) -> None:
    assert desk.ship(file_of(desk, "K1,@1,,1,,1,,", "K1,@1,,2,,two,,"), skip_bad=True) == report(2, made=1, refused=1)
    assert desk.ship(rejects_of(desk).replace(",two,", ",2,")) == report(1, made=1)
    assert desk.shipped(desk.first) == [("main", [(1, 1), (2, 2)])]


def test_a_shipment_of_too_many_lines_is_malformed(desk: Desk) -> None:
    text = file_of(desk, *("K1,@1,,1,,1,," for _ in range(2_001)))
    assert desk.ship(text, skip_bad=True) == report(2, made=1, refused=1)
    ((line, column, code),) = desk.importer.told()
    assert (line, column, code) == (2, "lines", "wrong_length")
    (reject,) = desk.importer.rejects
    assert len(reject.rows) == 2_001


def test_of_a_shipment_of_too_many_lines_no_more_are_kept_than_show_it(desk: Desk) -> None:
    desk.ship(file_of(desk, *("K1,@1,,1,,1,," for _ in range(2_003))), skip_bad=True)
    (reject,) = desk.importer.rejects
    assert len(reject.rows) == 2_001
    assert reject.detail.endswith("; of its 2003 lines the first 2001 are kept")


@pytest.mark.parametrize(
    ("rows", "detail"),
    [
        (["K1,@1,,1,,x,,"], "quantity must be a whole number"),
        (["K1,@1,,1,,1,,", "K1,@1,,x,,x,,"], "quantity of line 3 must be a whole number; line_no of line 3 must be a"),
        (["K1,@1,,1,,1,,", "K1,@1,,1,,1,,"], "line 3 names what is listed already"),
        (["K1,@1,,1,,1,DHL,", "K1,@1,,2,,1,DPD,"], "carrier is not what line 2 gives for the same shipment"),
        (["K1,@1,,1,,1,,", "K1"], "the row has 1 columns, the header 8"),
    ],
)
def test_what_is_wrong_is_told_as_the_file_names_it(desk: Desk, rows: Sequence[str], detail: str) -> None:
    desk.ship(file_of(desk, *rows), skip_bad=True)
    assert [reject.detail for reject in desk.importer.rejects if reject.detail.startswith(detail)]
    assert not [reject.detail for reject in desk.importer.rejects if "/" in reject.detail]


def test_a_row_that_cannot_be_read_names_itself_to_the_shipments_that_it_may_belong_to(desk: Desk) -> None:
    rows = ["K0,@1,,1,,1,,", "K1,@1,,1,,1,,", '"x"y,@1,,2,,2,,', "K2,@1,,2,,1,,"]
    assert desk.ship(file_of(desk, *rows), skip_bad=True) == report(5, made=2, refused=3)
    assert desk.importer.told() == [
        (3, None, "incomplete_shipment"),
        (4, None, "malformed_csv"),
        (5, None, "incomplete_shipment"),
    ]
    assert desk.importer.rejects[0].detail == "line 4, which may belong to this shipment, cannot be read"
    assert desk.shipped(desk.first) == [("main", [(1, 1)])]


@pytest.mark.parametrize("key", ["reference", "tracking_number"])
def test_an_order_id_in_another_case_is_the_same_order(desk: Desk, key: str) -> None:
    ids = str(desk.first.id).upper(), str(desk.first.id)
    text = f"order_id,line_no,quantity,carrier,{key}\n{ids[0]},1,2,DHL,X-1\n{ids[1]},2,1,DHL,X-1\n"
    assert desk.ship(text) == report(1, made=1)
    assert desk.shipped(desk.first) == [("main", [(1, 2), (2, 1)])]
    assert desk.ship(text.replace(ids[0], ids[1])) == report(1, replayed=1)
    assert desk.ship(text.replace(ids[1], ids[0])) == report(1, replayed=1)


def test_a_reference_of_what_is_no_order_is_told_as_such(desk: Desk) -> None:
    desk.ship(f"order_id,reference\n{'x' * 300},R-1\n", skip_bad=True)
    assert desk.importer.told() == [(2, "order_id", "wrong_type")]
    assert desk.importer.rejects[0].detail == "order_id must be the id of an order, a UUID"


@pytest.mark.parametrize("lines", ["[1]", "[null, []]", '{"line_no": 1}'])
def test_lines_that_are_none_are_told_with_their_row(desk: Desk, lines: str) -> None:
    text = f'{{"order_id": "{desk.first.id}", "reference": "R-1", "lines": {lines}}}\n'
    assert desk.ship(text, skip_bad=True) == report(1, refused=1)
    (reject,) = desk.importer.rejects
    assert (reject.line, reject.code) == (1, "wrong_type")
    assert all(row["reference"] == "R-1" for row in reject.rows)


def test_a_document_that_is_refused_is_imported_again_from_its_rows(desk: Desk) -> None:
    text = f'{{"order_id": "{desk.first.id}", "reference": "R-1", "lines": [{{"line_no": 1.0, "quantity": 4.0}}]}}\n'
    assert desk.ship(text) == report(1, refused=1)
    assert desk.ship(rejects_of(desk).replace(",4,", ",3,")) == report(1, made=1)
    assert desk.shipped(desk.first) == [("main", [(1, 3)])]


def test_shipments_of_one_key_that_were_apart_stay_apart_in_the_file_of_rejects(desk: Desk) -> None:
    rows = ["K1,@1,,1,,1,,", "K2,@1,,1,,1,,", "K1,@1,,2,,1,,", "K3,@1,,1,,1,,", "K1,@1,,2,,1,,"]
    desk.ship(file_of(desk, *rows), skip_bad=True)
    assert [reject.code for reject in desk.importer.rejects] == ["duplicate_shipment"] * 2
    desk.ship(rejects_of(desk), skip_bad=True)
    assert (3, None, "duplicate_shipment") in desk.importer.told()


def test_a_row_of_a_file_of_rejects_may_end_early(desk: Desk) -> None:
    text = f"order_id,reference,line,column,code,detail\n{desk.first.id},R-1\n{desk.second.id},R-2,2\n"
    assert desk.ship(text) == report(2, made=2)
