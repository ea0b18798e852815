"""Imports that are run again: done once under their key, and gone on with where they were broken off."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from oms_memory import MemoryStorage
from oms_memory.imports import MemoryImports

from oms_core import ImportMode, ImportStock, OmsError
from oms_core.domain.stock.import_decisions import BatchResult
from tests.core.imports.import_fixtures import Importer, importer_over, stock_report

ADJUST: dict[str, Any] = {"mode": ImportMode.ADJUST, "reason": "counted"}


@pytest.fixture
def importer() -> Iterator[Importer]:
    importer = importer_over(MemoryStorage())
    yield importer
    importer.oms.close()


def test_a_dry_run_of_differences_needs_no_key(importer: Importer) -> None:
    importer.import_stock("sku,quantity\nA,5\n")
    assert importer.import_stock("sku,quantity\nA,-5\n", **ADJUST, dry_run=True) == stock_report(1, applied=1)
    assert importer.on_hand("A") == {"main": 5}


def test_differences_need_a_key() -> None:
    with pytest.raises(OmsError) as caught:
        ImportStock(mode=ImportMode.ADJUST)
    assert [(found.pointer, found.code) for found in caught.value.errors] == [("/idempotency_key", "required")]


def test_an_import_under_its_key_is_done_once_and_reported_again(importer: Importer) -> None:
    importer.import_stock("sku,quantity\nA,5\nB,5\n")
    text = "sku,quantity\nA,1\nUNKNOWN,1\nA,1\nB,0\n"
    first = importer.import_stock(text, **ADJUST, idempotency_key="K", batch_size=1)
    told = importer.told()
    assert first == stock_report(4, applied=2, unchanged=1, rejected=1)
    assert importer.import_stock(text, **ADJUST, idempotency_key="K", batch_size=100) == first
    assert importer.told() == told == [(3, None, "sku_not_found")]
    assert importer.on_hand("A") == {"main": 7}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("sku,quantity\nA,2\n", {}),
        ("sku,quantity\nA,1\n", {"reason": "another"}),
        ("sku,quantity\nA,1\n", {"mode": ImportMode.SET}),
    ],
)
def test_another_import_under_the_same_key_is_refused(importer: Importer, text: str, given: dict[str, Any]) -> None:
    importer.import_stock("sku,quantity\nA,5\n")
    importer.import_stock("sku,quantity\nA,1\n", **ADJUST, idempotency_key="K")
    assert importer.refused_stock(text, **(ADJUST | given), idempotency_key="K").code == "idempotency_key_reused"
    assert importer.on_hand("A") == {"main": 6}


class Failing(MemoryImports):
    """Fails when it comes to a SKU; `after_writing` then has written it all the same, like a lost answer."""

    sku = ""
    after_writing = False

    def apply(self, batch: Any, **given: Any) -> BatchResult:
        return self._failing(super().apply, batch, given)

    def apply_once(self, batch: Any, **given: Any) -> BatchResult:
        return self._failing(super().apply_once, batch, given)

    def _failing(self, apply: Callable[..., BatchResult], batch: Any, given: dict[str, Any]) -> BatchResult:
        fails = any(entry.sku == self.sku for entry in batch.entries)
        if fails and not self.after_writing:
            raise OmsError("storage_unavailable", "the database is away")
        result = apply(batch, **given)
        if fails:
            raise OmsError("outcome_unknown", "the database was lost")
        return result


@pytest.fixture
def failing() -> Iterator[tuple[Importer, Failing]]:
    storage = MemoryStorage()
    imports = storage.imports = Failing(storage.tables)
    importer = importer_over(storage)
    yield importer, imports
    importer.oms.close()


@pytest.mark.parametrize("after_writing", [False, True])
def test_an_import_that_was_broken_off_goes_on_where_it_stands(
    failing: tuple[Importer, Failing], after_writing: bool
) -> None:
    importer, imports = failing
    importer.import_stock("sku,quantity\nA,5\nC,5\n")
    text = "sku,quantity\nA,1\nB,1\nC,1\n"
    imports.sku, imports.after_writing = "B", after_writing
    error = importer.refused_stock(text, **ADJUST, idempotency_key="K", batch_size=1)
    assert error.code == ("outcome_unknown" if after_writing else "storage_unavailable")
    assert error.data == {"applied": 1, "unchanged": 0, "refused": 0}
    imports.sku = ""
    assert importer.import_stock(text, **ADJUST, idempotency_key="K", batch_size=1) == stock_report(
        3, applied=2, rejected=1
    )
    assert importer.told() == [(3, None, "sku_not_found")]
    assert (importer.on_hand("A"), importer.on_hand("C")) == ({"main": 6}, {"main": 6})


def test_counts_that_were_broken_off_are_told_and_can_be_imported_again(failing: tuple[Importer, Failing]) -> None:
    importer, imports = failing
    text = "sku,quantity\n" + "".join(f"S{number},1\n" for number in range(6))
    imports.sku = "S4"
    error = importer.refused_stock(text, batch_size=1)
    assert (error.code, error.data["applied"]) == ("storage_unavailable", 4)
    imports.sku = ""
    report = importer.import_stock(text, batch_size=1)
    assert report.applied + report.unchanged == 6
    assert report.unchanged >= 4
