"""Importing stock: checked as a whole first, applied in batches, reported row by row."""

from __future__ import annotations

import csv
import io
import random
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oms_memory import MemoryStorage
from oms_memory.imports import MemoryImports
from oms_memory.tables import Tables

from oms_core import Caller, ImportMode, ImportStage, ImportStock, OmsError, OrderLine, PlaceOrder, Scope, SetStock
from oms_core.domain import limits
from oms_core.domain.stock.import_decisions import BatchResult
from oms_core.imports import records, stock_spool
from oms_core.ports.import_storage import ImportBatch
from tests.core.imports.import_fixtures import CLERK, Importer, importer_over, stock_report

ADJUST: dict[str, Any] = {"mode": ImportMode.ADJUST, "reason": "counted"}


@pytest.fixture
def importer() -> Iterator[Importer]:
    importer = importer_over(MemoryStorage())
    yield importer
    importer.oms.close()


def test_an_import_creates_what_is_unknown_and_sets_what_is_known(importer: Importer) -> None:
    importer.oms.stock.set(SetStock(sku="B", on_hand=3), caller=CLERK)
    text = "sku,quantity,location,name\nB,4,,\nA,5,,An A\nA,6,north,\n"
    assert importer.import_stock(text) == stock_report(3, applied=3)
    assert (importer.on_hand("A"), importer.on_hand("B")) == ({"main": 5, "north": 6}, {"main": 4})
    assert importer.oms.stock.get("A", caller=CLERK).name == "An A"
    assert not importer.oms.audit(caller=CLERK).discrepancies


def test_the_same_file_again_changes_nothing(importer: Importer) -> None:
    text = "sku,quantity,name\nA,5,An A\nB,0,\n"
    assert importer.import_stock(text) == stock_report(2, applied=2)
    assert importer.import_stock(text) == stock_report(2, unchanged=2)
    assert len(importer.oms.stock.movements("A", caller=CLERK).items) == 1


def test_an_empty_file_with_a_header_is_an_import_of_nothing(importer: Importer) -> None:
    assert importer.import_stock("sku,quantity\n") == stock_report(0)


def test_a_malformed_row_stops_everything_before_anything_changes(importer: Importer) -> None:
    error = importer.refused_stock("sku,quantity\nA,5\nB,x\nC ,6\n")
    assert (error.code, error.data) == ("validation_error", {"rows": 3, "malformed": 2})
    assert [(found.pointer, found.code) for found in error.errors] == [
        ("/3/quantity", "wrong_type"),
        ("/4/sku", "bad_character"),
    ]
    assert "2 of 3 rows are malformed, the first in line 3" in error.detail
    assert importer.told() == [(3, "quantity", "wrong_type"), (4, "sku", "bad_character")]
    assert importer.oms.stock.list(caller=CLERK).items == ()


def test_good_rows_are_applied_when_bad_ones_are_to_be_skipped(importer: Importer) -> None:
    assert importer.import_stock("sku,quantity\nA,5\nB,x\n", skip_bad=True) == stock_report(2, applied=1, rejected=1)
    assert importer.told() == [(3, "quantity", "wrong_type")]
    assert importer.on_hand("A") == {"main": 5}


def test_an_error_names_at_most_a_hundred_rows_and_the_rejects_are_all_of_them(importer: Importer) -> None:
    error = importer.refused_stock("sku,quantity\n" + "A,x\n" * 1_000)
    assert len(error.errors) == limits.IMPORT_ERRORS_MAX
    assert (error.data["malformed"], len(importer.rejects)) == (1_000, 1_000)


def test_two_counts_of_one_level_are_bad_and_each_names_the_other(importer: Importer) -> None:
    text = "sku,quantity,location\nA,5,\nB,1,\nA,6,main\nA,7,north\n"
    assert importer.import_stock(text, skip_bad=True) == stock_report(4, applied=2, rejected=2)
    assert [(row.line, row.code, row.detail) for row in importer.rejects] == [
        (2, "duplicate_row", "line 4 counts the same sku and location"),
        (4, "duplicate_row", "line 2 counts the same sku and location"),
    ]
    assert importer.on_hand("A") == {"north": 7}


def test_two_names_of_one_sku_are_bad_and_each_names_the_other(importer: Importer) -> None:
    text = "sku,quantity,location,name\nA,5,,one\nA,5,north,two\nA,5,west,\nB,5,,one\n"
    assert importer.import_stock(text, skip_bad=True) == stock_report(4, applied=2, rejected=2)
    assert [(row.line, row.code, row.detail) for row in importer.rejects] == [
        (2, "conflicting_name", "line 3 gives the sku another name"),
        (3, "conflicting_name", "line 2 gives the sku another name"),
    ]


def test_differences_of_one_level_are_summed_with_their_reasons(importer: Importer) -> None:
    importer.oms.stock.set(SetStock(sku="A", on_hand=10), caller=CLERK)
    text = "sku,quantity,reason,reference\nA,-3,damaged,r1\nA,-1,damaged,\nA,+2,found,r2\n"
    assert importer.import_stock(text, mode=ImportMode.ADJUST, idempotency_key="K") == stock_report(3, applied=3)
    (row, _) = importer.oms.stock.movements("A", caller=CLERK).items
    assert (row.movement.on_hand_delta, row.movement.reason, row.movement.reference) == (-2, "damaged; found", "r1; r2")


def test_reasons_that_do_not_fit_together_are_cut_at_a_whole_one(importer: Importer) -> None:
    importer.oms.stock.set(SetStock(sku="A", on_hand=10), caller=CLERK)
    long = "x" * 300
    importer.import_stock(
        f"sku,quantity,reason\nA,1,{long}\nA,1,{long}y\nA,1,short\n", mode=ImportMode.ADJUST, idempotency_key="K"
    )
    assert importer.oms.stock.movements("A", caller=CLERK).items[0].movement.reason == f"{long}; short"


def test_a_refused_sum_rejects_each_of_its_rows_with_its_columns(importer: Importer) -> None:
    importer.oms.stock.set(SetStock(sku="A", on_hand=2), caller=CLERK)
    report = importer.import_stock("quantity,sku\n-1,A\n1,UNKNOWN\n-2,A\n1,B\n", **ADJUST, idempotency_key="K")
    assert report == stock_report(4, rejected=4)
    assert importer.told() == [
        (2, None, "stock_below_reserved"),
        (4, None, "stock_below_reserved"),
        (5, None, "sku_not_found"),
        (3, None, "sku_not_found"),
    ]
    assert importer.rejects[1].values == {
        "sku": "A",
        "quantity": "-2",
        "location": "main",
        "name": "",
        "reason": "counted",
        "reference": "",
    }
    assert importer.on_hand("A") == {"main": 2}


def test_what_open_orders_hold_is_kept_and_the_rest_is_imported(importer: Importer) -> None:
    importer.import_stock("sku,quantity\nA,5\nB,5\n")
    lines = [OrderLine(sku="A", quantity=4)]
    importer.oms.orders.place(PlaceOrder(customer_id="C1", lines=lines), caller=CLERK)
    assert importer.import_stock("sku,quantity\nA,3\nB,3\n") == stock_report(2, applied=1, rejected=1)
    (reject,) = importer.rejects
    assert (reject.line, reject.code) == (2, "stock_below_reserved")
    assert "oms orders list --sku A" in reject.detail
    assert (importer.on_hand("A"), importer.on_hand("B")) == ({"main": 5}, {"main": 3})


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_report_does_not_depend_on_the_size_of_batches(importer: Importer, size: int) -> None:
    numbers = list(range(20))
    random.Random(size).shuffle(numbers)
    importer.import_stock("sku,quantity\n" + "".join(f"S{number:02},5\n" for number in numbers[:10]))
    text = "sku,quantity,location\n" + "".join(
        f"S{number:02},{number % 3 + 4},{place}\n" for number in numbers for place in ("", "x")
    )
    unchanged = sum(number % 3 == 1 for number in numbers[:10])
    assert importer.import_stock(text, batch_size=size) == stock_report(40, applied=40 - unchanged, unchanged=unchanged)
    assert not importer.oms.audit(caller=CLERK).discrepancies


def test_a_dry_run_reports_the_same_and_changes_nothing(importer: Importer) -> None:
    importer.import_stock("sku,quantity\nA,5\n")
    text = "sku,quantity\nA,5\nB,3\nC,x\n"
    expected = stock_report(3, applied=1, unchanged=1, rejected=1)
    assert importer.import_stock(text, dry_run=True, skip_bad=True) == expected
    assert [product.sku for product in importer.oms.stock.list(caller=CLERK).items] == ["A"]
    assert importer.import_stock(text, skip_bad=True) == expected


def test_progress_is_told_while_reading_and_while_applying(importer: Importer) -> None:
    importer.import_stock("sku,quantity\nA,1\nB,x\nC,1\n", batch_size=1, skip_bad=True)
    reading = [told.done for told in importer.progress if told.stage is ImportStage.READING]
    applying = [(told.done, told.total) for told in importer.progress if told.stage is ImportStage.APPLYING]
    assert reading[-1] == 3
    assert applying == [(2, 3), (3, 3)]


def test_an_import_needs_the_scope_before_it_reads(importer: Importer) -> None:
    reader = Caller(name="reader", scopes=frozenset({Scope.INVENTORY_READ}))
    source = io.BytesIO(b"sku,quantity\nA,1\n")
    with pytest.raises(OmsError, match="forbidden"):
        importer.oms.imports.stock(ImportStock(), source, caller=reader)
    assert source.tell() == 0


@pytest.mark.parametrize("further", ["S4,1\n", "\n", ",\n"])
def test_a_file_of_too_many_rows_is_refused(importer: Importer, monkeypatch: pytest.MonkeyPatch, further: str) -> None:
    monkeypatch.setattr(records, "IMPORT_ROWS_MAX", 3)
    rows = "sku,quantity\n" + "".join(f"S{number},1\n" for number in range(3))
    assert importer.refused_stock(rows + further).code == "payload_too_large"
    assert importer.import_stock(rows).rows == 3


def test_a_folder_that_cannot_take_the_file_is_said_to_be_so(
    importer: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stock_spool, "_SORT", ("PRAGMA max_page_count = 1", *stock_spool._SORT))
    error = importer.refused_stock("sku,quantity\n" + "".join(f"S{number},1\n" for number in range(4)))
    assert error.code == "storage_unavailable"
    assert "TMPDIR" in error.detail


@given(
    st.lists(st.tuples(st.sampled_from("ABC"), st.integers(-5, 5), st.sampled_from(["", "x"])), max_size=12),
    st.integers(1, 4),
)
def test_differences_add_up_whatever_the_batches(rows: list[tuple[str, int, str]], size: int) -> None:
    importer = importer_over(MemoryStorage())
    importer.import_stock(
        "sku,quantity,location\n" + "".join(f"{sku},100,{place}\n" for sku in "ABC" for place in ("", "x"))
    )
    written = io.StringIO(newline="")
    csv.writer(written).writerows([("sku", "quantity", "location"), *rows])
    importer.import_stock(written.getvalue(), **ADJUST, idempotency_key="K", batch_size=size)
    for sku in "ABC":
        for place in ("", "x"):
            expected = 100 + sum(by for its, by, where in rows if (its, where) == (sku, place))
            assert importer.on_hand(sku)[place or "main"] == expected
    assert not importer.oms.audit(caller=CLERK).discrepancies
    importer.oms.close()


class OneAtATime(MemoryImports):
    """Imports whose first batch waits a while for a second one to begin, which must not happen."""

    begun = 0
    overlapped = False

    def __init__(self, tables: Tables) -> None:
        super().__init__(tables)
        self.second = threading.Event()

    def apply_once(self, batch: ImportBatch, **given: Any) -> BatchResult:
        self.begun += 1
        if self.begun == 1:
            self.overlapped = self.second.wait(0.3)
        else:
            self.second.set()
        return super().apply_once(batch, **given)


@pytest.mark.parametrize(("other", "overlaps"), [("A", False), ("B", True)])
def test_batches_of_one_sku_are_applied_one_after_the_other(other: str, overlaps: bool) -> None:
    storage = MemoryStorage()
    imports = storage.imports = OneAtATime(storage.tables)
    rows = [("A", "l1"), ("A", "l2"), (other, "l3"), (other, "l4")]
    importer_over(storage).import_stock(
        "sku,quantity,location\n" + "".join(f"{sku},1,{location}\n" for sku, location in rows), batch_size=1
    )
    assert (imports.begun, imports.overlapped) == (2, overlaps)
