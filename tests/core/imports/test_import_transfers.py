"""Importing transfers: each row is one, under a key of its own, so that a rerun moves nothing twice."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from oms_memory import MemoryStorage
from oms_memory.stock import MemoryStock

from oms_core import (
    Caller,
    ImportMode,
    ImportStock,
    ImportTransfers,
    MovementKind,
    OmsError,
    OrderLine,
    PlaceOrder,
    SetStock,
    TransferImportReport,
    TransferStock,
)
from oms_core.domain.transfer_imports import TRANSFER_COLUMNS
from tests.core.imports.import_fixtures import CLERK, Importer, importer_over

HEADER = "idempotency_key,sku,from,to,quantity,reason,reference\n"
CHAIN = HEADER + "K1,A,main,north,4,,\nK2,A,north,east,3,,\nK3,A,east,main,1,,\n"


class Dying(MemoryStock):
    """Stops the program, or is away, before or after the commit of its next change but `changes`."""

    changes = 1_000
    error: BaseException = KeyboardInterrupt()
    commits = False

    def change(self, *args: Any, **given: Any) -> Any:
        self.changes -= 1
        if self.changes < 0:
            if self.commits:
                super().change(*args, **given)
            raise self.error
        return super().change(*args, **given)


@dataclass(frozen=True)
class Yard:
    """A system with ten of A and of B in main, of which two A are reserved."""

    importer: Importer
    stock: Dying

    def move(self, text: str, *, caller: Caller = CLERK, **given: Any) -> TransferImportReport:
        """Import a text with the fields of ImportTransfers."""
        importer = self.importer
        importer.rejects.clear()
        told: dict[str, Any] = {"rejects": importer.rejects.append, "progress": importer.progress.append}
        source = io.BytesIO(text.encode())
        report = importer.oms.imports.transfers(ImportTransfers(**given), source, caller=caller, **told)
        return replace(report, seconds=0.0)

    def refused(self, text: str, **given: Any) -> OmsError:
        """Import a text that must be refused as a whole."""
        with pytest.raises(OmsError) as caught:
            self.move(text, **given)
        return caught.value

    def moved(self, sku: str = "A") -> list[tuple[str, int]]:
        """Give location and units of the ledger's rows of transfers, oldest first."""
        rows = self.importer.oms.stock.movements(sku, caller=CLERK, limit=500).items
        written = [each.movement for each in reversed(rows)]
        return [(row.location, row.on_hand_delta) for row in written if row.kind is MovementKind.TRANSFER]


def yard_over(**settings: Any) -> Yard:
    storage = MemoryStorage()
    stock = storage.stock = Dying(storage.tables)
    importer = importer_over(storage, **settings)
    for sku in "AB":
        importer.oms.stock.set(SetStock(sku=sku, on_hand=10), caller=CLERK)
    importer.oms.orders.place(PlaceOrder(customer_id="C1", lines=[OrderLine(sku="A", quantity=2)]), caller=CLERK)
    return Yard(importer, stock)


@pytest.fixture
def yard() -> Iterator[Yard]:
    yard = yard_over()
    yield yard
    assert not yard.importer.oms.audit(caller=CLERK).discrepancies
    yard.importer.oms.close()


def report(transfers: int, *, made: int = 0, replayed: int = 0, refused: int = 0, blank: int = 0) -> Any:
    return TransferImportReport(
        transfers=transfers, made=made, replayed=replayed, refused=refused, blank=blank, seconds=0.0
    )


def test_rows_are_made_in_the_order_of_the_file_and_a_rerun_moves_nothing(yard: Yard) -> None:
    assert yard.move(CHAIN) == report(3, made=3)
    assert yard.moved() == [("main", -4), ("north", 4), ("north", -3), ("east", 3), ("east", -1), ("main", 1)]
    assert yard.importer.on_hand("A") == {"main": 7, "north": 1, "east": 2}
    assert yard.move(CHAIN) == report(3, replayed=3)
    assert yard.importer.on_hand("A") == {"main": 7, "north": 1, "east": 2}
    assert [(each.stage.value, each.done, each.total) for each in yard.importer.progress[3:6]] == [
        ("applying", done, 3) for done in (1, 2, 3)
    ]


def test_reason_and_reference_are_in_the_ledger(yard: Yard) -> None:
    yard.move(HEADER + "K1,A,main,north,4,to sell,T-1\n")
    row = yard.importer.oms.stock.movements("A", caller=CLERK).items[0].movement
    assert (row.reason, row.reference) == ("to sell", "T-1")


def test_json_lines_are_transfers_and_one_made_by_hand_under_its_key_is_not_made_again(yard: Yard) -> None:
    document = {"sku": "A", "from": "main", "to": "north", "quantity": 4.0, "idempotency_key": "K1", "reason": None}
    by_hand = TransferStock(sku="A", quantity=4, from_location="main", to_location="north", idempotency_key="K1")
    yard.importer.oms.stock.transfer(by_hand, caller=CLERK)
    other = {"sku": "B", "from": "main", "to": "north", "quantity": 1}
    text = f"{json.dumps(document)}\n{json.dumps(other)}\n"
    assert yard.move(text, idempotency_key="FILE") == report(2, made=1, replayed=1)
    assert yard.importer.on_hand("A") == {"main": 6, "north": 4}


@pytest.mark.parametrize("text", ["sku,from,to,quantity\nA,main,north,1\nA,main,north,1\n", '{"sku": "A", "from":'])
def test_rows_without_a_key_take_that_of_the_file_and_their_line(yard: Yard, text: str) -> None:
    if text.startswith("{"):
        text = (json.dumps({"sku": "A", "from": "main", "to": "north", "quantity": 1}) + "\n") * 2
    error = yard.refused(text)
    assert (error.code, error.data) == ("validation_error", {"transfers": 2, "malformed": 2})
    assert {(column, code) for _, column, code in yard.importer.told()} == {("idempotency_key", "required")}
    assert yard.move(text, idempotency_key="FILE") == report(2, made=2)
    assert yard.move(text, idempotency_key="FILE") == report(2, replayed=2)
    assert yard.move(text, idempotency_key="OTHER") == report(2, made=2)
    assert yard.importer.on_hand("A") == {"main": 6, "north": 4}


def test_one_that_is_refused_stops_no_other(yard: Yard) -> None:
    rows = (
        "K1,A,main,north,9,,",
        "K2,X,main,north,1,,",
        "K3,A,main,north,8,,",
        "K4,A,west,north,1,,",
        "K5,A,main,east,1,,",
    )
    assert yard.move(HEADER + "\n".join(rows)) == report(5, made=1, refused=4)
    assert yard.importer.told() == [
        (2, None, "stock_below_reserved"),
        (3, None, "sku_not_found"),
        (5, None, "validation_error"),
        (6, None, "stock_below_reserved"),
    ]
    assert yard.importer.on_hand("A") == {"main": 2, "north": 8}


def test_a_location_that_is_not_known_is_refused_where_they_must_be() -> None:
    yard = yard_over(locations=("main", "north"), locations_strict=True)
    rows = "K1,A,main,moon,1,,\nK2,A,main,north,1,,\n"
    assert yard.move(HEADER + rows) == report(2, made=1, refused=1)
    (reject,) = yard.importer.rejects
    assert (reject.line, reject.code) == (2, "validation_error")
    assert "moon is no location that is known" in reject.detail
    assert yard.importer.on_hand("A") == {"main": 9, "north": 1}
    yard.importer.oms.close()


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("K,A,main,north,x,,", "quantity", "wrong_type"),
        ("K,A,main,north,0,,", "quantity", "out_of_range"),
        ("K,A,main,north,,,", "quantity", "required"),
        ("K,,main,north,1,,", "sku", "required"),
        ("K,A,,north,1,,", "from", "required"),
        ("K,A,main,,1,,", "to", "required"),
        ("K,A,main,main,1,,", "to", "same_location"),
        ("K,A,a/b,north,1,,", "from", "bad_name"),
        (",A,main,north,1,,", "idempotency_key", "required"),
        (f"{'K' * 256},A,main,north,1,,", "idempotency_key", "wrong_length"),
        ("K,1.23457E+11,main,north,1,,", "sku", "rounded_number"),
        ("K,A,main,1.23457E+11,1,,", "to", "rounded_number"),
        ("K,A,main,north,1,,1.23457E+11", "reference", "rounded_number"),
        ('K,A,main,north,1,"x"y,', None, "malformed_csv"),
        ("K,A,main,north,1,,,more", None, "wrong_width"),
    ],
)
def test_a_malformed_row_stops_all_before_anything_moves_unless_it_is_skipped(
    yard: Yard, row: str, column: str | None, code: str
) -> None:
    text = f"{HEADER}K1,A,main,north,1,,\n{row}\n\nK2,B,main,north,1,,\n"
    error = yard.refused(text)
    assert (error.code, error.data) == ("validation_error", {"transfers": 3, "malformed": 1})
    assert yard.importer.told() == [(3, column, code)]
    assert yard.moved() == yard.moved("B") == []
    assert yard.move(text, skip_bad=True) == report(3, made=2, refused=1, blank=1)
    assert yard.importer.told() == [(3, column, code)]


def test_a_field_of_json_that_is_unknown_is_malformed(yard: Yard) -> None:
    yard.refused(json.dumps({"sku": "A", "from": "main", "to": "north", "quantity": 1, "location": "main"}) + "\n")
    assert yard.importer.told()[0] == (1, "location", "unknown_field")


def test_a_second_row_of_one_key_is_malformed(yard: Yard) -> None:
    yard.refused(HEADER + "K,A,main,north,1,,\nK,A,main,north,1,,\n")
    assert yard.importer.told() == [(3, None, "duplicate_transfer")]
    assert yard.moved() == []


def test_a_header_must_have_what_is_needed(yard: Yard) -> None:
    error = yard.refused("sku,from,quantity\nA,main,1\n", idempotency_key="K")
    assert [(each.pointer, each.code) for each in error.errors] == [("/1/to", "required")]


def test_columns_with_other_names_are_mapped(yard: Yard) -> None:
    columns = {"sku": "Artikel", "from": "von", "to": "nach", "quantity": "Menge"}
    text = "Artikel;von;nach;Menge;Wer\nA;main;north;4;ich\n"
    assert yard.move(text, columns=columns, delimiter=";", idempotency_key="K") == report(1, made=1)
    with pytest.raises(OmsError, match="maps 'order_id'"):
        ImportTransfers(columns={"order_id": "Auftrag"})


def test_what_was_refused_or_malformed_is_mended_in_its_file_of_rejects(yard: Yard) -> None:
    """Each row keeps the key that the file and its line in it have made, wherever it stands among the rejects."""
    text = "sku,from,to,quantity\nA,main,north,1\nA,main,north,90\nA,main,north,x\nA,main,north,1\n"
    assert yard.move(text, idempotency_key="FILE", skip_bad=True) == report(4, made=2, refused=2)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*TRANSFER_COLUMNS, "line", "column", "code", "detail"])
    for each in yard.importer.rejects:
        cells = [each.values.get(name, "") for name in TRANSFER_COLUMNS]
        writer.writerow([*cells, each.line, each.column or "", each.code, each.detail])
    mended = out.getvalue().replace(",90,", ",2,").replace(",x,", ",1,")
    assert yard.move(mended, idempotency_key="FILE") == report(2, made=2)
    assert yard.move(mended, idempotency_key="FILE") == report(2, replayed=2)
    assert yard.importer.on_hand("A") == {"main": 5, "north": 5}


@pytest.mark.parametrize("commits", [False, True])
@pytest.mark.parametrize("changes", [0, 1, 2])
def test_a_rerun_after_a_crash_in_the_middle_makes_the_rest(yard: Yard, changes: int, commits: bool) -> None:
    yard.stock.changes, yard.stock.commits = changes, commits
    with pytest.raises(KeyboardInterrupt):
        yard.move(CHAIN)
    made = changes + commits
    assert len(yard.moved()) == 2 * made
    yard.stock.changes = 1_000
    assert yard.move(CHAIN) == report(3, made=3 - made, replayed=made)
    assert yard.importer.on_hand("A") == {"main": 7, "north": 1, "east": 2}


@pytest.mark.parametrize("code", ["storage_unavailable", "outcome_unknown", "schema_outdated", "invalid_setting"])
def test_a_storage_that_fails_ends_the_import_and_tells_how_far_it_came(yard: Yard, code: Any) -> None:
    yard.stock.changes, yard.stock.error = 1, OmsError(code, "it is away")
    error = yard.refused(CHAIN)
    assert (error.code, error.data) == (code, {"made": 1, "replayed": 0, "refused": 0})
    assert "1 transfers were made, and the same import goes on with the others" in str(error)
    assert (len(yard.moved()), yard.importer.rejects) == (2, [])
    yard.stock.changes = 1_000
    assert yard.move(CHAIN) == report(3, made=2, replayed=1)


def test_the_import_of_counts_knows_no_mode_of_moves() -> None:
    """Its modes are those of the service's route too."""
    assert [mode.value for mode in ImportMode] == ["set", "adjust"]
    moving: Any = "transfer"
    with pytest.raises(OmsError, match="must be one of set, adjust"):
        ImportStock(mode=moving)
