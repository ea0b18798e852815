"""decide_placement: nothing is oversold, orders are all or nothing, in order of arrival, whatever comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_core import OmsError, OrderLine, PlaceOrder, Product, StockLevel
from oms_core.domain.fingerprints import order_fingerprint
from oms_core.domain.orders.placement import (
    Allocation,
    EnteredAs,
    KeyedOrder,
    Placement,
    PlacementView,
    Refuse,
    Repeat,
    Replay,
    Reserve,
    Verdict,
    decide_placement,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
SKUS = ["A", "B", "C"]
LOCATIONS = ["main", "north", "a-shop", "z-shop"]
UNKNOWN = "UNKNOWN"


def product(sku: str, levels: Mapping[str, tuple[int, int]]) -> Product:
    return Product(
        sku=sku,
        name="",
        low_stock_threshold=None,
        levels=tuple(
            StockLevel(location=location, on_hand=on_hand, reserved=reserved, version=1)
            for location, (on_hand, reserved) in sorted(levels.items())
        ),
        updated_at=NOW,
    )


def placement(
    number: int,
    lines: Sequence[tuple[str, int]],
    key: str | None = None,
    locations: tuple[str, ...] | None = None,
) -> Placement:
    command = PlaceOrder(
        customer_id="C1",
        lines=[OrderLine(sku=sku, quantity=quantity) for sku, quantity in lines],
        idempotency_key=key,
        locations=locations,
    )
    return Placement(
        id=UUID(int=number + 1),
        command=command,
        currency="EUR",
        total=None,
        caller_name="caller",
        fingerprint=None if key is None else order_fingerprint(command, "EUR"),
        request_id=None,
        created_at=NOW,
    )


def view(*products: Product, keyed: Mapping[tuple[str, str], KeyedOrder] | None = None) -> PlacementView:
    return PlacementView(products={each.sku: each for each in products}, keyed_orders=keyed or {})


figures = st.tuples(st.integers(0, 6), st.integers(0, 6)).map(lambda pair: (max(pair), min(pair)))
stocks = st.fixed_dictionaries({sku: st.dictionaries(st.sampled_from(LOCATIONS), figures) for sku in SKUS})
orders = st.lists(
    st.lists(st.tuples(st.sampled_from([*SKUS, *SKUS, UNKNOWN]), st.integers(1, 6)), min_size=1, max_size=4),
    max_size=8,
)
priorities = st.lists(st.sampled_from(LOCATIONS), unique=True)

Stocks = Mapping[str, Mapping[str, tuple[int, int]]]
Orders = Sequence[Sequence[tuple[str, int]]]


def decide(stock: Stocks, wanted: Orders, priority: Sequence[str]) -> list[Verdict]:
    placements = [placement(number, lines) for number, lines in enumerate(wanted)]
    return decide_placement(placements, view(*(product(sku, levels) for sku, levels in stock.items())), priority)


def available(stock: Stocks) -> Counter[tuple[str, str]]:
    return Counter(
        {(sku, place): there - promised for sku, levels in stock.items() for place, (there, promised) in levels.items()}
    )


def allocations(verdicts: Sequence[Verdict]) -> Iterator[Allocation]:
    for verdict in verdicts:
        if isinstance(verdict, Reserve):
            yield from verdict.allocations


def demand(lines: Sequence[tuple[str, int]]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for sku, quantity in lines:
        summed[sku] += quantity
    return summed


@given(stocks, orders, priorities)
def test_no_level_is_ever_oversold(stock: Stocks, wanted: Orders, priority: Sequence[str]) -> None:
    taken: Counter[tuple[str, str]] = Counter()
    for allocation in allocations(decide(stock, wanted, priority)):
        assert allocation.quantity > 0
        taken[allocation.sku, allocation.location] += allocation.quantity
    assert all(quantity <= available(stock)[level] for level, quantity in taken.items())


@given(stocks, orders, priorities)
def test_an_accepted_order_is_served_in_full_line_by_line(stock: Stocks, wanted: Orders, priority: list[str]) -> None:
    for lines, verdict in zip(wanted, decide(stock, wanted, priority), strict=True):
        if isinstance(verdict, Reserve):
            served: Counter[tuple[int, str]] = Counter()
            for allocation in verdict.allocations:
                served[allocation.line_no, allocation.sku] += allocation.quantity
            assert served == {(line_no, sku): quantity for line_no, (sku, quantity) in enumerate(lines, start=1)}


@given(stocks, orders, priorities)
def test_an_order_is_refused_only_if_it_would_not_fit_after_those_accepted_before_it(
    stock: Stocks, wanted: Orders, priority: Sequence[str]
) -> None:
    left: Counter[str] = Counter()
    for (sku, _), units in available(stock).items():
        left[sku] += units
    for lines, verdict in zip(wanted, decide(stock, wanted, priority), strict=True):
        needed = demand(lines)
        short = {sku: units for sku, units in needed.items() if units > left[sku]}
        if isinstance(verdict, Reserve):
            assert not short
            assert UNKNOWN not in needed
            left -= needed
        else:
            assert isinstance(verdict, Refuse)
            shortages = [
                {"sku": sku, "requested": units, "available": left[sku]} for sku, units in sorted(short.items())
            ]
            if UNKNOWN in needed:
                assert verdict.error.code == "unknown_sku"
            else:
                assert short
                assert (verdict.error.code, verdict.error.data) == ("insufficient_inventory", {"shortages": shortages})


@given(stocks, orders, priorities)
def test_a_location_serves_only_when_those_before_it_are_empty(
    stock: Stocks, wanted: Orders, priority: list[str]
) -> None:
    rank = {location: number for number, location in enumerate([*priority, *sorted(set(LOCATIONS) - set(priority))])}
    left = available(stock)
    for allocation in allocations(decide(stock, wanted, priority)):
        earlier = [location for location in LOCATIONS if rank[location] < rank[allocation.location]]
        assert not any(left[allocation.sku, location] for location in earlier)
        left[allocation.sku, allocation.location] -= allocation.quantity


named = st.none() | st.lists(st.sampled_from(LOCATIONS), min_size=1, unique=True).map(tuple)


@given(stocks, st.lists(st.tuples(named, st.sampled_from(SKUS), st.integers(1, 6)), max_size=8), priorities)
def test_an_order_with_locations_is_served_from_these_in_its_order_and_from_no_other(
    stock: Stocks, wanted: list[tuple[tuple[str, ...] | None, str, int]], priority: list[str]
) -> None:
    placements = [
        placement(number, [(sku, units)], locations=locations) for number, (locations, sku, units) in enumerate(wanted)
    ]
    verdicts = decide_placement(placements, view(*(product(sku, levels) for sku, levels in stock.items())), priority)
    every = [*priority, *sorted(set(LOCATIONS) - set(priority))]
    left = available(stock)
    for (locations, sku, units), verdict in zip(wanted, verdicts, strict=True):
        within = every if locations is None else locations
        served = []
        for location in within:
            if taken := min(left[sku, location], units - sum(units for _, units in served)):
                served.append((location, taken))
        if sum(taken for _, taken in served) < units:
            there = sum(left[sku, location] for location in within)
            assert isinstance(verdict, Refuse)
            assert verdict.error.data["shortages"] == [{"sku": sku, "requested": units, "available": there}]
            continue
        assert isinstance(verdict, Reserve)
        assert [(each.location, each.quantity) for each in verdict.allocations] == served
        left -= Counter({(sku, location): taken for location, taken in served})


@given(stocks, orders, priorities)
def test_the_same_question_has_the_same_answer(stock: Stocks, wanted: Orders, priority: Sequence[str]) -> None:
    def shown(verdicts: Sequence[Verdict]) -> list[object]:
        return [str(each.error) if isinstance(each, Refuse) else each for each in verdicts]

    shuffled = {sku: stock[sku] for sku in reversed(list(stock))}
    assert shown(decide(stock, wanted, priority)) == shown(decide(shuffled, wanted, priority))


@given(stocks, orders, priorities, st.data())
def test_what_comes_later_changes_nothing_for_what_came_before(
    stock: Stocks, wanted: Orders, priority: Sequence[str], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(wanted)))
    accepted = [isinstance(each, Reserve) and each for each in decide(stock, wanted, priority)]
    assert accepted[:cut] == [isinstance(each, Reserve) and each for each in decide(stock, wanted[:cut], priority)]


@given(stocks, orders, st.lists(st.sampled_from(["K1", "K2", None]), min_size=8, max_size=8))
def test_keys_decide_before_stock_does(stock: Stocks, wanted: Orders, keys: Sequence[str | None]) -> None:
    placements = [placement(number, lines, keys[number]) for number, lines in enumerate(wanted)]
    verdicts = decide_placement(placements, view(*(product(sku, levels) for sku, levels in stock.items())), ["main"])
    first: dict[str, int] = {}
    for index, (each, verdict) in enumerate(zip(placements, verdicts, strict=True)):
        key = each.command.idempotency_key
        if key in first:
            same = placements[first[key]].fingerprint == each.fingerprint
            assert verdict == Repeat(first[key]) if same else _code(verdict) == "idempotency_key_reused"
        elif key is not None and isinstance(verdict, Reserve):
            first[key] = index
        assert not isinstance(verdict, Replay)


def _code(verdict: Verdict) -> str:
    return verdict.error.code if isinstance(verdict, Refuse) else ""


def test_a_used_key_replays_its_order_whatever_the_stock() -> None:
    same, other = placement(0, [("A", 1)], "K"), placement(1, [("A", 2)], "K")
    assert same.fingerprint is not None
    keyed = {
        ("caller", "K"): KeyedOrder(order_id=UUID(int=9), fingerprint=same.fingerprint, entered_as=EnteredAs.QUEUED)
    }
    verdicts = decide_placement([same, other, same], view(keyed=keyed), [])
    assert verdicts[0] == verdicts[2] == Replay(UUID(int=9), EnteredAs.QUEUED)
    assert _code(verdicts[1]) == "idempotency_key_reused"


def test_every_unknown_sku_of_an_order_is_pointed_at() -> None:
    wanted = placement(0, [("A", 1), ("X", 1), ("B", 1), ("Y", 1), ("X", 2)])
    (verdict,) = decide_placement([wanted], view(product("A", {"main": (0, 0)})), [])
    assert isinstance(verdict, Refuse)
    assert [found.pointer for found in verdict.error.errors] == [f"/lines/{index}/sku" for index in (1, 2, 3, 4)]
    assert verdict.error.detail == "no product has the SKU B, X, Y"


def test_a_location_that_was_taken_to_its_last_unit_serves_nobody_after() -> None:
    """Drawn stock meets this by luck only: the first order takes exactly what the first location has."""
    known = view(product("A", {"main": (2, 0), "north": (5, 0)}))
    verdicts = decide_placement([placement(number, [("A", 2)]) for number in range(3)], known, ["main", "north"])
    assert [list(allocations([verdict])) for verdict in verdicts] == [
        [Allocation(1, "A", "main", 2)],
        [Allocation(1, "A", "north", 2)],
        [Allocation(1, "A", "north", 2)],
    ]


def test_several_shortages_are_all_named() -> None:
    wanted = placement(0, [("B", 2), ("A", 9), ("B", 2)])
    known = view(product("A", {"main": (5, 1)}), product("B", {"main": (2, 0), "north": (1, 0)}))
    (verdict,) = decide_placement([wanted], known, [])
    assert isinstance(verdict, Refuse)
    assert verdict.error.data["shortages"] == [
        {"sku": "A", "requested": 9, "available": 4},
        {"sku": "B", "requested": 4, "available": 3},
    ]
    assert verdict.error.detail == "A: 9 requested, 4 available (and 1 more SKUs)"


def test_a_refusal_can_be_raised() -> None:
    (verdict,) = decide_placement([placement(0, [("A", 1)])], view(), [])
    assert isinstance(verdict, Refuse)
    with pytest.raises(OmsError, match="unknown_sku"):
        raise verdict.error
