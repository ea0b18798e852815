"""The cells of the matrix of access: a system with one customer's orders in it, callers of every kind, and what each is
to meet.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from oms_memory import MemoryBroker, MemoryStorage

from oms_core import (
    ALL_SCOPES,
    Caller,
    CreateApiKey,
    CreateReturn,
    CreateShipment,
    Oms,
    Order,
    OrderLine,
    PlaceOrder,
    Scope,
    SetStock,
    Settings,
)
from oms_core.domain.access import AccessRule, Binding
from oms_core.ports.broker import DeadLetter, MessageKind
from oms_core.ports.clock import SystemClock
from oms_core.ports.metrics import NoMetrics
from oms_core.use_cases.orders.settle_orders import SettleOrders

OWNER = "C1"
STAFF = Caller(name="staff", scopes=ALL_SCOPES)
BOUND_TO: dict[str, str | None] = {"unbound": None, "of the owner": OWNER, "of another": "C2"}
SCOPES_HELD: dict[str, frozenset[Scope]] = {
    "none": frozenset(),
    **{scope.value: frozenset({scope}) for scope in Scope},
    "all but admin": ALL_SCOPES - {Scope.ADMIN},
    "all": ALL_SCOPES,
}
WANTED = PlaceOrder(customer_id=OWNER, lines=[OrderLine(sku="WIDGET", quantity=1)])
UNREADABLE = DeadLetter(
    id="letter", kind=MessageKind.COMMAND, code="malformed_json", detail="cut", body=b'{"customer_id":', died_at=None
)


@dataclass(frozen=True)
class Shop:
    """An open system, and the orders of customer C1 in it."""

    oms: Oms
    placed: Order
    held: Order
    shipped: Order
    returned: Order
    overdue: Order
    queued: Order
    rejected: Order
    archived: Order
    archive: Path

    @property
    def order_ids(self) -> list[str]:
        """What nobody else's caller may ever be shown."""
        orders = (self.placed, self.held, self.shipped, self.returned, self.overdue, self.queued, self.rejected)
        return [str(each.id) for each in orders]


@dataclass(frozen=True)
class Expected:
    """What a caller meets: `code` of an error, or None; `scope` that it lacks; `is_blind` if it is shown no order."""

    code: str | None
    scope: Scope | None = None
    is_blind: bool = False


@contextmanager
def shop() -> Iterator[Shop]:
    """Open a system in memory with a placed, a held, a queued and a rejected order, and a dead letter, and a key."""
    with tempfile.TemporaryDirectory() as folder, Oms.open(Settings(database_url="memory://")) as oms:
        oms.stock.set(SetStock(sku="WIDGET", on_hand=100), caller=STAFF)
        oms.stock.set(SetStock(sku="UNUSED"), caller=STAFF)
        archive = Path(folder) / "orders.jsonl.gz"
        archived = oms.orders.cancel(oms.orders.place(WANTED, caller=STAFF).order.id, caller=STAFF)
        oms.archive.write(archive, untouched=timedelta(microseconds=1), caller=STAFF)
        rejected = oms.orders.accept(_wanted(1_000), caller=STAFF).order
        settle(oms, rejected.id)
        assert isinstance(oms._ports.broker, MemoryBroker)
        oms._ports.broker.exchange.dead.append(UNREADABLE)
        oms.api_keys.create(CreateApiKey(name="robot", scopes=ALL_SCOPES), caller=STAFF)
        yield Shop(
            oms=oms,
            placed=oms.orders.place(WANTED, caller=STAFF).order,
            held=oms.orders.place(replace(WANTED, hold_seconds=900), caller=STAFF).order,
            shipped=_shipped(oms),
            returned=_returned(oms),
            queued=oms.orders.accept(WANTED, caller=STAFF).order,
            rejected=oms.orders.get(rejected.id, caller=STAFF),
            overdue=_overdue(oms),
            archived=archived,
            archive=archive,
        )


def caller(scopes: str, bound: str) -> Caller:
    """Give the caller of a cell."""
    return Caller(name="asker", scopes=SCOPES_HELD[scopes], customer_id=BOUND_TO[bound])


def expected(rule: AccessRule, asker: Caller) -> Expected:
    """Say what a caller meets that asks for something of customer C1."""
    if rule.use_case == "changes.lines":
        return _expected_of_lines(rule, asker)
    for scope in rule.scopes:
        if not {scope, Scope.ADMIN} & asker.scopes:
            return Expected("forbidden", scope)
    if asker.customer_id is None:
        return Expected(None)
    if rule.binding is Binding.FORBIDDEN:
        return Expected("forbidden")
    if asker.customer_id == OWNER or rule.binding is Binding.ALIKE:
        return Expected(None)
    codes = {Binding.NOT_FOUND: "order_not_found", Binding.OWN_PLACED: "forbidden", Binding.OWN_ONLY: None}
    return Expected(codes[rule.binding], is_blind=True)


def _expected_of_lines(rule: AccessRule, asker: Caller) -> Expected:
    """Say what it meets that changes lines: who may manage orders may place them too, and which of the two scopes it
    takes is known once the order is found.
    """
    manages = bool({Scope.ORDERS_MANAGE, Scope.ADMIN} & asker.scopes)
    if not manages and Scope.ORDERS_WRITE not in asker.scopes:
        return Expected("forbidden", Scope.ORDERS_MANAGE)
    if asker.customer_id not in {None, OWNER}:
        return Expected("order_not_found", is_blind=True)
    if not manages and Scope.ORDERS_MANAGE in rule.scopes:
        return Expected("forbidden", Scope.ORDERS_MANAGE)
    return Expected(None)


def everything(oms: Oms) -> Any:
    """Give all that a refused caller must leave as it is."""
    orders = oms.orders.list(caller=STAFF, limit=500).items
    return (
        orders,
        [oms.orders.events(order.id, caller=STAFF).items for order in orders],
        [oms.shipments.list(order.id, caller=STAFF).shipments for order in orders],
        [oms.returns.list(order.id, caller=STAFF).returns for order in orders],
        oms.stock.list(caller=STAFF).items,
        oms.stock.movements("WIDGET", caller=STAFF).items,
        oms.locations.list(caller=STAFF),
        oms.queue.dead_letters.list(caller=STAFF),
        oms.api_keys.list(caller=STAFF).items,
    )


def _wanted(quantity: int) -> PlaceOrder:
    return PlaceOrder(customer_id=OWNER, lines=[OrderLine(sku="WIDGET", quantity=quantity)])


def _shipped(oms: Oms) -> Order:
    order = oms.orders.place(WANTED, caller=STAFF).order
    return oms.shipments.create(CreateShipment(order_id=order.id), caller=STAFF).order


def _returned(oms: Oms) -> Order:
    return oms.returns.create(CreateReturn(order_id=_shipped(oms).id), caller=STAFF).order


def _overdue(oms: Oms) -> Order:
    """Place an order whose hold has run out, and which nobody has expired."""
    assert isinstance(oms._ports.storage, MemoryStorage)
    order = oms.orders.place(replace(WANTED, hold_seconds=60), caller=STAFF).order
    order = replace(order, hold_until=order.created_at - timedelta(seconds=60))
    oms._ports.storage.tables.orders[order.id] = order
    return order


def settle(oms: Oms, order_id: UUID) -> None:
    """Let a worker place an accepted order, or reject it."""
    work = SettleOrders(
        storage=oms._ports.storage,
        clock=SystemClock(),
        metrics=NoMetrics(),
        caller=Caller(name="worker", scopes=ALL_SCOPES),
        location_priority=(),
        attempts_max=1,
    )
    work([order_id], {})
