"""A storage with a clock and a caller: what the contract's tests set up and look at, in few words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from oms_contracts.clock import TickingClock
from oms_core.domain.callers import ALL_SCOPES, Caller
from oms_core.domain.commands import (
    AdjustStock,
    ChangeOrderStatus,
    DeleteProduct,
    OrderLine,
    PlaceOrder,
    ReceiveStock,
    SetStock,
)
from oms_core.domain.events import Event
from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_core.domain.limits import PAGE_ITEMS_MAX
from oms_core.domain.orders.holds import HoldLimits
from oms_core.domain.orders.order import Order, OrderFilter
from oms_core.domain.orders.placement import (
    Demand,
    Placed,
    Placement,
    PlacementOutcome,
    PlacementView,
    Refused,
    Verdict,
    decide_placement,
)
from oms_core.domain.orders.queueing import Settlement, decide_acceptance, decide_failed_attempt, decide_retry
from oms_core.domain.orders.shipments import Shipment
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import OrderStatus, scope_needed
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.products import Movement, Product, ProductFilter
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import DecidePlacement
from oms_core.ports.queue_storage import DecideSettlement, SettleBatch, WaitForTurn
from oms_core.ports.storage import Storage
from oms_core.use_cases.audit import AuditReport, audit
from oms_core.use_cases.databases import Databases
from oms_core.use_cases.holds import Holds
from oms_core.use_cases.orders.prepare_placement import prepare_placement
from oms_core.use_cases.shipments import ShipmentChanged, Shipments
from oms_core.use_cases.stock import Stock, StockChanged

CLERK = Caller(name="clerk", scopes=ALL_SCOPES, request_id="request-1")


@dataclass(frozen=True, slots=True)
class Shop:
    """One storage in use. Everything happens in the name of `caller`; stock is served from `locations` in order."""

    storage: Storage
    clock: Clock
    caller: Caller = CLERK
    locations: tuple[str, ...] = ("main",)

    @property
    def stock(self) -> Stock:
        """The use cases of stock, over this storage."""
        return Stock(databases=Databases(primary=self.storage), clock=self.clock, default_location="main")

    def of(self, caller: Caller) -> Shop:
        """Return the same shop in another caller's hands."""
        return replace(self, caller=caller)

    def set(self, sku: str, on_hand: int | None = None, **given: Any) -> StockChanged:
        """Run `Stock.set` with the fields of SetStock."""
        return self.stock.set(SetStock(sku=sku, on_hand=on_hand, **given), caller=self.caller)

    def adjust(self, sku: str, delta: int, **given: Any) -> StockChanged:
        """Run `Stock.adjust` with the fields of AdjustStock."""
        command = AdjustStock(sku=sku, delta=delta, **({"reason": "counted"} | given))
        return self.stock.adjust(command, caller=self.caller)

    def receive(self, sku: str, quantity: int, **given: Any) -> StockChanged:
        """Run `Stock.receive` with the fields of ReceiveStock."""
        command = ReceiveStock(sku=sku, quantity=quantity, **given)
        return self.stock.receive(command, caller=self.caller)

    def delete(self, sku: str, **given: Any) -> None:
        """Run `Stock.delete` with the fields of DeleteProduct."""
        self.stock.delete(DeleteProduct(sku=sku, **given), caller=self.caller)

    def order(self, *lines: tuple[str, int] | tuple[str, int, str], **given: Any) -> Placement:
        """Prepare an order of (sku, quantity) or (sku, quantity, price) with the fields of PlaceOrder."""
        command = PlaceOrder(
            lines=[
                OrderLine(sku=sku, quantity=quantity, unit_price=Decimal(price[0]) if price else None)
                for sku, quantity, *price in lines
            ],
            **({"customer_id": "C1"} | given),
        )
        return prepare_placement(command, caller=self.caller, clock=self.clock, currency="EUR")

    def place(self, *placements: Placement) -> list[PlacementOutcome]:
        """Place prepared orders in one call."""
        return self.storage.orders.place(placements, self.decide)

    def place_deciding(self, decide: DecidePlacement, *placements: Placement) -> list[PlacementOutcome]:
        """Place prepared orders as another decision has it."""
        return self.storage.orders.place(placements, decide)

    def decide(self, orders: Sequence[Demand], view: PlacementView) -> list[Verdict]:
        """Decide as the core does, on orders about to be placed or settled."""
        return decide_placement(orders, view, self.locations)

    def deciding_after(self, step: Callable[[], None]) -> Callable[[Sequence[Demand], PlacementView], list[Verdict]]:
        """Return a decision, made first, on the figures as they were read, with a step before it is given back."""

        def decide(orders: Sequence[Demand], view: PlacementView) -> list[Verdict]:
            verdicts = self.decide(orders, view)
            step()
            return verdicts

        return decide

    def buy(self, *lines: tuple[str, int] | tuple[str, int, str], **given: Any) -> Order:
        """Place one order that must succeed."""
        return placed(self.place(self.order(*lines, **given))[0]).order

    def accept(self, *placements: Placement) -> list[PlacementOutcome]:
        """Queue prepared orders in one call."""
        return self.storage.queue.accept(placements, decide_acceptance)

    def queue_up(self, *lines: tuple[str, int] | tuple[str, int, str], **given: Any) -> Order:
        """Queue one order that must be accepted."""
        return placed(self.accept(self.order(*lines, **given))[0]).order

    def settle(self, *order_ids: UUID, claimed: Collection[UUID] = ()) -> Settlement:
        """Settle orders as the core decides."""
        return self.settle_deciding(self.decide, *order_ids, claimed=claimed)

    def settle_after(self, wait_for_turn: WaitForTurn, *order_ids: UUID) -> Settlement:
        """Settle orders when their turn comes."""
        stamp = Stamp.of(self.caller, self.clock.now())
        batch = SettleBatch(order_ids=order_ids, claimed=(), stamp=stamp, wait_for_turn=wait_for_turn)
        return self.storage.queue.settle(batch, self.decide)

    def settle_deciding(self, decide: DecideSettlement, *order_ids: UUID, claimed: Collection[UUID] = ()) -> Settlement:
        """Settle orders as another decision has it."""
        stamp = Stamp.of(self.caller, self.clock.now())
        return self.storage.queue.settle(SettleBatch(order_ids=order_ids, claimed=claimed, stamp=stamp), decide)

    def fail(self, order_id: UUID, *, attempts: int, attempts_max: int = 3, jitter: float = 1.0) -> Order:
        """Write that a try to place an order failed by its own fault."""
        error = OmsError("internal_error", "it cannot be written")
        return self.storage.orders.change(
            order_id,
            owner=None,
            caller=self.caller,
            now=self.clock.now(),
            decide=lambda order, _: decide_failed_attempt(
                order, error, attempts=attempts, attempts_max=attempts_max, jitter=jitter
            ),
        )

    def retry(self, order_id: UUID, reason: str | None = None) -> Order:
        """Queue a rejected or failed order again."""
        return self.storage.orders.change(
            order_id,
            owner=None,
            caller=self.caller,
            now=self.clock.now(),
            decide=lambda order, _: decide_retry(order, reason),
        )

    @property
    def holds(self) -> Holds:
        """The use cases of holds, over this storage."""
        return Holds(storage=self.storage, clock=self.clock, limits=HoldLimits())

    def order_to_hold(self, *lines: tuple[str, int], seconds: int = 900, **given: Any) -> Placement:
        """Prepare an order that is to be held; a hold of less than 0 seconds is overdue at once."""
        return replace(self.order(*lines, **given), hold_seconds=seconds)

    def hold(self, *lines: tuple[str, int], seconds: int = 900, **given: Any) -> Order:
        """Place one order that must be held."""
        return placed(self.place(self.order_to_hold(*lines, seconds=seconds, **given))[0]).order

    def confirm(self, order_id: UUID, payment_reference: str | None = None, **given: Any) -> Order:
        """Run `Holds.confirm` with the fields of ConfirmOrder."""
        command = ConfirmOrder(order_id=order_id, payment_reference=payment_reference, **given)
        return self.holds.confirm(command, caller=self.caller).order

    def extend(self, order_id: UUID, seconds: int, **given: Any) -> Order:
        """Run `Holds.extend` with the fields of ExtendHold."""
        return self.holds.extend(ExtendHold(order_id=order_id, seconds=seconds, **given), caller=self.caller).order

    def expire(self, *order_ids: UUID) -> list[UUID]:
        """Expire those of these orders that are overdue, in one transaction."""
        return self.storage.holds.expire(order_ids, stamp=Stamp.of(self.caller, self.clock.now()))

    def sweep(self, *, older_than_seconds: float = 0.0, limit: int = 500, lease_seconds: float = 0.0) -> list[UUID]:
        """Claim orders that are due; give their ids."""
        claims = self.storage.queue.sweep(
            older_than_seconds=older_than_seconds, limit=limit, lease_seconds=lease_seconds
        )
        return [claim.order_id for claim in claims]

    def move(self, order_id: UUID, status: OrderStatus, **given: Any) -> Order:
        """Move an order as ChangeOrderStatus with these fields would."""
        command = ChangeOrderStatus(order_id=order_id, status=status, **given)
        self.caller.require(scope_needed(status))
        return self.storage.orders.change(
            order_id,
            owner=self.caller.customer_id,
            caller=self.caller,
            now=self.clock.now(),
            decide=lambda order, holdings: decide_status_change(order, holdings, command, self.caller),
        )

    def get(self, order_id: UUID) -> Order:
        """Read an order."""
        return self.storage.orders.get(order_id, owner=None)

    def product(self, sku: str) -> Product:
        """Read a product."""
        return self.storage.stock.get(sku)

    def levels(self, sku: str) -> dict[str, tuple[int, int]]:
        """Read a product's levels: (on_hand, reserved) by location."""
        return {level.location: (level.on_hand, level.reserved) for level in self.product(sku).levels}

    def movements(self, sku: str) -> list[Movement]:
        """Read a product's ledger, oldest first."""
        return self.storage.stock.movements(sku, after=None, limit=10_000)[::-1]

    def ledger(self, sku: str) -> list[tuple[str, str, int, int]]:
        """Read (kind, location, on_hand_delta, reserved_delta) of a product's ledger, oldest first."""
        return [
            (row.movement.kind.value, row.movement.location, row.movement.on_hand_delta, row.movement.reserved_delta)
            for row in self.movements(sku)
        ]

    def events(self, order_id: UUID) -> list[Event]:
        """Read an order's events, oldest first."""
        return self.storage.orders.events(order_id, owner=None, after=None, limit=10_000)

    def moves(self, order_id: UUID) -> list[Event]:
        """Read the events of an order's own, oldest first, without those of its shipments."""
        return [event for event in self.events(order_id) if event.event.type.startswith("order.")]

    @property
    def shipments(self) -> Shipments:
        """The use cases of shipments, over this storage."""
        return Shipments(storage=self.storage, clock=self.clock)

    def ship(self, order_id: UUID, **given: Any) -> ShipmentChanged:
        """Run `Shipments.create` with the fields of CreateShipment."""
        return self.shipments.create(CreateShipment(order_id=order_id, **given), caller=self.caller)

    def shipped(self, order_id: UUID) -> list[Shipment]:
        """Read the shipments of an order."""
        return self.storage.orders.shipments([order_id], owner=None).get(order_id, [])

    def audit(self) -> AuditReport:
        """Audit everything."""
        return audit(caller=CLERK, databases=Databases(primary=self.storage))

    def everything(self) -> dict[str, object]:
        """Read all that a refusal must leave as it was."""
        products = self.storage.stock.find(ProductFilter(), after=None, limit=PAGE_ITEMS_MAX)
        orders = {each.id: each for each in self.storage.orders.find(OrderFilter(), after=None, limit=PAGE_ITEMS_MAX)}
        return {
            "products": products,
            "movements": {product.sku: self.movements(product.sku) for product in products},
            "orders": orders,
            "events": {order_id: self.events(order_id) for order_id in orders},
            "shipments": self.storage.orders.shipments([*orders], owner=None),
            "returns": self.storage.orders.returns([*orders], owner=None),
            "queue": self.storage.queue.sample(),
        }


def new_shop(storage: Storage, *, seed: int = 0) -> Shop:
    """Open a shop over a storage; shops that meet in one database need different seeds."""
    return Shop(storage=storage, clock=TickingClock(seed=seed))


def placed(outcome: PlacementOutcome) -> Placed:
    """Return the outcome of an order that must have been placed."""
    assert isinstance(outcome, Placed), f"refused: {outcome.error}"
    return outcome


def refused(outcome: PlacementOutcome) -> OmsError:
    """Return the error of an order that must have been refused."""
    assert isinstance(outcome, Refused), f"placed: {outcome.order}"
    return outcome.error
