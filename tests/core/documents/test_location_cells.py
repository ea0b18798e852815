"""The locations of an order in a cell: whatever the names are, reading gives back what was written."""

from __future__ import annotations

import pytest

from oms_core.documents.location_cells import locations_cell, read_locations_cell


@pytest.mark.parametrize(
    ("names", "cell"),
    [
        (["north"], "north"),
        (["north", "east"], "north;east"),
        (["a,b", "c d"], "a,b;c d"),
        (["a;b", "north"], '["a;b","north"]'),
        ([";"], '[";"]'),
        (["[1]", "2"], '["[1]","2"]'),
        (["lager-\u00fc;"], '["lager-\u00fc;"]'),
    ],
)
def test_names_are_read_as_they_were_written(names: list[str], cell: str) -> None:
    assert locations_cell(names) == cell
    assert read_locations_cell(cell) == names


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        (" north ; east ", ["north", "east"]),
        ("north;", ["north", ""]),
        ("[north", ["[north"]),
        ("[1, 2]", [1, 2]),
        ('["a"', ['["a"']),
    ],
)
def test_what_a_person_wrote_is_left_to_the_check_of_the_order(cell: str, names: list[object]) -> None:
    assert read_locations_cell(cell) == names
