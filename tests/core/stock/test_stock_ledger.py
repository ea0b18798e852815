"""What ledger rows of one transaction do to levels, and which events they announce."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import StockLevel
from oms_core.domain.callers import Caller
from oms_core.domain.events import EventType
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.ledger import (
    Figures,
    MovementEntry,
    announcements,
    available_deltas,
    is_within_bounds,
    level_after,
    moves_of,
)
from oms_core.domain.stock.products import MovementKind, NewMovement

NOW = datetime(2026, 1, 2, tzinfo=UTC)
FIRST, SECOND, THIRD = (Stamp(f"caller-{number}", None, NOW + timedelta(seconds=number)) for number in range(3))


def row(sku: str, on_hand: int, reserved: int, *, location: str = "main", stamp: Stamp = FIRST) -> MovementEntry:
    movement = NewMovement(
        sku=sku, location=location, kind=MovementKind.ADJUST, on_hand_delta=on_hand, reserved_delta=reserved
    )
    return movement, stamp


rows = st.lists(
    st.builds(row, st.sampled_from("ABC"), st.integers(-9, 9), st.integers(-9, 9), location=st.sampled_from("xy"))
)


def test_a_stamp_tells_on_whose_behalf_and_when() -> None:
    caller = Caller(name="shop", scopes=frozenset(), request_id="R1")
    assert Stamp.of(caller, NOW) == Stamp("shop", "R1", NOW)


@given(rows)
def test_levels_move_by_the_sums_of_their_rows_in_the_order_of_the_locks(entries: list[MovementEntry]) -> None:
    moves = moves_of(entries)
    assert list(moves) == sorted({(movement.sku, movement.location) for movement, _ in entries})
    for (sku, location), move in moves.items():
        own = [movement for movement, _ in entries if (movement.sku, movement.location) == (sku, location)]
        assert move.on_hand_delta == sum(movement.on_hand_delta for movement in own)
        assert move.reserved_delta == sum(movement.reserved_delta for movement in own)
        assert entries[move.last][0] is own[-1]


@given(rows)
def test_what_can_be_sold_changes_by_what_comes_in_less_what_is_promised(entries: list[MovementEntry]) -> None:
    expected: dict[str, int] = {}
    for movement, _ in entries:
        expected[movement.sku] = expected.get(movement.sku, 0) + movement.on_hand_delta - movement.reserved_delta
    assert available_deltas(moves_of(entries)) == expected


def test_a_level_grows_by_one_version_however_many_rows_move_it() -> None:
    (move,) = moves_of([row("A", 5, 0), row("A", -2, 1)]).values()
    level = StockLevel(location="main", on_hand=10, reserved=4, version=7)
    assert level_after(level, "main", move) == StockLevel(location="main", on_hand=13, reserved=5, version=8)
    assert level_after(None, "main", move) == StockLevel(location="main", on_hand=3, reserved=1, version=1)


@pytest.mark.parametrize(
    ("on_hand", "reserved", "is_kept"),
    [
        (0, 0, True),
        (5, 5, True),
        (COUNT_MAX, 0, True),
        (5, 6, False),
        (5, -1, False),
        (-1, -1, False),
        (COUNT_MAX + 1, 0, False),
    ],
)
def test_no_more_is_promised_than_there_is_and_a_count_has_a_bound(on_hand: int, reserved: int, is_kept: bool) -> None:
    level = StockLevel(location="main", on_hand=on_hand, reserved=reserved, version=1)
    assert is_within_bounds(level) is is_kept


def test_a_product_that_enters_another_state_is_announced_with_the_stamp_of_its_last_row() -> None:
    entries = [row("B", 0, 4), row("A", 0, 3), row("B", 0, 1, location="other", stamp=SECOND), row("A", 1, 0)]
    before = {"A": Figures(available=9, low_stock_threshold=7), "B": Figures(available=5, low_stock_threshold=None)}
    low, depleted = announcements(moves_of(entries), before)
    assert (low[0].type, low[0].sku, low[1]) == (EventType.STOCK_LOW, "A", FIRST)
    assert low[0].data == {"available": 7, "low_stock_threshold": 7}
    assert (depleted[0].type, depleted[0].sku, depleted[1]) == (EventType.STOCK_DEPLETED, "B", SECOND)


def test_a_product_that_stays_in_its_state_or_is_not_asked_about_announces_nothing() -> None:
    moves = moves_of([row("A", 0, 1), row("B", 0, 5, stamp=THIRD)])
    assert announcements(moves, {"A": Figures(available=9, low_stock_threshold=7)}) == []
