"""The pages that are drawn from data are as the data is now."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

import pytest

from tests.bench.parts import PARTS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def draw() -> ModuleType:
    return load("draw")


@pytest.fixture(scope="module")
def capacity() -> ModuleType:
    return load("capacity")


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    return load("pictures")


@pytest.fixture(scope="module")
def plots() -> ModuleType:
    return load("plots")


def load(name: str) -> ModuleType:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS)
        return importlib.import_module(name)


def test_the_status_page_shows_the_status_table(draw: ModuleType) -> None:
    assert (DOCS / "statuses.md").read_text() == draw.draw_statuses(), "run `make docs`"


def test_the_data_model_shows_the_migrated_schema(draw: ModuleType) -> None:
    assert (DOCS / "data-model.md").read_text() == draw.draw_data_model(), "run `make docs`"


def test_the_owasp_page_shows_the_table_and_its_tests(draw: ModuleType) -> None:
    assert (DOCS / "owasp.md").read_text() == draw.draw_owasp(), "run `make docs`"


def test_the_authorisation_page_shows_the_rules_of_access(draw: ModuleType) -> None:
    assert (DOCS / "authorisation.md").read_text() == draw.draw_authorisation(), "run `make docs`"


def test_the_pictures_are_those_that_are_drawn(pictures: ModuleType) -> None:
    for name, draw in pictures.PICTURES.items():
        assert (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8") == draw(), "run `make docs`"


def test_the_tables_of_the_measurements_are_those_measured(draw: ModuleType) -> None:
    page = (DOCS / "measurements.md").read_text()
    assert page == draw.draw_measurements(), "run `make docs`"
    shown = {name.partition("/")[0] for _, name, _ in draw.MEASURED.findall(page)}
    assert shown == {"goals", "machine", *(part.name for part in PARTS)}


def test_the_capacity_page_reckons_with_what_was_measured(capacity: ModuleType) -> None:
    page = (DOCS / "production" / "capacity.md").read_text()
    assert page == capacity.draw_capacity(), "run `make docs`"
    assert page.count("<!-- drawn: ") == page.count("<!-- end -->") == 3


def test_the_plots_of_the_measurements_show_what_was_measured(plots: ModuleType) -> None:
    for path in (DOCS / "measurements").glob("*.json"):
        if draw_plot := plots.PLOTS.get(path.stem):
            assert path.with_suffix(".svg").read_text(encoding="utf-8") == draw_plot(), "run `make docs`"


def test_the_sale_that_is_drawn_kept_the_promise() -> None:
    sale = json.loads((DOCS / "pictures" / "sold-out.json").read_text())
    assert sale["answers"].keys() == {"sold", "insufficient_inventory"}
    assert len(sale["answers"]["sold"]) == sale["units"]
    assert sale["answers"]["sold"][-1] <= sale["answers"]["insufficient_inventory"][-1]
