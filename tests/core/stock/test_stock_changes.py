"""Decisions on stock: set, adjust, receive; what they refuse, what they write, and what a product then announces."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import UNSET, AdjustStock, OmsError, Product, ReceiveStock, SetStock, StockLevel
from oms_core.domain.events import EventType, StockChange, stock_events
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stock.changes import ProductChange, decide_adjust, decide_receive, decide_set

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def product(on_hand: int = 10, reserved: int = 4, *, threshold: int | None = 3, name: str = "A thing") -> Product:
    level = StockLevel(location="main", on_hand=on_hand, reserved=reserved, version=1)
    return Product(sku="A", name=name, low_stock_threshold=threshold, levels=(level,), updated_at=NOW)


def set_of(known: Product | None, location: str = "main", **given: Any) -> ProductChange | None:
    return decide_set(known, SetStock(sku="A", **given), location)


def refusal(work: Any, *arguments: Any, **given: Any) -> OmsError:
    with pytest.raises(OmsError) as caught:
        work(*arguments, **given)
    return caught.value


def delta(change: ProductChange | None) -> int:
    return sum(row.on_hand_delta for row in change.movements) if change else 0


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_a_set_writes_the_difference_or_says_what_is_reserved(on_hand: int, reserved: int, wanted: int) -> None:
    on_hand, reserved = max(on_hand, reserved), min(on_hand, reserved)
    if wanted < reserved and wanted != on_hand:
        error = refusal(set_of, product(on_hand, reserved), on_hand=wanted)
        assert (error.code, error.data) == ("stock_below_reserved", {"on_hand": wanted, "reserved": reserved})
    else:
        assert delta(set_of(product(on_hand, reserved), on_hand=wanted)) == wanted - on_hand


@given(st.integers(0, 20), st.integers(0, 20), st.integers(-30, 30).filter(bool))
def test_an_adjustment_is_made_or_says_what_is_reserved(on_hand: int, reserved: int, by: int) -> None:
    on_hand, reserved = max(on_hand, reserved), min(on_hand, reserved)
    command = AdjustStock(sku="A", delta=by, reason="counted")
    if on_hand + by < reserved:
        error = refusal(decide_adjust, product(on_hand, reserved), command, "main")
        assert (error.code, error.data) == ("stock_below_reserved", {"on_hand": on_hand + by, "reserved": reserved})
        says = "oms orders list --sku A --status held,pending,processing" if reserved else "cannot be below 0"
        assert says in error.detail
    else:
        assert delta(decide_adjust(product(on_hand, reserved), command, "main")) == by


def test_another_location_has_figures_of_its_own() -> None:
    assert delta(set_of(product(10, 4), "north", on_hand=3)) == 3
    assert refusal(decide_adjust, product(), AdjustStock(sku="A", delta=-1, reason="x"), "north").data == {
        "on_hand": -1,
        "reserved": 0,
    }


def test_what_is_not_known_is_only_created_by_a_set() -> None:
    created = set_of(None, on_hand=5, name="New", low_stock_threshold=None)
    assert created is not None
    assert (created.name, created.low_stock_threshold, created.location, delta(created)) == ("New", UNSET, "main", 5)
    assert set_of(None) == ProductChange()
    assert refusal(decide_adjust, None, AdjustStock(sku="A", delta=1, reason="x"), "main").code == "sku_not_found"
    assert refusal(decide_receive, None, ReceiveStock(sku="A", quantity=1), "main").code == "sku_not_found"


@pytest.mark.parametrize(
    "given",
    [{}, {"on_hand": 10}, {"name": "A thing"}, {"low_stock_threshold": 3}, {"on_hand": 10, "expected_on_hand": 10}],
    ids=str,
)
def test_a_set_of_what_is_there_already_changes_nothing(given: dict[str, Any]) -> None:
    assert set_of(product(), **given) is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": ""}, ProductChange(name="")),
        ({"low_stock_threshold": None}, ProductChange(low_stock_threshold=None)),
        ({"low_stock_threshold": 0, "on_hand": 10}, ProductChange(low_stock_threshold=0)),
    ],
    ids=str,
)
def test_a_set_changes_only_what_differs(given: dict[str, Any], expected: ProductChange) -> None:
    assert set_of(product(), **given) == expected


def test_a_count_of_zero_at_a_new_location_creates_the_level_alone() -> None:
    assert set_of(product(), "north", on_hand=0) == ProductChange(location="north")


@pytest.mark.parametrize(("known", "there"), [(product(10, 4), 10), (None, 0)])
def test_an_unexpected_count_is_refused_with_both_figures(known: Product | None, there: int) -> None:
    error = refusal(set_of, known, on_hand=7, expected_on_hand=5)
    assert (error.code, error.data) == ("stock_count_mismatch", {"on_hand": there, "expected_on_hand": 5})
    assert delta(set_of(known, on_hand=7, expected_on_hand=there)) == 7 - there


@pytest.mark.parametrize("kind", ["adjust", "receive"])
def test_a_count_beyond_the_bound_is_refused(kind: str) -> None:
    full = product(COUNT_MAX - 1, 0)
    if kind == "adjust":
        error = refusal(decide_adjust, full, AdjustStock(sku="A", delta=2, reason="x"), "main")
        assert delta(decide_adjust(full, AdjustStock(sku="A", delta=1, reason="x"), "main")) == 1
    else:
        error = refusal(decide_receive, full, ReceiveStock(sku="A", quantity=2), "main")
        assert delta(decide_receive(full, ReceiveStock(sku="A", quantity=1), "main")) == 1
    pointer = {"adjust": "/delta", "receive": "/quantity"}[kind]
    assert [(found.pointer, found.code) for found in error.errors] == [(pointer, "out_of_range")]


def announced(before: int, after: int, threshold: int | None) -> list[EventType]:
    change = StockChange(
        sku="A",
        threshold_before=threshold,
        low_stock_threshold=threshold,
        available_before=before,
        available_after=after,
    )
    events = stock_events([change])
    assert all(event.data == {"available": after, "low_stock_threshold": threshold} for event in events)
    assert all(event.sku == "A" and event.order_id is None for event in events)
    return [event.type for event in events]


@pytest.mark.parametrize(
    ("before", "after", "threshold", "event"),
    [
        (6, 5, 5, EventType.STOCK_LOW),
        (10, 0, 5, EventType.STOCK_DEPLETED),
        (3, 0, 5, EventType.STOCK_DEPLETED),
        (0, 3, 5, EventType.STOCK_LOW),
        (0, 6, 5, EventType.STOCK_REPLENISHED),
        (5, 6, 5, EventType.STOCK_REPLENISHED),
        (1, 0, None, EventType.STOCK_DEPLETED),
        (0, 1, None, EventType.STOCK_REPLENISHED),
        (1, 0, 0, EventType.STOCK_DEPLETED),
        (0, 1, 0, EventType.STOCK_REPLENISHED),
        (9, 6, 5, None),
        (5, 1, 5, None),
        (9, 1, None, None),
        (0, 0, 5, None),
    ],
)
def test_a_product_announces_the_state_it_enters(
    before: int, after: int, threshold: int | None, event: EventType | None
) -> None:
    assert announced(before, after, threshold) == ([] if event is None else [event])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.one_of(st.none(), st.integers(0, 9)))
def test_a_history_announces_every_new_state_once(counts: list[int], threshold: int | None) -> None:
    def state(available: int) -> EventType:
        if threshold is not None and 0 < available <= threshold:
            return EventType.STOCK_LOW
        return EventType.STOCK_REPLENISHED if available else EventType.STOCK_DEPLETED

    told = [event for before, after in pairwise(counts) for event in announced(before, after, threshold)]
    assert told == [entered for entered, _ in groupby(map(state, counts))][1:]
