"""What an audit calls a discrepancy, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from oms_contracts.storage_contract.shop import CLERK, new_shop
from oms_memory import MemoryStorage

from oms_core import OrderStatus
from oms_core.domain.limits import COUNT_MAX
from oms_core.domain.orders.order import Holding
from oms_core.domain.orders.shipments import ShipmentStatus
from oms_core.domain.stock.balances import (
    WAITS_FOR,
    LevelBalance,
    OrderBalance,
    ReturnBalance,
    ShipmentBalance,
    Waiting,
    audit_level,
    audit_order,
)
from oms_core.use_cases.audit import audit
from oms_core.use_cases.databases import Databases

RESERVING = {OrderStatus.HELD, OrderStatus.PENDING, OrderStatus.PROCESSING}
SHIPPED = {OrderStatus.SHIPPED, OrderStatus.DELIVERED}
SOON = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)


def level(on_hand: int, reserved: int, ledger_on_hand: int, ledger_reserved: int) -> LevelBalance:
    return LevelBalance(
        sku="A",
        location="main",
        on_hand=on_hand,
        reserved=reserved,
        ledger_on_hand=ledger_on_hand,
        ledger_reserved=ledger_reserved,
    )


def test_a_level_that_withholds_otherwise_than_its_location_asks_is_told() -> None:
    agreeing = replace(level(5, 2, 5, 2), withheld=3, withheld_due=3)
    assert audit_level(agreeing) is None
    found = audit_level(replace(agreeing, withheld_due=COUNT_MAX))
    assert found is not None
    assert found.detail.startswith(f"3 units are withheld from sale, {COUNT_MAX} should be; set the location again")


def held(line_no: int, reserved: int, shipped: int, location: str = "main", returned: int = 0) -> Holding:
    return Holding(line_no=line_no, sku="A", location=location, reserved=reserved, shipped=shipped, returned=returned)


def order(status: OrderStatus, holdings: Sequence[Holding], shipments: Sequence[ShipmentBalance] = ()) -> OrderBalance:
    waiting = Waiting(waits_for=WAITS_FOR[status], due_at=SOON) if status in WAITS_FOR else None
    return OrderBalance(
        order_id=UUID(int=1),
        status=status,
        quantities={1: 2, 2: 3},
        holdings=holdings,
        hold_until=SOON,
        waiting=waiting,
        shipments=shipments,
    )


@pytest.mark.parametrize("figures", [(5, 2, 5, 2), (0, 0, 0, 0), (5, 5, 5, 5)])
def test_a_level_that_is_the_sum_of_its_ledger_agrees(figures: tuple[int, int, int, int]) -> None:
    assert audit_level(level(*figures)) is None


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ((6, 2, 5, 2), "on_hand 6, reserved 2; the ledger sums to 5 and 2"),
        ((5, 2, 5, 1), "on_hand 5, reserved 2; the ledger sums to 5 and 1"),
        ((5, 6, 5, 6), "oversold: on_hand 5, reserved 6"),
        ((-1, 0, -1, 0), "oversold: on_hand -1, reserved 0"),
        ((5, -1, 5, -1), "oversold: on_hand 5, reserved -1"),
    ],
)
def test_a_level_that_does_not_agree_is_named_with_its_figures(figures: tuple[int, int, int, int], said: str) -> None:
    found = audit_level(level(*figures))
    assert found is not None
    assert (found.subject, found.detail) == ("A main", said)


HOLDINGS = {
    "reserved": [held(1, 2, 0), held(2, 1, 0), held(2, 2, 0, "north")],
    "shipped": [held(1, 0, 2), held(2, 0, 1), held(2, 0, 2, "north")],
    "nothing": [held(1, 0, 0), held(2, 0, 0)],
    "no rows": [],
    "too little": [held(1, 2, 0), held(2, 2, 0)],
    "too much": [held(1, 2, 0), held(2, 4, 0)],
    "both": [held(1, 2, 2), held(2, 3, 3)],
    "some of both": [held(1, 1, 1), held(2, 0, 2, "north"), held(2, 1, 0)],
    "returned": [held(1, 0, 2, returned=2), held(2, 0, 3, returned=3)],
    "some returned": [held(1, 0, 2, returned=2), held(2, 0, 3, returned=2)],
    "more returned": [held(1, 0, 2, returned=3), held(2, 0, 3, returned=3)],
    "less than nothing reserved": [held(1, -1, 3), held(2, 0, 3)],
    "a line that is not there": [held(1, 2, 0), held(2, 3, 0), held(3, 1, 0)],
    "the lines exchanged": [held(1, 3, 0), held(2, 2, 0)],
}


def rightly(status: OrderStatus) -> list[str]:
    """Name what an order in a status may hold."""
    if status in RESERVING:
        return ["reserved"]
    if status in SHIPPED:
        return ["shipped"]
    others = {
        OrderStatus.PARTLY_SHIPPED: ["some of both"],
        OrderStatus.PARTLY_RETURNED: ["some returned"],
        OrderStatus.RETURNED: ["returned"],
    }
    return others.get(status, ["nothing", "no rows"])


@pytest.mark.parametrize("what", HOLDINGS)
@pytest.mark.parametrize("status", OrderStatus)
def test_an_order_agrees_exactly_if_it_holds_what_its_status_says(status: OrderStatus, what: str) -> None:
    found = audit_order(order(status, HOLDINGS[what]))
    assert (found is None) is (what in rightly(status))
    if found is not None:
        assert found.subject == f"order {UUID(int=1)}"
        assert status.value in found.detail


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("waits_for", [None, *WAITS_FOR.values()])
def test_an_order_waits_exactly_for_what_its_status_says(status: OrderStatus, waits_for: str | None) -> None:
    what = rightly(status)[0]
    waiting = None if waits_for is None else Waiting(waits_for=waits_for, due_at=SOON)
    found = audit_order(replace(order(status, HOLDINGS[what]), waiting=waiting))
    assert (found is None) is (waits_for == WAITS_FOR.get(status))


LIVE, ARRIVED = ShipmentStatus.SHIPPED, ShipmentStatus.DELIVERED
TAKEN_BACK = ShipmentBalance(shipment_no=1, status=ShipmentStatus.CANCELLED, units=0)


@pytest.mark.parametrize(
    ("status", "shipments", "agrees"),
    [
        (OrderStatus.SHIPPED, [(LIVE, 2), (ARRIVED, 3)], True),
        (OrderStatus.SHIPPED, [(ARRIVED, 2), (ARRIVED, 3)], False),
        (OrderStatus.DELIVERED, [(ARRIVED, 2), (ARRIVED, 3)], True),
        (OrderStatus.DELIVERED, [(LIVE, 2), (ARRIVED, 3)], False),
        (OrderStatus.SHIPPED, [(LIVE, 5), (LIVE, 0)], False),
        (OrderStatus.SHIPPED, [(LIVE, 4), (None, 1)], False),
        (OrderStatus.SHIPPED, [(LIVE, 4), (ShipmentStatus.CANCELLED, 1)], False),
    ],
)
def test_shipments_are_those_that_status_and_ledger_tell_of(
    status: OrderStatus, shipments: Sequence[tuple[ShipmentStatus | None, int]], agrees: bool
) -> None:
    told = [
        ShipmentBalance(shipment_no=None if each is None else number, status=each, units=units)
        for number, (each, units) in enumerate(shipments, start=2)
    ]
    found = audit_order(order(status, HOLDINGS["shipped"], [TAKEN_BACK, *told]))
    assert (found is None) is agrees


def test_a_cancelled_order_may_have_shipments_that_were_taken_back() -> None:
    assert audit_order(order(OrderStatus.CANCELLED, HOLDINGS["nothing"], [TAKEN_BACK])) is None


@pytest.mark.parametrize(
    ("return_no", "units", "moved", "said"),
    [
        (2, 3, 3, None),
        (2, 3, 0, "line 1 of return 2 brings 3 to yard, and its ledger rows 0"),
        (2, 0, 3, "line 1 of return 2 brings 0 to yard, and its ledger rows 3"),
        (None, 0, 3, "ledger rows returned 3 in a return that is not there"),
    ],
)
def test_the_ledger_brings_to_each_location_what_a_return_says(
    return_no: int | None, units: int, moved: int, said: str | None
) -> None:
    told = ReturnBalance(return_no=return_no, line_no=1, location="yard", units=units, moved=moved)
    found = audit_order(replace(order(OrderStatus.RETURNED, HOLDINGS["returned"]), returns=[told]))
    assert (None if found is None else found.detail) == (None if said is None else f"returned: {said}")


@pytest.mark.parametrize("due_at", [None, LATER])
def test_a_hold_that_falls_at_another_time_than_it_says_is_named_with_both(due_at: datetime | None) -> None:
    waiting = Waiting(waits_for="confirm", due_at=due_at)
    found = audit_order(replace(order(OrderStatus.HELD, HOLDINGS["reserved"]), waiting=waiting))
    assert found is not None
    assert found.detail == f"held: it is held until {SOON}, and is due at {due_at}"


def test_the_first_thousand_discrepancies_are_reported_and_everything_is_compared() -> None:
    storage = MemoryStorage()
    shop = new_shop(storage)
    for number in range(1_001):
        sku = f"{number:04d}"
        shop.set(sku, 1)
        storage.tables.movements[sku].clear()
    told: list[tuple[int, int]] = []
    databases = Databases(primary=storage)
    report = audit(caller=CLERK, databases=databases, progress=lambda levels, orders: told.append((levels, orders)))
    assert (report.levels, len(report.discrepancies)) == (1_001, 1_000)
    assert report.discrepancies[-1].subject == "0999 main"
    assert told[-1] == (1_001, 0)
