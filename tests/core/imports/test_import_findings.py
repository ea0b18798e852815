"""How much is told of one bad row, and of one bad header, of a file of stock."""

from __future__ import annotations

import io
import json

import pytest

from oms_core import ImportMode, OmsError
from oms_core.domain.import_commands import ImportReject
from oms_core.imports.records import Lines
from oms_core.imports.stock_rows import StockRow, StockRowReader

ROW = json.dumps({"sku": "A", "quantity": 1})


def read(text: str) -> list[StockRow | ImportReject]:
    lines = Lines(io.BytesIO(text.encode()))
    reader = StockRowReader(mode=ImportMode.SET, location="main", reason=None)
    return [row for rows in reader.read(lines, lines.format()) for row in rows]


@pytest.mark.parametrize("number", [11, 99, 100, 500])
def test_a_row_of_unknown_fields_is_one_bad_row_which_names_ten_of_them(number: int) -> None:
    first, bad, last = read("\n".join([ROW, json.dumps(dict.fromkeys(map(str, range(number)))), ROW]))
    assert not isinstance(first, ImportReject)
    assert not isinstance(last, ImportReject)
    assert isinstance(bad, ImportReject)
    assert bad.detail.count("is not a field of a row") == 10
    assert "sku must be a string" in bad.detail


@pytest.mark.parametrize("number", [99, 100, 500])
def test_a_header_of_unknown_columns_names_a_hundred_of_them(number: int) -> None:
    with pytest.raises(OmsError, match=f"line 1: {number} columns .* the first: c0 ") as caught:
        read("sku,quantity," + ",".join(f"c{column}" for column in range(number)) + "\n")
    assert len(caught.value.errors) == min(number, 100)
    assert caught.value.detail.count("sku, quantity, location") == 1
