"""The pages that are drawn from data are as the data is now."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def draw() -> ModuleType:
    return load("draw")


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    return load("pictures")


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_status_page_shows_the_status_table(draw: ModuleType) -> None:
    assert (DOCS / "statuses.md").read_text() == draw.draw_statuses(), "run `make docs`"


def test_the_data_model_shows_the_migrated_schema(draw: ModuleType) -> None:
    assert (DOCS / "data-model.md").read_text() == draw.draw_data_model(), "run `make docs`"


def test_the_owasp_page_shows_the_table_and_its_tests(draw: ModuleType) -> None:
    assert (DOCS / "owasp.md").read_text() == draw.draw_owasp(), "run `make docs`"


def test_the_authorisation_page_shows_the_rules_of_access(draw: ModuleType) -> None:
    assert (DOCS / "authorisation.md").read_text() == draw.draw_authorisation(), "run `make docs`"


def test_the_pictures_show_the_architecture_and_the_sale_that_was_recorded(pictures: ModuleType) -> None:
    for name, drawn in (("architecture", pictures.draw_architecture()), ("sold-out", pictures.draw_sold_out())):
        assert (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8") == drawn, "run `make docs`"


def test_the_sale_that_is_drawn_kept_the_promise() -> None:
    sale = json.loads((DOCS / "pictures" / "sold-out.json").read_text())
    assert sale["answers"].keys() == {"sold", "insufficient_inventory"}
    assert len(sale["answers"]["sold"]) == sale["units"]
    assert sale["answers"]["sold"][-1] <= sale["answers"]["insufficient_inventory"][-1]
