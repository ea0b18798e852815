"""Rows of stock: what a single change would refuse is refused in a file too, with line, column and reason."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import AdjustStock, ImportFormat, ImportMode, ImportReject, OmsError, SetStock
from oms_core.domain.limits import COUNT_MAX
from oms_core.imports.records import Lines
from oms_core.imports.stock_rows import StockRow, StockRowReader

HEADER = "sku,quantity,location,name,reason,reference"


def read(text: str, *, mode: ImportMode = ImportMode.SET, reason: str | None = None) -> list[StockRow | ImportReject]:
    lines = Lines(io.BytesIO(text.encode()))
    reader = StockRowReader(mode=mode, location="main", reason=reason)
    return [row for rows in reader.read(lines, lines.format()) for row in rows]


def header_error(text: str, **given: Any) -> OmsError:
    with pytest.raises(OmsError) as caught:
        read(text, **given)
    assert caught.value.code == "validation_error"
    return caught.value


def fault(text: str, **given: Any) -> tuple[int, str | None, str]:
    """Give line, column and code of the one bad row."""
    (bad,) = (row for row in read(text, **given) if isinstance(row, ImportReject))
    return bad.line, bad.column, bad.code


def test_columns_come_in_any_order_and_optional_ones_may_be_missing_or_empty() -> None:
    assert read("name,quantity,sku\nAn A,5,A\n,0,B\n") == [
        ("A", "main", 2, 5, "An A", "", ""),
        ("B", "main", 3, 0, "", "", ""),
    ]
    assert read(f"{HEADER}\nA,5,north,An A,counted,sheet 1\n") == [
        ("A", "north", 2, 5, "An A", "counted", "sheet 1"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "SKU,Quantity\nA,5\n",
        " sku , quantity \nA,5\n",
        "\ufeffSku,QUANTITY\nA,5\n",
        "sku,quantity,\nA,5,\n",
        "sku,quantity,,\nA,5,,\n",
        "sku,quantity,,\nA,5\n",
        "sku,,quantity\nA,,5\n",
        "sku,quantity\nA,5,,\n",
        ",,\n\n  ,\nsku,quantity\nA,5\n",
        "sku,quantity\n,\n,,,,\n  , \nA,5\n\n,\n",
        'sku,quantity\n"",""\nA,5\n',
        "sku,quantity,line,column,code,detail\nA,5,7,quantity,wrong_type,must be a number\n",
        "Line,CODE,sku,quantity,detail,column\n7,wrong_type,A,5,must be,quantity\n",
    ],
)
def test_what_a_spreadsheet_adds_to_a_table_changes_nothing(text: str) -> None:
    assert [(row[0], row[3]) for row in read(text) if isinstance(row, tuple)] == [("A", 5)]
    assert not [row for row in read(text) if isinstance(row, ImportReject)]


def test_empty_rows_are_counted_wherever_they_stand() -> None:
    lines = Lines(io.BytesIO(b",\nsku,quantity\n\nA,1\n,,\n" + b"B,2\n" * 200 + b"\n,\n"))
    reader = StockRowReader(mode=ImportMode.SET, location="main", reason=None)
    rows = [row for rows in reader.read(lines, ImportFormat.CSV) for row in rows]
    assert (len(rows), lines.blank) == (201, 5)


def test_empty_lines_between_json_lines_are_counted() -> None:
    lines = Lines(io.BytesIO(b'{"sku":"A","quantity":1}\n\n  \n{"sku":"B","quantity":1}\n\n'))
    reader = StockRowReader(mode=ImportMode.SET, location="main", reason=None)
    assert len(list(reader.read(lines, lines.format()))) == 2
    assert lines.blank == 3


@pytest.mark.parametrize("row", ["A,5,oops", "A,5,,oops"])
def test_a_value_without_a_heading_is_refused(row: str) -> None:
    assert fault(f"sku,quantity,,\n{row}\n") == (2, None, "no_heading")


def test_a_column_of_rejects_alone_is_an_unknown_one() -> None:
    assert header_error("sku,quantity,code\nA,5,x\n").errors[0].code == "unknown_column"


def test_columns_of_other_names_are_mapped_and_further_ones_passed_over() -> None:
    text = " Artikel ;Bestand;Farbe;\nA;5;rot;x\n"
    lines = Lines(io.BytesIO(text.encode()))
    columns = {"sku": "artikel", "quantity": "BESTAND"}
    reader = StockRowReader(mode=ImportMode.SET, location="main", reason=None, columns=columns, delimiter=";")
    assert [row for rows in reader.read(lines, ImportFormat.CSV) for row in rows] == [("A", "main", 2, 5, "", "", "")]


def test_json_lines_have_the_same_columns() -> None:
    lines = [
        {"sku": "A", "quantity": 5},
        {"quantity": 5.0, "sku": "B", "location": "north", "name": None, "reason": "", "reference": "sheet 1"},
    ]
    assert read("\n".join(map(json.dumps, lines))) == [
        ("A", "main", 1, 5, "", "", ""),
        ("B", "north", 2, 5, "", "", "sheet 1"),
    ]


@pytest.mark.parametrize(
    ("header", "pointer", "code"),
    [
        ("", "/2/sku", "required"),
        ("sku", "/1/quantity", "required"),
        ("sku,quantity,colour", "/1/colour", "unknown_column"),
        ("SKU,quantity, sku", "/1/ sku", "duplicate_column"),
        ("sku;quantity", "/1", "wrong_delimiter"),
        ('"SKU";"Quantity"', "/1", "wrong_delimiter"),
        ("sku\tquantity\tname", "/1", "wrong_delimiter"),
        ("sku|quantity", "/1", "wrong_delimiter"),
        ("sku;price", "/1", "wrong_delimiter"),
        ("Artikel;Bestand;Größe", "/1", "wrong_delimiter"),
        ("Artikel;Bestand,Größe", "/1/sku", "required"),
        ("Artikel", "/1/sku", "required"),
        ('[{"sku": "A", "quantity": 1}]', "/1", "json_array"),
        ("sku,quantity,sku", "/1/sku", "duplicate_column"),
        ('"sku,quantity', "/1", "malformed_csv"),
    ],
)
def test_a_wrong_header_is_one_error_and_names_the_column(header: str, pointer: str, code: str) -> None:
    first = header_error(f"{header}\nA,5\n").errors[0]
    assert (first.pointer.rstrip("/"), first.code) == (pointer, code)


def test_to_adjust_each_row_needs_a_reason_or_all_of_them_one() -> None:
    assert header_error("sku,quantity\nA,5\n", mode=ImportMode.ADJUST).errors[0].pointer == "/1/reason"
    assert read("sku,quantity\nA,-5\n", mode=ImportMode.ADJUST, reason="moved") == [
        ("A", "main", 2, -5, "", "moved", "")
    ]
    text = "sku,quantity,reason\nA,5,damaged\nB,+5,\n"
    assert fault(text, mode=ImportMode.ADJUST) == (3, "reason", "required")
    assert [row[5] for row in read(text, mode=ImportMode.ADJUST, reason="moved") if isinstance(row, tuple)] == [
        "damaged",
        "moved",
    ]


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (",5,,,,", "sku", "wrong_length"),
        (" A,5,,,,", "sku", "bad_character"),
        ("A/B,5,,,,", "sku", "bad_name"),
        ("..,5,,,,", "sku", "bad_name"),
        ("e\u0301,5,,,,", "sku", "bad_name"),
        (f"{'x' * 65},5,,,,", "sku", "wrong_length"),
        ("A\u200b,5,,,,", "sku", "bad_character"),
        ("A\x00,5,,,,", "sku", "bad_character"),
        ("A,,,,,", "quantity", "wrong_type"),
        ("A,5.0,,,,", "quantity", "wrong_type"),
        ("A,five,,,,", "quantity", "wrong_type"),
        ("A, 5,,,,", "quantity", "wrong_type"),
        ("A,1_000,,,,", "quantity", "wrong_type"),
        ("A,٣,,,,", "quantity", "wrong_type"),
        ("A,-1,,,,", "quantity", "out_of_range"),
        (f"A,{COUNT_MAX + 1},,,,", "quantity", "out_of_range"),
        ("A,9999999999999999999999,,,,", "quantity", "out_of_range"),
        ("A,5,we/st,,,", "location", "bad_name"),
        (f"A,5,,{'x' * 257},,", "name", "wrong_length"),
        ("A,5,,a\x07b,,", "name", "bad_character"),
        ("A,5,,,a\x9bb,", "reason", "bad_character"),
        ("A,5,,,,r\u3164", "reference", "bad_character"),
        ("A,5,,,,r\tr", "reference", "bad_character"),
        ("A\ufe0f,5,,,,", "sku", "bad_character"),
        ("A,5,ma\u00a0in,,,", "location", "bad_character"),
        (f"A,5,,,{'x' * 501},", "reason", "wrong_length"),
        (f"A,5,,,,{'x' * 129}", "reference", "wrong_length"),
        ("A,5", None, "wrong_width"),
        ("A,5,,,,,7", None, "wrong_width"),
    ],
)
def test_a_wrong_value_names_line_and_column_and_the_others_are_read(row: str, column: str | None, code: str) -> None:
    text = f"{HEADER}\nFIRST,1,,,,\n{row}\nLAST,2,,,,\n"
    assert fault(text) == (3, column, code)
    assert [good[0] for good in read(text) if isinstance(good, tuple)] == ["FIRST", "LAST"]


def test_all_that_is_wrong_with_a_row_is_told_at_once_with_its_values() -> None:
    (bad,) = read("sku,quantity,location\nA ,x,main\n")
    assert isinstance(bad, ImportReject)
    assert bad.detail == "sku must not begin or end with a space; quantity must be a whole number"
    assert bad.values == {"sku": "A ", "quantity": "x", "location": "main"}


@pytest.mark.parametrize(
    ("document", "column", "code"),
    [
        ('{"sku":"A"}', "quantity", "wrong_type"),
        ('{"sku":"A","quantity":"5"}', "quantity", "wrong_type"),
        ('{"sku":"A","quantity":true}', "quantity", "wrong_type"),
        ('{"sku":"A","quantity":5.5}', "quantity", "wrong_type"),
        ('{"sku":7,"quantity":5}', "sku", "wrong_type"),
        ('{"sku":"A","quantity":5,"name":0}', "name", "wrong_type"),
        ('{"sku":"A","quantity":5,"location":[]}', "location", "wrong_type"),
        ('{"sku":"A","quantity":5,"qty":5}', "qty", "unknown_field"),
        ('{"sku":"A\\ud800","quantity":5}', "sku", "bad_character"),
        ("[]", None, "wrong_type"),
        ('{"sku":"A","quantity":NaN}', None, "malformed_json"),
    ],
)
def test_a_wrong_json_value_names_line_and_column(document: str, column: str | None, code: str) -> None:
    assert fault('{"sku":"FIRST","quantity":1}\n' + document) == (2, column, code)


def test_blank_lines_are_passed_over_and_counted() -> None:
    assert [row[2] for row in read("sku,quantity\n\nA,1\n\r\nB,2\n\n") if isinstance(row, tuple)] == [3, 5]


def test_rows_of_a_large_file_are_good_or_bad_whatever_stands_beside_them() -> None:
    written = ["sku,quantity,location"] + [
        f"SKU-{number},{number},{'west' if number % 7 else ''}" for number in range(9_000)
    ]
    written[4_321] = "SKU-BAD,x,"
    written[7_000] = '"SKU ""Ö""",7000,Ümlaut'
    rows = read("\n".join(written))
    assert [row.line for row in rows if isinstance(row, ImportReject)] == [4_322]
    assert rows[6_999] == ('SKU "Ö"', "Ümlaut", 7_001, 7_000, "", "", "")
    assert [row[2] for row in rows if isinstance(row, tuple)] == [line for line in range(2, 9_002) if line != 4_322]


TEXT = st.text(st.sampled_from('aZ9 -./é\u0301\u200b\u3164\t\r\n\x07,"_'), max_size=5)
QUANTITY = st.one_of(
    st.integers(-3, COUNT_MAX + 3).map(str),
    st.sampled_from(["", "x", "-0", "+1", "1-", "--1", "007", " 1", "1.0", "٣"]),
)


@given(
    st.lists(
        st.fixed_dictionaries(
            {"sku": TEXT, "quantity": QUANTITY, "location": TEXT, "name": TEXT, "reason": TEXT, "reference": TEXT}
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from(ImportMode),
)
def test_a_row_is_good_if_and_only_if_the_command_of_a_single_change_is(
    table: list[dict[str, str]], mode: ImportMode
) -> None:
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, ["sku", "quantity", "location", "name", "reason", "reference"])
    writer.writeheader()
    writer.writerows(table)
    table = [row for row in table if any(map(str.strip, row.values()))]
    rows = read(written.getvalue(), mode=mode)
    assert [isinstance(row, tuple) for row in rows] == [accepted(row, mode) for row in table]
    for row, given_row in zip(rows, table, strict=True):
        if isinstance(row, tuple):
            sku, location, _, quantity, *texts = row
            assert (sku, texts) == (given_row["sku"], [given_row[name] for name in ("name", "reason", "reference")])
            assert (location, quantity) == (given_row["location"] or "main", int(given_row["quantity"]))


def accepted(row: Mapping[str, str], mode: ImportMode) -> bool:
    """Tell whether the command takes these values; a difference of 0 is nothing wrong in a file."""
    digits = row["quantity"].removeprefix("-").removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and len(row["quantity"]) <= len(digits) + 1):
        return False
    quantity = int(row["quantity"])
    try:
        SetStock(sku=row["sku"], **{name: row[name] or None for name in ("location", "name", "reason", "reference")})
        if mode is ImportMode.SET:
            SetStock(sku=row["sku"], on_hand=quantity)
        else:
            AdjustStock(sku=row["sku"], delta=quantity or 1, reason=row["reason"])
    except OmsError:
        return False
    return True


def test_the_format_can_be_said_where_it_cannot_be_seen() -> None:
    lines = Lines(io.BytesIO(b"  \n" + b'{"sku":"A","quantity":1}'))
    reader = StockRowReader(mode=ImportMode.SET, location="main", reason=None)
    assert [row for rows in reader.read(lines, ImportFormat.JSONL) for row in rows] == [("A", "main", 2, 1, "", "", "")]


def test_json_that_is_to_be_read_as_csv_is_named() -> None:
    lines = Lines(io.BytesIO(b'{"sku":"A","quantity":1}'))
    reader = StockRowReader(mode=ImportMode.SET, location="main", reason=None)
    with pytest.raises(OmsError) as caught:
        list(reader.read(lines, ImportFormat.CSV))
    assert [(found.pointer.rstrip("/"), found.code) for found in caught.value.errors] == [("/1", "json_lines")]
