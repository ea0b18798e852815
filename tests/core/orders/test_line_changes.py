"""The decision on other quantities and further lines, and on other details; the commands that ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest

from oms_core import Caller, ChangeOrderLines, LineChange, OmsError, OrderStatus, Scope, UpdateOrder
from oms_core.domain.limits import ORDER_LINES_MAX
from oms_core.domain.orders.detail_changes import decide_update
from oms_core.domain.orders.line_changes import decide_line_changes
from oms_core.domain.orders.order import Holding, Order, PlacedLine
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.statuses import CHANGEABLE
from oms_core.domain.stock.products import Product, StockLevel
from tests.core.orders.shipping_fixtures import NOW, holding, order, refusal, rows, standing, types

MANAGER = Caller(name="x", scopes=frozenset({Scope.ORDERS_MANAGE}))
BUYER = Caller(name="x", scopes=frozenset({Scope.ORDERS_WRITE}))
# Lines: 5 A, 2 B, 4 A.
HELD = (
    holding(1, reserved=2),
    holding(1, "north", reserved=3),
    holding(2, reserved=2),
    holding(3, "north", reserved=4),
)


def product(sku: str, **levels: tuple[int, int]) -> Product:
    """Give a product from (on_hand, reserved) by location."""
    stock = tuple(
        StockLevel(location=location, on_hand=on_hand, reserved=reserved, version=1)
        for location, (on_hand, reserved) in sorted(levels.items())
    )
    return Product(sku=sku, name="", low_stock_threshold=None, levels=stock, updated_at=NOW)


PRODUCTS = {
    "A": product("A", main=(3, 2), north=(9, 7)),
    "B": product("B", main=(2, 2)),
    "C": product("C", main=(9, 0)),
}


def stands(holdings: Sequence[Holding] = HELD) -> Standing:
    return replace(standing(holdings), products=PRODUCTS)


def decide(
    *lines: LineChange,
    status: OrderStatus = OrderStatus.PENDING,
    caller: Caller = MANAGER,
    holdings: Sequence[Holding] = HELD,
    of: Order | None = None,
    **given: object,
) -> OrderChange | None:
    command = ChangeOrderLines(order_id=order().id, lines=lines, reason="because", **given)  # type: ignore[arg-type]
    return decide_line_changes(of or order(status), stands(holdings), command, caller, ("main", "north"))


def decided(*lines: LineChange, **given: object) -> OrderChange:
    change = decide(*lines, **given)  # type: ignore[arg-type]
    assert change is not None
    return change


def line(line_no: int, quantity: int) -> LineChange:
    return LineChange(line_no=line_no, quantity=quantity)


def further(sku: str, quantity: int, price: str | None = None) -> LineChange:
    return LineChange(sku=sku, quantity=quantity, unit_price=None if price is None else Decimal(price))


def test_more_is_reserved_where_there_is_any_and_less_released_from_the_last_location() -> None:
    assert rows(decided(line(1, 7))) == [("reserve", 1, "main", 0, 1), ("reserve", 1, "north", 0, 1)]
    assert rows(decided(line(1, 1))) == [("release", 1, "north", 0, -3), ("release", 1, "main", 0, -1)]
    assert rows(decided(line(2, 0), further("C", 3))) == [("release", 2, "main", 0, -2), ("reserve", 4, "main", 0, 3)]


def test_the_difference_is_taken_from_what_is_held() -> None:
    lost = (holding(1, reserved=1), *HELD[2:])
    assert rows(decided(line(1, 2), holdings=lost)) == [("reserve", 1, "main", 0, 1)]


def test_what_one_line_gives_up_another_may_take() -> None:
    assert rows(decided(line(1, 1), line(3, 8))) == [
        ("release", 1, "north", 0, -3),
        ("release", 1, "main", 0, -1),
        ("reserve", 3, "main", 0, 2),
        ("reserve", 3, "north", 0, 2),
    ]
    assert rows(decided(line(2, 1), further("B", 1))) == [("release", 2, "main", 0, -1), ("reserve", 4, "main", 0, 1)]


def test_more_than_there_is_is_refused_with_the_figures_of_what_is_wanted_besides() -> None:
    error = refusal(lambda: decide(line(1, 7), further("A", 2), line(2, 1)))
    short = {"sku": "A", "requested": 4, "available": 3}
    assert (error.code, error.data) == ("insufficient_inventory", {"shortages": [short]})


def test_a_queued_order_holds_nothing_and_needs_no_stock() -> None:
    change = decided(line(1, 900), line(2, 0), status=OrderStatus.QUEUED, holdings=())
    assert (change.status, change.movements) == (OrderStatus.QUEUED, ())
    assert [(each.line_no, each.quantity) for each in change.lines] == [(1, 900), (2, 0)]


@pytest.mark.parametrize("status", OrderStatus)
def test_lines_are_changed_until_all_has_shipped(status: OrderStatus) -> None:
    holdings = () if status is OrderStatus.QUEUED else HELD
    if status is OrderStatus.PARTLY_SHIPPED:
        holdings = (*HELD[:3], holding(3, "north", reserved=2, shipped=2))
    if status in CHANGEABLE:
        change = decided(line(1, 4), status=status, holdings=holdings)
        assert (change.status, types(change)) == (status, ["order.changed"])
    else:
        assert refusal(lambda: decide(line(1, 4), status=status)).code == "invalid_transition"


@pytest.mark.parametrize("status", sorted(CHANGEABLE))
def test_who_places_orders_changes_them_until_they_are_begun_and_sets_no_price(status: OrderStatus) -> None:
    holdings = () if status is OrderStatus.QUEUED else HELD
    untouched = status in {OrderStatus.QUEUED, OrderStatus.HELD, OrderStatus.PENDING}
    if untouched:
        assert decide(line(1, 4), status=status, caller=BUYER, holdings=holdings) is not None
    else:
        assert refusal(lambda: decide(line(1, 4), status=status, caller=BUYER)).code == "forbidden"
    priced = further("C", 1, "1")
    assert refusal(lambda: decide(priced, status=status, caller=BUYER, holdings=holdings)).code == "forbidden"
    assert decide(priced, status=status, holdings=holdings) is not None


def test_the_event_has_the_lines_that_change_before_and_after() -> None:
    priced = replace(
        order(), lines=(PlacedLine(line_no=1, sku="A", quantity=5, unit_price=Decimal("1.5")),), total=Decimal("7.5")
    )
    change = decided(line(1, 4), further("C", 1, "0.25"), of=priced, holdings=HELD[:2])
    (event,) = change.events
    assert event.data == {
        "before": {"lines": [{"line_no": 1, "sku": "A", "quantity": 5, "unit_price": "1.50"}], "total": "7.50"},
        "after": {
            "lines": [
                {"line_no": 1, "sku": "A", "quantity": 4, "unit_price": "1.50"},
                {"line_no": 2, "sku": "C", "quantity": 1, "unit_price": "0.25"},
            ],
            "total": "6.25",
        },
        "reason": "because",
    }
    assert change.total == Decimal("6.25")


def test_a_total_counts_no_line_that_was_removed() -> None:
    lines = (
        PlacedLine(line_no=1, sku="A", quantity=5, unit_price=Decimal(2)),
        PlacedLine(line_no=2, sku="B", quantity=2, unit_price=None),
    )
    assert decided(line(2, 0), of=replace(order(), lines=lines), holdings=HELD[:3]).total == Decimal(10)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line(1, 0), line(2, 0), line(3, 0)], "empty_order"),
        ([further("Z", 1), line(1, 4)], "unknown_sku"),
        ([further("C", 1_000_000, "9" * 12)], "total_too_large"),
    ],
)
def test_what_cannot_be_is_refused(lines: list[LineChange], code: str) -> None:
    priced = replace(order(), lines=tuple(replace(each, unit_price=Decimal(1)) for each in order().lines))
    assert refusal(lambda: decide(*lines, of=priced)).code == code


def test_an_unknown_sku_is_named_where_the_caller_gave_it() -> None:
    error = refusal(lambda: decide(line(1, 4), further("C", 1), further("Z", 1)))
    assert [each.pointer for each in error.errors] == ["/lines/2/sku"]


def test_an_order_has_two_thousand_lines_at_most_those_that_were_removed_included() -> None:
    lines = tuple(PlacedLine(line_no=n, sku="A", quantity=0, unit_price=None) for n in range(1, ORDER_LINES_MAX))
    full = replace(order(), lines=lines)
    assert decide(further("C", 1), of=full, holdings=()) is not None
    error = refusal(lambda: decide(further("C", 1), further("C", 1), of=full, holdings=()))
    assert [(each.pointer, each.code) for each in error.errors] == [("/lines", "too_many")]


def test_a_currency_without_decimals_has_whole_prices() -> None:
    yen = replace(order(), currency="JPY")
    error = refusal(lambda: decide(line(1, 4), further("C", 1, "1.5"), of=yen))
    assert [(each.pointer, each.code) for each in error.errors] == [("/lines/1/unit_price", "bad_amount")]


def test_a_stale_version_is_refused() -> None:
    assert refusal(lambda: decide(line(1, 4), if_version=2)).code == "version_mismatch"
    assert decide(line(1, 4), if_version=3) is not None
    assert decide(line(1, 5)) is None


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"lines": []}, ("/lines", "wrong_length")),
        ({"lines": "x"}, ("/lines", "wrong_type")),
        ({"lines": [1]}, ("/lines/0", "wrong_type")),
        ({"lines": [LineChange(quantity=1)]}, ("/lines/0", "line_or_sku")),
        ({"lines": [LineChange(quantity=1, line_no=1, sku="A")]}, ("/lines/0", "line_or_sku")),
        ({"lines": [further("A", 0)]}, ("/lines/0/quantity", "out_of_range")),
        ({"lines": [line(1, -1)]}, ("/lines/0/quantity", "out_of_range")),
        ({"lines": [line(0, 1)]}, ("/lines/0/line_no", "out_of_range")),
        ({"lines": [line(1, 1), line(1, 2)]}, ("/lines/1", "duplicate")),
        ({"lines": [further("A", 1, "0.00001")]}, ("/lines/0/unit_price", "bad_amount")),
        (
            {"lines": [LineChange(line_no=1, quantity=1, unit_price=Decimal(1))]},
            ("/lines/0/unit_price", "not_allowed"),
        ),
        ({"reason": ""}, ("/reason", "wrong_length")),
        ({"dry_run": True, "idempotency_key": "K"}, ("/idempotency_key", "not_allowed")),
    ],
)
def test_a_wrong_command_is_refused(given: dict[str, object], found: tuple[str, str]) -> None:
    with pytest.raises(OmsError) as caught:
        ChangeOrderLines(**({"order_id": UUID(int=1), "lines": [line(1, 1)]} | given))  # type: ignore[arg-type]
    assert [(each.pointer, each.code) for each in caught.value.errors] == [found]


def test_details_that_are_given_change_and_others_stay() -> None:
    told = replace(order(OrderStatus.RETURNED), reference="R", metadata={"a": "1", "b": "2"})
    command = UpdateOrder(order_id=told.id, metadata={"a": None, "c": "3"})
    change = decide_update(told, command)
    assert change is not None
    assert change.details is not None
    assert (change.status, change.details.reference, change.details.metadata) == (
        *(OrderStatus.RETURNED, "R"),
        {"b": "2", "c": "3"},
    )
    (event,) = change.events
    assert event.data["before"] == {"reference": "R", "metadata": {"a": "1", "b": "2"}}
    assert decide_update(told, UpdateOrder(order_id=told.id, reference="R", if_version=9)) is None
    assert refusal(lambda: decide_update(told, replace(command, if_version=9))).code == "version_mismatch"


def test_there_are_no_more_entries_of_metadata_than_an_order_may_have() -> None:
    full = replace(order(), metadata={f"m{number}": "" for number in range(50)})
    more = UpdateOrder(order_id=full.id, metadata={f"n{number}": "" for number in range(50)})
    assert [each.pointer for each in refusal(lambda: decide_update(full, more)).errors] == ["/metadata"]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [({"metadata": []}, "/metadata"), ({"metadata": {"a": 1}}, "/metadata/a"), ({"reference": ""}, "/reference")],
)
def test_wrong_details_are_refused(given: dict[str, object], pointer: str) -> None:
    with pytest.raises(OmsError) as caught:
        UpdateOrder(order_id=UUID(int=1), **given)  # type: ignore[arg-type]
    assert [each.pointer for each in caught.value.errors] == [pointer]
