"""The decision that units came back: which holdings they are of, where they go, and what follows."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from oms_core import Caller, CreateReturn, Disposition, OmsError, OrderStatus, ReturnLine, Scope
from oms_core.domain.limits import ORDER_RETURNS_MAX
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.returning import Places, decide_return, return_all
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.stock.locations import LocationKind, new_location
from tests.core.orders.shipping_fixtures import NOW, holding, order, refusal, standing

MANAGER = Caller(name="x", scopes=frozenset({Scope.ORDERS_MANAGE}))
# Lines: 5 A, 2 B, 4 A.
OUT = (holding(1, shipped=2), holding(1, "north", shipped=3), holding(2, shipped=2), holding(3, "north", shipped=4))
LAB = replace(new_location("lab", NOW), kind=LocationKind.QUARANTINE, sells=False, ships=False)
YARD = replace(new_location("yard", NOW), sells=False)
PLACES: Places = {each.name: each for each in (new_location("main", NOW), new_location("north", NOW), LAB, YARD)}
QUARANTINE, DISCARD, MISSING = Disposition.QUARANTINE, Disposition.DISCARD, Disposition.MISSING


def decide(
    *lines: ReturnLine,
    stands: Standing | None = None,
    places: Places = PLACES,
    status: OrderStatus = OrderStatus.SHIPPED,
) -> OrderChange:
    command = CreateReturn(order_id=order().id, lines=lines or None, reason="because")
    return decide_return(order(status), stands or standing(OUT), command, MANAGER, places)


def brought(change: OrderChange) -> list[tuple[int, int, str, str | None]]:
    """Give (line_no, quantity, shipped from, location) of what came back."""
    (made,) = change.returns
    return [(line.line_no, line.quantity, line.shipped_from, line.location) for line in made.lines]


def test_all_that_is_out_goes_back_to_where_it_was() -> None:
    stands = standing([replace(OUT[0], returned=1), *OUT[1:]])
    change = decide(stands=stands)
    assert brought(change) == [
        (1, 1, "main", "main"),
        (1, 3, "north", "north"),
        (2, 2, "main", "main"),
        (3, 4, "north", "north"),
    ]
    assert change == return_all(order(OrderStatus.SHIPPED), stands, reason="because")
    assert (change.status, change.act_no) == (OrderStatus.RETURNED, 1)
    assert [event.type.value for event in change.events] == ["return.created", "order.returned"]


def test_units_of_a_line_are_those_of_the_first_location_or_of_the_one_they_go_to() -> None:
    assert brought(decide(ReturnLine(line_no=1, quantity=3))) == [(1, 2, "main", "main"), (1, 1, "north", "north")]
    back = ReturnLine(line_no=1, quantity=4, location="north")
    assert brought(decide(back)) == [(1, 3, "north", "north"), (1, 1, "main", "north")]


def test_units_of_a_sku_are_those_of_its_first_lines() -> None:
    assert brought(decide(ReturnLine(sku="A", quantity=6, disposition=DISCARD))) == [
        (1, 2, "main", None),
        (1, 3, "north", None),
        (3, 1, "north", None),
    ]


def test_lines_of_one_return_share_what_is_out() -> None:
    twice = [ReturnLine(line_no=2, quantity=1), ReturnLine(line_no=2, quantity=1, disposition=MISSING)]
    assert brought(decide(*twice)) == [(2, 1, "main", "main"), (2, 1, "main", None)]
    error = refusal(lambda: decide(*twice, ReturnLine(sku="B", quantity=1)))
    short = {"line_no": None, "sku": "B", "requested": 1, "shipped": 2, "returned": 0}
    assert (error.code, error.data) == ("exceeds_shipped", {"lines": [short]})


def test_what_is_discarded_or_missing_moves_no_stock() -> None:
    change = decide(
        ReturnLine(line_no=2, quantity=1, disposition=DISCARD),
        ReturnLine(line_no=3, quantity=1, disposition=MISSING),
        ReturnLine(line_no=1, quantity=1, disposition=QUARANTINE),
    )
    (row,) = change.movements
    assert (row.kind.value, row.location, row.on_hand_delta, row.reserved_delta) == ("return", "lab", 1, 0)
    assert (row.line_no, row.act_id, row.reason) == (1, change.returns[0].id, "because")


@pytest.mark.parametrize(
    ("status", "reserved", "quantity", "becomes"),
    [
        (OrderStatus.SHIPPED, 0, 2, OrderStatus.PARTLY_RETURNED),
        (OrderStatus.DELIVERED, 0, 2, OrderStatus.PARTLY_RETURNED),
        (OrderStatus.PARTLY_RETURNED, 0, 2, OrderStatus.PARTLY_RETURNED),
        (OrderStatus.SHIPPED, 0, 4, OrderStatus.RETURNED),
        (OrderStatus.PARTLY_RETURNED, 0, 4, OrderStatus.RETURNED),
        (OrderStatus.PARTLY_SHIPPED, 1, 4, OrderStatus.PARTLY_SHIPPED),
    ],
)
def test_the_status_follows_from_the_sums(
    status: OrderStatus, reserved: int, quantity: int, becomes: OrderStatus
) -> None:
    stands = standing([holding(3, shipped=4), holding(1, reserved=reserved)])
    change = decide(ReturnLine(line_no=3, quantity=quantity), stands=stands, status=status)
    assert change.status is becomes
    assert len(change.events) == 1 + (status is not becomes)


@pytest.mark.parametrize(
    "status", [each for each in OrderStatus if each.value in "pending held queued returned cancelled".split()]
)
def test_nothing_comes_back_of_what_is_not_out(status: OrderStatus) -> None:
    assert refusal(lambda: decide(status=status)).code == "invalid_transition"
    nothing = [replace(each, returned=each.shipped) for each in OUT]
    error = refusal(lambda: decide(stands=standing(nothing), status=OrderStatus.PARTLY_SHIPPED))
    assert (error.code, error.data) == ("exceeds_shipped", {"lines": []})


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (ReturnLine(line_no=1, quantity=1, location="typo"), "unknown_location"),
        (ReturnLine(line_no=1, quantity=1, disposition=QUARANTINE, location="main"), "sells"),
    ],
)
def test_a_place_has_to_be_known_and_a_quarantine_must_not_sell(line: ReturnLine, code: str) -> None:
    error = refusal(lambda: decide(line))
    assert [(each.pointer, each.code) for each in error.errors] == [("/lines/0/location", code)]


def test_a_quarantine_is_any_place_that_does_not_sell_or_the_only_one_of_its_kind() -> None:
    named = ReturnLine(line_no=1, quantity=1, disposition=QUARANTINE, location="yard")
    assert brought(decide(named)) == [(1, 1, "main", "yard")]
    unnamed = ReturnLine(line_no=1, quantity=1, disposition=QUARANTINE)
    assert brought(decide(unnamed)) == [(1, 1, "main", "lab")]
    for kind, known in ((LocationKind.QUARANTINE, ["cage", "lab"]), (LocationKind.TRANSIT, ["lab"])):
        places = {**PLACES, "cage": replace(LAB, name="cage", kind=kind)}
        if len(known) == 1:
            assert brought(decide(unnamed, places=places)) == [(1, 1, "main", "lab")]
            continue
        error = refusal(lambda: decide(unnamed, places=places))  # noqa: B023  At once.
        assert (error.code, error.data) == ("location_required", {"locations": known})
    assert refusal(lambda: decide(unnamed, places={})).data == {"locations": []}


def test_an_order_has_a_thousand_returns_at_most() -> None:
    made = Return(
        id=UUID(int=7), order_id=order().id, return_no=1, lines=(), reference=None, reason=None, created_at=NOW
    )
    for count, code in ((ORDER_RETURNS_MAX - 1, None), (ORDER_RETURNS_MAX, "return_limit")):
        stands = replace(standing(OUT), returns=[made] * count)
        if code is None:
            assert decide(stands=stands).act_no == ORDER_RETURNS_MAX
        else:
            error = refusal(lambda: decide(stands=stands))  # noqa: B023  At once.
            assert (error.code, error.data) == (code, {"returns_max": ORDER_RETURNS_MAX})


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"lines": []}, ("/lines", "wrong_length")),
        ({"lines": "x"}, ("/lines", "wrong_type")),
        ({"lines": [1]}, ("/lines/0", "wrong_type")),
        ({"lines": [ReturnLine(quantity=0, sku="A")]}, ("/lines/0/quantity", "out_of_range")),
        ({"lines": [ReturnLine(quantity=1)]}, ("/lines/0", "line_or_sku")),
        ({"lines": [ReturnLine(quantity=1, sku="A")] * 2}, ("/lines/1", "duplicate")),
        (
            {"lines": [ReturnLine(quantity=1, sku="A", disposition="lost")]},
            ("/lines/0/disposition", "unknown_disposition"),
        ),  # type: ignore[arg-type]
        (
            {"lines": [ReturnLine(quantity=1, sku="A", disposition=DISCARD, location="x")]},
            ("/lines/0/location", "no_location"),
        ),
        ({"lines": [ReturnLine(quantity=1, sku="A", location="")]}, ("/lines/0/location", "wrong_length")),
        ({"reference": ""}, ("/reference", "wrong_length")),
        ({"reason": ""}, ("/reason", "wrong_length")),
        ({"if_version": -2}, ("/if_version", "out_of_range")),
        ({"order_id": "x"}, ("/order_id", "wrong_type")),
    ],
)
def test_a_wrong_command_is_refused(given: dict[str, object], found: tuple[str, str]) -> None:
    with pytest.raises(OmsError) as caught:
        CreateReturn(**({"order_id": UUID(int=1)} | given))  # type: ignore[arg-type]
    assert [(each.pointer, each.code) for each in caught.value.errors] == [found]


def test_the_same_lines_with_different_fates_are_no_duplicates() -> None:
    lines = [ReturnLine(quantity=1, line_no=1, disposition=each) for each in Disposition]
    assert CreateReturn(order_id=UUID(int=1), lines=lines).lines == tuple(lines)
