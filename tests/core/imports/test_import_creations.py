"""What an import makes of names that nobody meant: similar locations, and numbers that a spreadsheet rounded."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from oms_memory import MemoryStorage

from oms_core import SetStock
from oms_core.imports import stock_rows
from oms_core.imports.stock_rows import KnownLocations
from tests.core.imports.import_fixtures import CLERK, Importer, importer_over


@pytest.fixture
def importer() -> Iterator[Importer]:
    importer = importer_over(MemoryStorage(), locations=("main", "north"))
    importer.oms.stock.set(SetStock(sku="A", on_hand=1, location="Straße 1"), caller=CLERK)
    yield importer
    importer.oms.close()


@pytest.mark.parametrize("location", ["Main", "MAIN", "\uff4d\uff41\uff49\uff4e", "NORTH", "strasse 1", "STRASSE 1"])
def test_a_location_that_differs_from_a_known_one_in_case_or_width_is_refused(
    importer: Importer, location: str
) -> None:
    error = importer.refused_stock(f"sku,quantity,location\nA,5,{location}\n")
    assert [(found.pointer, found.code) for found in error.errors] == [("/2/location", "similar_location")]
    assert importer.on_hand("A") == {"Straße 1": 1}
    assert importer.refused_stock(f'{{"sku": "A", "quantity": 5, "location": "{location}"}}').code == "validation_error"


def test_two_new_locations_of_one_file_are_compared_too(importer: Importer) -> None:
    assert importer.told() == []
    importer.import_stock("sku,quantity,location\nA,1,East\nB,1,East\nC,1,east\n", skip_bad=True)
    assert importer.told() == [(4, "location", "similar_location")]
    assert importer.report is not None
    assert importer.report.new_locations == ("East",)


def test_both_of_two_locations_that_are_there_are_taken() -> None:
    """None can be made any more; a database may have them from before."""
    known = KnownLocations(["main"], lambda limit: ["Main", "main"][:limit])
    assert [known.fault(location) for location in ("Main", "main")] == [None, None]
    assert known.fault("MAIN") is not None


def test_stored_locations_are_asked_for_once_and_only_where_the_settings_do_not_name_them() -> None:
    asked = []

    def stored(limit: int) -> list[str]:
        asked.append(limit)
        return ["south"]

    known = KnownLocations(["main"], stored)
    assert [known.fault(location) for location in ("main", "main")] == [None, None]
    assert asked == []
    assert [known.fault(location) for location in ("south", "west", "west", "south")] == [None] * 4
    assert (len(asked), known.new) == (1, ["west"])


def test_locations_without_end_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock_rows, "LOCATIONS_COMPARED_MAX", 3)
    known = KnownLocations(["main"], lambda limit: [])
    assert [known.fault(f"L{number}") for number in range(9)] == [None] * 9
    assert len(known.new) == 3


@pytest.mark.parametrize("sku", ["1.23457E+11", "1,23457E+11", "1E+15", "1.2e+05", "-4.5E+10"])
def test_a_sku_that_a_spreadsheet_has_rounded_is_refused_where_it_would_be_created(
    importer: Importer, sku: str
) -> None:
    text = f'sku,quantity\nB,1\n"{sku}",5\n'
    error = importer.refused_stock(text)
    assert [(found.pointer, found.code) for found in error.errors] == [("/3/sku", "rounded_number")]
    importer.import_stock(text, existing_only=True)
    assert [row.code for row in importer.rejects] == ["sku_not_found"] * 2
    importer.import_stock(f'{{"sku": "{sku}", "quantity": 5}}')
    assert importer.on_hand(sku) == {"main": 5}


@pytest.mark.parametrize("sku", ["1E5", "C++", "A+B", "1.5+2", "E+11", "12E-5", "5E+"])
def test_a_sku_that_is_no_such_number_is_taken(importer: Importer, sku: str) -> None:
    importer.import_stock(f"sku,quantity\n{sku},5\n")
    assert importer.on_hand(sku) == {"main": 5}


@pytest.mark.parametrize("column", ["idempotency_key", "reference", "customer_id", "sku"])
def test_a_rounded_number_names_no_order_and_nobody(importer: Importer, column: str) -> None:
    row = {"idempotency_key": "K1", "reference": "R1", "customer_id": "C1", "sku": "A", "quantity": "1"}
    row[column] = "1.23457E+11"
    error = importer.refused_orders(f"{','.join(row)}\n{','.join(row.values())}\n")
    assert [(found.pointer, found.code) for found in error.errors] == [(f"/2/{column}", "rounded_number")]
