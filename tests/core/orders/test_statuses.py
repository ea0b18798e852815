"""The status table: every move from every status, by every right, and the stock that a move implies."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from uuid import UUID

import pytest

from oms_core import Caller, ChangeOrderStatus, MovementKind, OmsError, Order, OrderStatus, Scope
from oms_core.domain.events import EventType, status_event_type
from oms_core.domain.orders.order import Holding, PlacedLine
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import MOVES, OPEN, SETTABLE, TAKING, Act, allowed_moves, scope_needed

# The table of the design, written down a second time: what a caller may set, and what else follows from an act.
TABLE = {
    "queued": "pending held rejected failed cancelled",
    "held": "pending expired cancelled",
    "pending": "processing partly_shipped shipped cancelled",
    "processing": "partly_shipped shipped cancelled",
    "partly_shipped": "processing shipped delivered partly_returned returned",
    "shipped": "processing partly_shipped delivered partly_returned returned",
    "delivered": "partly_returned returned",
    "partly_returned": "partly_shipped returned",
    "expired": "queued cancelled",
    "rejected": "queued cancelled",
    "failed": "queued cancelled",
    "cancelled": "",
    "returned": "",
}
SET_BY_HAND = {
    "queued": "cancelled",
    "held": "cancelled",
    "pending": "processing shipped cancelled",
    "processing": "shipped cancelled",
    "partly_shipped": "shipped",
    "shipped": "delivered returned",
    "delivered": "returned",
    "partly_returned": "returned",
    "expired": "cancelled",
    "rejected": "cancelled",
    "failed": "cancelled",
}
BY_PARTS = {Act.SHIP, Act.CANCEL_SHIPMENT, Act.DELIVER, Act.RETURN, Act.CHANGE}
RIGHTS = [
    frozenset[Scope](),
    frozenset({Scope.ORDERS_READ, Scope.INVENTORY_WRITE}),
    frozenset({Scope.ORDERS_WRITE}),
    frozenset({Scope.ORDERS_MANAGE}),
    frozenset({Scope.ORDERS_WRITE, Scope.ORDERS_MANAGE}),
    frozenset({Scope.ADMIN}),
]
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def order(status: OrderStatus, *, version: int = 3) -> Order:
    return Order(
        id=UUID(int=1),
        status=status,
        customer_id="C1",
        reference=None,
        currency="EUR",
        lines=(PlacedLine(line_no=1, sku="A", quantity=5, unit_price=None),),
        total=None,
        metadata={},
        failure=None,
        attempts=0,
        version=version,
        created_at=NOW,
        updated_at=NOW,
    )


def held(*, reserved: int = 0, shipped: int = 0) -> list[Holding]:
    return [
        Holding(line_no=1, sku="A", location=location, reserved=reserved, shipped=shipped)
        for location in ("main", "north")
    ]


def move(
    current: OrderStatus,
    target: OrderStatus,
    scopes: frozenset[Scope],
    holdings: list[Holding] | None = None,
    if_version: int | None = None,
) -> OrderChange | None:
    command = ChangeOrderStatus(order_id=UUID(int=1), status=target, reason="because", if_version=if_version)
    standing = Standing(at=NOW, holdings=holdings or [])
    return decide_status_change(order(current), standing, command, Caller(name="x", scopes=scopes))


def may(scopes: frozenset[Scope], target: str) -> bool:
    needed = Scope.ORDERS_WRITE if target == "cancelled" else Scope.ORDERS_MANAGE
    return bool(scopes & {needed, Scope.ADMIN})


def test_the_table_is_the_designs() -> None:
    targets = {source.value: {move.target.value for move in MOVES if move.source is source} for source in OrderStatus}
    assert targets == {source: set(text.split()) for source, text in TABLE.items()}
    assert set(SETTABLE) == {target for text in SET_BY_HAND.values() for target in text.split()}
    assert set(OPEN) == {"held", "pending", "processing", "partly_shipped"}
    assert set(TAKING) == {"partly_shipped", "shipped", "delivered", "partly_returned", "returned"}
    assert {move.scope for move in MOVES if move.act in BY_PARTS} == {Scope.ORDERS_MANAGE}


@pytest.mark.parametrize("scopes", RIGHTS, ids=lambda scopes: "+".join(sorted(scopes)) or "none")
@pytest.mark.parametrize(("current", "target"), list(product(OrderStatus, OrderStatus)))
def test_a_move_is_made_exactly_if_the_table_and_the_callers_rights_allow_it(
    current: OrderStatus, target: OrderStatus, scopes: frozenset[Scope]
) -> None:
    allowed = [each for each in SET_BY_HAND.get(current, "").split() if may(scopes, each)]
    if current is target:
        assert move(current, target, scopes) is None
        return
    if target in allowed:
        is_shipped = current in TAKING and current is not OrderStatus.PARTLY_SHIPPED
        change = move(current, target, scopes, held(shipped=2) if is_shipped else held(reserved=2))
        assert change is not None
        assert change.status is target
        *_, event = change.events
        assert event.type is status_event_type(target)
        assert (event.order_version, event.data) == (
            4,
            {"from": current.value, "to": target.value, "reason": "because"},
        )
        return
    with pytest.raises(OmsError) as caught:
        move(current, target, scopes)
    assert caught.value.code == "invalid_transition"
    assert caught.value.data == {"current": current.value, "allowed": allowed}


@pytest.mark.parametrize("scopes", RIGHTS, ids=lambda scopes: "+".join(sorted(scopes)) or "none")
@pytest.mark.parametrize("target", OrderStatus)
def test_placing_and_cancelling_need_less_than_the_other_moves(target: OrderStatus, scopes: frozenset[Scope]) -> None:
    caller = Caller(name="x", scopes=scopes)
    assert caller.may(scope_needed(target)) is may(scopes, target)
    assert all(caller.may(scope_needed(each)) for each in allowed_moves(OrderStatus.PENDING, caller))


@pytest.mark.parametrize(
    ("current", "target", "holdings", "rows"),
    [
        (OrderStatus.PENDING, OrderStatus.PROCESSING, held(reserved=2), []),
        (OrderStatus.PENDING, OrderStatus.SHIPPED, held(reserved=2), [(MovementKind.SHIP, -2, -2)] * 2),
        (OrderStatus.PROCESSING, OrderStatus.CANCELLED, held(reserved=2), [(MovementKind.RELEASE, 0, -2)] * 2),
        (OrderStatus.SHIPPED, OrderStatus.DELIVERED, held(shipped=2), []),
        (OrderStatus.SHIPPED, OrderStatus.RETURNED, held(shipped=2), [(MovementKind.RETURN, 2, 0)] * 2),
        (OrderStatus.DELIVERED, OrderStatus.RETURNED, held(shipped=2), [(MovementKind.RETURN, 2, 0)] * 2),
        (OrderStatus.QUEUED, OrderStatus.CANCELLED, [], []),
    ],
)
def test_a_move_writes_the_stock_movements_it_implies(
    current: OrderStatus, target: OrderStatus, holdings: list[Holding], rows: list[tuple[MovementKind, int, int]]
) -> None:
    change = move(current, target, frozenset({Scope.ADMIN}), holdings)
    assert change is not None
    assert [(row.kind, row.on_hand_delta, row.reserved_delta) for row in change.movements] == rows
    assert [row.location for row in change.movements] == ["main", "north"][: len(rows)]
    assert {(row.order_id, row.line_no, row.reason) for row in change.movements} <= {(UUID(int=1), 1, "because")}


def test_a_stale_version_is_refused_before_the_table_is_asked() -> None:
    for target in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        with pytest.raises(OmsError) as caught:
            move(OrderStatus.PENDING, target, frozenset({Scope.ADMIN}), if_version=2)
        assert (caught.value.code, caught.value.data) == ("version_mismatch", {"version": 3})


def test_the_present_version_is_taken_and_the_same_status_succeeds_with_any() -> None:
    admin = frozenset({Scope.ADMIN})
    assert move(OrderStatus.PENDING, OrderStatus.SHIPPED, admin, held(reserved=1), if_version=3) is not None
    assert move(OrderStatus.SHIPPED, OrderStatus.SHIPPED, admin, if_version=1) is None


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_has_its_event(status: OrderStatus) -> None:
    expected = EventType.ORDER_PLACED if status is OrderStatus.PENDING else EventType(f"order.{status.value}")
    assert status_event_type(status) is expected


@pytest.mark.parametrize(
    "wrong", [{"order_id": "x"}, {"status": "shipped"}, {"reason": ""}, {"if_version": -1}, {"if_version": True}]
)
def test_a_wrong_command_is_refused(wrong: dict[str, object]) -> None:
    given: dict[str, object] = {"order_id": UUID(int=1), "status": OrderStatus.SHIPPED}
    with pytest.raises(OmsError) as caught:
        ChangeOrderStatus(**(given | wrong))  # type: ignore[arg-type]
    assert [found.pointer for found in caught.value.errors] == [f"/{next(iter(wrong))}"]
