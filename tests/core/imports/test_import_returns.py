"""Importing returns: rows become returns, each line with what becomes of it and where it goes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

import pytest
from oms_memory import MemoryStorage

from oms_core import ImportReject, LocationKind, SetLocation
from oms_core.domain.import_commands import RETURN_COLUMNS
from tests.core.imports.import_fixtures import CLERK
from tests.core.imports.shipping_desk import Desk, acts_over, json_line, return_report

HEADER = "idempotency_key,order_id,line_no,sku,quantity,disposition,location,reference,reason"
NOWHERE = "019ab4c5-7d30-7a31-9c1e-0b7f6f3f4a10"


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Both orders are shipped, and there is a yard for what is not to be sold."""
    desk = acts_over("return", MemoryStorage()).desk
    desk.importer.oms.locations.set(SetLocation(name="yard", kind=LocationKind.QUARANTINE), caller=CLERK)
    yield desk
    assert not desk.importer.oms.audit(caller=CLERK).discrepancies
    desk.importer.oms.close()


def file_of(desk: Desk, *rows: str) -> str:
    """Give a file of rows, in which @1 and @2 stand for the ids of the orders."""
    text = "\n".join([HEADER, *rows])
    return text.replace("@1", str(desk.first.id)).replace("@2", str(desk.second.id))


def rejects_of(rejects: Sequence[ImportReject]) -> str:
    """Give the file of rejects."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*RETURN_COLUMNS, "line", "column", "code", "detail"])
    for each in rejects:
        for values in each.rows or (each.values,):
            cells = [values.get(name, "") for name in RETURN_COLUMNS]
            writer.writerow([*cells, each.line, each.column or "", each.code, each.detail])
    return out.getvalue()


def test_rows_that_follow_each_other_are_one_return_and_one_without_lines_is_all(desk: Desk) -> None:
    text = file_of(
        desk,
        *(",@1,1,,1,,,RMA-1,too large", ",@1,1,,1,discard,,RMA-1,", ",@1,,B,2,quarantine,yard,RMA-1,too large"),
        ",@2,,,,,,RMA-2,",
    )
    assert desk.take_back(text) == return_report(2, made=2)
    assert desk.returned(desk.first) == [
        [(1, 1, "restock", "main"), (1, 1, "discard", None), (2, 2, "quarantine", "yard")]
    ]
    assert desk.returned(desk.second) == [[(1, 3, "restock", "main"), (2, 2, "restock", "main")]]
    assert (desk.status(desk.first), desk.status(desk.second)) == ("partly_returned", "returned")
    (made,) = desk.importer.oms.returns.list(desk.first.id, caller=CLERK).returns
    assert (made.reference, made.reason) == ("RMA-1", "too large")
    assert desk.take_back(text) == return_report(2, replayed=2)


def test_another_reference_is_another_return(desk: Desk) -> None:
    assert desk.take_back(file_of(desk, ",@1,1,,1,,,R-1,", ",@1,2,,1,,,R-2,")) == return_report(2, made=2)
    assert desk.returned(desk.first) == [[(1, 1, "restock", "main")], [(2, 1, "restock", "main")]]


def test_a_return_and_a_shipment_of_one_reference_have_keys_of_their_own(desk: Desk) -> None:
    text = f"order_id,reference\n{desk.first.id},R-1\n"
    assert desk.take_back(text) == return_report(1, made=1)
    desk.ship(text)
    assert desk.importer.told() == [(2, None, "invalid_transition")]


def test_json_lines_are_the_documents_that_make_returns(desk: Desk) -> None:
    lines = [{"line_no": 1, "quantity": 1, "disposition": "missing"}, {"sku": "B", "quantity": 1, "location": "north"}]
    desk.importer.oms.locations.set(SetLocation(name="north"), caller=CLERK)
    assert desk.take_back(json_line(desk.first.id, "K1", lines=lines, reason="lost")) == return_report(1, made=1)
    assert desk.returned(desk.first) == [[(1, 1, "missing", None), (2, 1, "restock", "north")]]


@pytest.mark.parametrize(
    ("rows", "line", "column", "code"),
    [
        (["K,@1,1,,1,,,,", "K,@1,2,,x,,,,"], 3, "quantity", "wrong_type"),
        (["K,@1,1,,1,sold,,,"], 2, "disposition", "unknown_disposition"),
        (["K,@1,1,,1,discard,yard,,"], 2, "location", "no_location"),
        (["K,@1,1,,1,,a/b,,"], 2, "location", "bad_name"),
        (["K,@1,1,,1,,,,", "K,@1,1,,1,restock,,,"], 3, None, "duplicate"),
        (["K,@1,,,,quarantine,,,"], 2, "quantity", "required"),
        (["K,@1,,,,,yard,,"], 2, "quantity", "required"),
        (["K,@1,1,,1,,,,late", "K,@1,2,,1,,,,torn"], 3, "reason", "conflicting_value"),
        (["K,@1,1,,1,,,1.23457E+11,"], 2, "reference", "rounded_number"),
        (["K,@1,,1.23457E+11,1,,,,"], 2, "sku", "rounded_number"),
    ],
)
def test_what_is_wrong_in_a_row_is_told_with_its_line_and_column(
    desk: Desk, rows: Sequence[str], line: int, column: str | None, code: str
) -> None:
    desk.take_back(file_of(desk, *rows), skip_bad=True)
    assert desk.importer.told() == [(line, column, code)]
    assert desk.returned(desk.first) == []


def test_one_that_is_refused_stops_no_other(desk: Desk) -> None:
    rows = (
        *("K1,@1,1,,4,,,,", f"K2,{NOWHERE},,,,,,,", "K3,@1,1,,3,,,,", "K4,@1,1,,1,discard,,,"),
        *("K5,@2,3,,1,,,,", "K6,@2,1,,1,,moon,,", "K7,@2,1,,1,quarantine,main,,", "K8,@2,,,,,,,", "K9,@2,,,,,,,"),
    )
    assert desk.take_back(file_of(desk, *rows)) == return_report(9, made=2, refused=7)
    assert [(line, code) for line, _, code in desk.importer.told()] == [
        *((2, "exceeds_shipped"), (3, "order_not_found"), (5, "exceeds_shipped"), (6, "validation_error")),
        *((7, "validation_error"), (8, "validation_error"), (10, "invalid_transition")),
    ]
    (row,) = desk.importer.rejects[0].rows
    assert row == {"idempotency_key": "K1", "order_id": str(desk.first.id), "line_no": "1", "quantity": "4"}


def test_what_is_refused_is_mended_in_its_file_of_rejects(desk: Desk) -> None:
    rows = ("K1,@1,1,,9,quarantine,yard,RMA-1,torn", "K1,@1,2,,1,discard,,RMA-1,torn")
    assert desk.take_back(file_of(desk, *rows)) == return_report(1, refused=1)
    text = rejects_of(desk.importer.rejects).replace(",9,", ",2,")
    assert desk.take_back(text) == return_report(1, made=1)
    assert desk.returned(desk.first) == [[(1, 2, "quarantine", "yard"), (2, 1, "discard", None)]]
    assert desk.importer.oms.returns.get(desk.first.id, 1, caller=CLERK).made.reason == "torn"


def test_columns_of_a_warehouse_are_mapped_and_its_others_passed_over(desk: Desk) -> None:
    text = f"Auftrag;Artikel;Menge;Befund;Retoure;Ort\n{desk.first.id};A;2;discard;RMA-1;Kiel\n"
    columns = {"order_id": "Auftrag", "sku": "Artikel", "quantity": "Menge", "disposition": "Befund"}
    report = desk.take_back(text, columns={**columns, "reference": "Retoure"}, delimiter=";")
    assert report == return_report(1, made=1)
    assert desk.returned(desk.first) == [[(1, 2, "discard", None)]]
