"""The decision on a batch is the decision on each of its changes alone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oms_core import AdjustStock, ImportMode, OmsError, Product, SetStock, StockLevel
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stock.changes import ProductChange, decide_adjust, decide_set, sku_not_found
from oms_core.domain.stock.import_decisions import EntryChange, StockEntry, decide_import, movement_of

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLACES = ("east", "main", "west")


@st.composite
def products(draw: st.DrawFn) -> dict[str, Product]:
    found = {}
    for sku in draw(st.sets(st.sampled_from("ABC"))):
        levels = []
        for location in sorted(draw(st.sets(st.sampled_from(PLACES)))):
            on_hand = draw(st.sampled_from([0, 1, 5, COUNT_MAX]))
            reserved = draw(st.integers(0, min(on_hand, 5)))
            levels.append(StockLevel(location=location, on_hand=on_hand, reserved=reserved, version=1))
        name = draw(st.sampled_from(["", "one", "two"]))
        found[sku] = Product(sku=sku, name=name, low_stock_threshold=None, levels=tuple(levels), updated_at=NOW)
    return found


def batches(least: int) -> st.SearchStrategy[list[StockEntry]]:
    entries = st.builds(
        StockEntry,
        sku=st.sampled_from("ABCD"),
        location=st.sampled_from(PLACES),
        quantity=st.one_of(st.integers(least, 6), st.just(COUNT_MAX)),
        name=st.sampled_from([None, "one", "two"]),
        reason=st.sampled_from(["counted", "damaged"]),
        reference=st.sampled_from([None, "sheet 1"]),
        rows=st.integers(1, 3),
    )
    return st.lists(entries, min_size=1, max_size=8, unique_by=lambda entry: entry[:2]).map(sorted_by_level)


def sorted_by_level(entries: Iterable[StockEntry]) -> list[StockEntry]:
    return sorted(entries, key=lambda entry: entry[:2])


def alone(mode: ImportMode, entry: StockEntry, product: Product | None) -> ProductChange | OmsError | None:
    """Decide one entry as the single change that it is; a difference of 0 changes the name only."""
    given: dict[str, Any] = {"sku": entry.sku, "location": entry.location}
    given |= {"reason": entry.reason, "reference": entry.reference}
    try:
        if mode is ImportMode.SET:
            command = SetStock(on_hand=entry.quantity, name=entry.name, **given)
            return decide_set(product, command, entry.location)
        if product is None:
            return sku_not_found(entry.sku)
        if entry.quantity == 0:
            return decide_set(product, SetStock(sku=entry.sku, name=entry.name), entry.location)
        return decide_adjust(product, AdjustStock(delta=entry.quantity, **given), entry.location)
    except OmsError as error:
        return error


@given(st.data(), products(), st.sampled_from(ImportMode))
def test_each_entry_is_decided_as_the_single_change_that_it_is(
    data: st.DataObject, known: dict[str, Product], mode: ImportMode
) -> None:
    entries = data.draw(batches(0 if mode is ImportMode.SET else -6))
    decision = decide_import(mode, entries, known)
    changes = {change.entry: change for change in decision.changes}
    refusals = {(refusal.sku, refusal.location): refusal for refusal in decision.result.refusals}
    for entry in entries:
        expected = alone(mode, entry, known.get(entry.sku))
        refusal = refusals.get(entry[:2])
        assert (refusal is not None) == isinstance(expected, OmsError), entry
        if isinstance(expected, OmsError) and refusal is not None:
            code = expected.errors[0].code if expected.errors else expected.code
            assert (refusal.code.value, entry in changes) == (code, False)
            assert expected.errors or refusal.detail == expected.detail
        elif not isinstance(expected, OmsError):
            assert_same_change(mode, expected, changes.get(entry), known.get(entry.sku))


def assert_same_change(
    mode: ImportMode, expected: ProductChange | None, change: EntryChange | None, product: Product | None
) -> None:
    """Compare what is written; an adjustment of a single product has no name to change."""
    if change is None:
        assert expected is None
        return
    level = product.level(change.entry.location) if product else None
    assert movement_of(mode, change) == (expected.movements[0] if expected and expected.movements else None)
    assert change.creates_product == (product is None)
    assert change.creates_level == (level is None and expected is not None and expected.location is not None)
    new_name = change.entry.name if product is None or change.entry.name != product.name else None
    assert change.name == new_name


@given(st.data(), products(), st.sampled_from(ImportMode))
def test_every_row_is_counted_once(data: st.DataObject, known: dict[str, Product], mode: ImportMode) -> None:
    entries = data.draw(batches(0 if mode is ImportMode.SET else -6))
    result = decide_import(mode, entries, known).result
    assert result.applied + result.unchanged + result.refused == sum(entry.rows for entry in entries)


@given(st.data(), products(), st.sampled_from(ImportMode))
def test_no_level_leaves_its_bounds(data: st.DataObject, known: dict[str, Product], mode: ImportMode) -> None:
    entries = data.draw(batches(0 if mode is ImportMode.SET else -6))
    for change in decide_import(mode, entries, known).changes:
        product = known.get(change.entry.sku)
        level = product.level(change.entry.location) if product else None
        on_hand = (level.on_hand if level else 0) + change.on_hand_delta
        assert (level.reserved if level else 0) <= on_hand <= COUNT_MAX


def test_a_count_written_twice_changes_nothing_the_second_time() -> None:
    entries = [StockEntry(sku="A", location="main", quantity=5, name="one", reason=None, reference=None, rows=1)]
    first = decide_import(ImportMode.SET, entries, {})
    assert first.result.applied == 1
    level = StockLevel(location="main", on_hand=5, reserved=0, version=1)
    product = Product(sku="A", name="one", low_stock_threshold=None, levels=(level,), updated_at=NOW)
    second = decide_import(ImportMode.SET, entries, {"A": product})
    assert (second.changes, second.result.unchanged) == ((), 1)
