"""The tables of a database, as dictionaries under one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from oms_core.domain.api_keys import StoredApiKey
from oms_core.domain.events import Event, NewEvent
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.holds import reference_in_use
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.placement import EnteredAs, KeyedOrder
from oms_core.domain.orders.queueing import WorkerState
from oms_core.domain.orders.returns import Return
from oms_core.domain.orders.shipments import Shipment, Standing
from oms_core.domain.stamps import Stamp
from oms_core.domain.stock.ledger import Figures, MovementEntry, announcements, is_within_bounds, level_after, moves_of
from oms_core.domain.stock.locations import Location, check_new, new_location
from oms_core.domain.stock.products import Movement, MovementKind, NewMovement, Product, StockLevel
from oms_core.errors import OmsError


def machine_time() -> datetime:
    """Return this machine's time, which is also the database's."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Tables:
    """What is kept. Whoever reads or writes holds `lock`, and checks everything before the first write.

    `now` is the database's clock.
    """

    lock: AbstractContextManager[object] = field(default_factory=threading.RLock)
    orders: dict[UUID, Order] = field(default_factory=dict)
    entered_as: dict[UUID, EnteredAs] = field(default_factory=dict)
    order_keys: dict[tuple[str, str], KeyedOrder] = field(default_factory=dict)
    products: dict[str, Product] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)
    movements: dict[str, list[Movement]] = field(default_factory=dict)
    order_movements: dict[UUID, list[NewMovement]] = field(default_factory=dict)
    stock_keys: dict[tuple[str, str], IdempotencyKey] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    unpublished: dict[int, Event] = field(default_factory=dict)
    due_times: dict[UUID, datetime] = field(default_factory=dict)
    workers: dict[str, WorkerState] = field(default_factory=dict)
    api_keys: dict[UUID, StoredApiKey] = field(default_factory=dict)
    leases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    payments: dict[str, UUID] = field(default_factory=dict)
    shipments: dict[UUID, dict[int, Shipment]] = field(default_factory=dict)
    returns: dict[UUID, list[Return]] = field(default_factory=dict)
    queue_count: int = 0
    keeps_outbox: bool = False
    now: Callable[[], datetime] = machine_time
    movement_count: int = 0
    event_count: int = 0

    def check(self, entries: Sequence[MovementEntry]) -> None:
        """Raise `internal_error` if these rows would break a level's bounds: a decision that stock does not cover."""
        self._moved(entries)

    def move(self, entries: Sequence[MovementEntry]) -> None:
        """Write the ledger rows of one transaction, their levels, and the stock events that follow."""
        before = {row.sku: Figures.of(self.products[row.sku]) for row, _ in entries}
        self.move_silently(entries)
        after = {sku: self.products[sku].available for sku in before}
        for event, stamp in announcements(moves_of(entries), before, after):
            self.record(event, stamp)

    def move_silently(self, entries: Sequence[MovementEntry]) -> None:
        """Write ledger rows and their levels."""
        moved = self._moved(entries)
        for row, stamp in entries:
            self.write_movement(row, stamp)
        self.products.update(moved)

    def record(self, event: NewEvent, stamp: Stamp) -> None:
        """Append an event."""
        entry = Event(
            id=self.event_count + 1,
            event=event,
            actor=stamp.actor,
            request_id=stamp.request_id,
            created_at=stamp.at,
        )
        self.event_count = entry.id
        self.events.append(entry)
        if self.keeps_outbox:
            self.unpublished[entry.id] = entry

    def next_number(self) -> int:
        """Return the number after the last one in the queue."""
        self.queue_count += 1
        return self.queue_count

    def hold(self, order_id: UUID, seconds: float | None) -> None:
        """Set when an order is due (None: at any time)."""
        self.due_times.pop(order_id, None)
        if seconds is not None:
            self.due_times[order_id] = self.now() + timedelta(seconds=seconds)

    def lease(self, name: str, holder: str, seconds: float) -> bool:
        """Take or prolong a right that one holder has; False while another one has it."""
        now = self.now()
        other, expires_at = self.leases.get(name, (holder, now))
        if other != holder and expires_at > now:
            return False
        self.lend(name, holder, seconds)
        return True

    def lend(self, name: str, holder: str, seconds: float) -> None:
        """Lend a right to one holder."""
        self.leases[name] = holder, self.now() + timedelta(seconds=seconds)

    def release(self, name: str, holder: str) -> None:
        """Give up a right, if this holder has it."""
        if name in self.leases and self.leases[name][0] == holder:
            del self.leases[name]

    def check_payment(self, order_id: UUID, payment_reference: str | None) -> None:
        """Raise `payment_reference_in_use` where a payment reference is another order's."""
        if payment_reference is not None and self.payments.get(payment_reference, order_id) != order_id:
            raise reference_in_use()

    def add_key(self, stored: StoredApiKey) -> None:
        """Write an API key."""
        self.api_keys[stored.key.id] = stored

    def ensure_level(self, sku: str, location: str, now: datetime) -> None:
        """Create an empty level where there is none."""
        product = self.products[sku]
        if product.level(location) is None:
            level = replace(self.new_level(location), version=1)
            self.products[sku] = _with_level(product, level, now)

    def keep_back(self, sku: str, location: str, units: int, *, has_grown: bool, now: datetime) -> None:
        """Set the safety stock of a level that is there. Its version grows once a transaction, if it has not yet."""
        level = self.products[sku].level(location)
        if level is not None and level.kept_back != units:
            version = level.version if has_grown else level.version + 1
            kept = replace(level, kept_back=units, withheld=self.withheld(location, units), version=version)
            self.put_level(sku, kept, now)

    def put_level(self, sku: str, level: StockLevel, now: datetime) -> None:
        """Write a level as it then is."""
        self.products[sku] = _with_level(self.products[sku], level, now)

    def withheld(self, location: str, kept_back: int) -> int:
        """Return how many units of a level are not sold however many there are."""
        return self.locations[location].withheld(kept_back)

    def ensure_location(self, name: str, now: datetime) -> None:
        """Make a location where there is none. Raise `validation_error` for one like another."""
        if name not in self.locations:
            check_new(name, self.locations)
            self.add_location(new_location(name, now))

    def add_location(self, location: Location) -> None:
        """Write a location."""
        self.locations[location.name] = location

    def new_level(self, location: str) -> StockLevel:
        """Return an empty level: of a location that does not sell, nothing is."""
        place = self.locations.get(location)
        return StockLevel(
            location=location, on_hand=0, reserved=0, version=0, withheld=0 if place is None else place.withheld(0)
        )

    def order(self, order_id: UUID, owner: str | None) -> Order:
        """Find an order that the owner (None: anybody) may see."""
        order = self.orders.get(order_id)
        if order is None or owner not in {None, order.customer_id}:
            raise OmsError("order_not_found", f"no order has the id {order_id}")
        return order

    def holdings(self, order_id: UUID) -> tuple[Holding, ...]:
        """Sum what an order's ledger rows and returns tell, per line and location, sorted by them."""
        sums: dict[tuple[int, str, str], tuple[int, int, int]] = {}
        for row in self.order_movements.get(order_id, []):
            if row.kind is MovementKind.RETURN and row.act_id is not None:
                continue  # The lines of its return tell where these units were shipped from.
            held = (row.line_no or 0, row.sku, row.location)
            reserved, shipped, returned = sums.get(held, (0, 0, 0))
            left, came_back = (0, row.on_hand_delta) if row.kind is MovementKind.RETURN else (-row.on_hand_delta, 0)
            sums[held] = (reserved + row.reserved_delta, shipped + left, returned + came_back)
        for line in (line for made in self.returns_of(order_id) for line in made.lines):
            held = (line.line_no, line.sku, line.shipped_from)
            reserved, shipped, returned = sums.get(held, (0, 0, 0))
            sums[held] = (reserved, shipped, returned + line.quantity)
        return tuple(
            Holding(line_no=line_no, sku=sku, location=location, reserved=reserved, shipped=shipped, returned=returned)
            for (line_no, sku, location), (reserved, shipped, returned) in sorted(sums.items())
        )

    def standing(self, order_id: UUID, at: datetime) -> Standing:
        """Return how an order stands: what it holds, its shipments and returns, and what is at each level now."""
        holdings = self.holdings(order_id)
        levels = ((sku, level) for sku in {each.sku for each in holdings} for level in self.products[sku].levels)
        return Standing(
            at=at,
            holdings=holdings,
            shipments=self.shipments_of(order_id),
            returns=self.returns_of(order_id),
            unshippable=frozenset(name for name, location in self.locations.items() if not location.ships),
            counts={(sku, level.location): level.on_hand for sku, level in levels},
        )

    def shipments_of(self, order_id: UUID) -> tuple[Shipment, ...]:
        """Return the shipments of an order, by number."""
        return tuple(shipment for _, shipment in sorted(self.shipments.get(order_id, {}).items()))

    def returns_of(self, order_id: UUID) -> tuple[Return, ...]:
        """Return the returns of an order, by number."""
        return tuple(self.returns.get(order_id, ()))

    def forget(self, order_ids: Collection[UUID], movement_ids: Collection[int]) -> None:
        """Remove orders with all that is written of them, and further rows of the ledger; keys stay."""
        for order_id in order_ids:
            del self.orders[order_id]
            self.order_movements.pop(order_id, None)
            self.shipments.pop(order_id, None)
            self.returns.pop(order_id, None)
        self.events = [entry for entry in self.events if entry.event.order_id not in order_ids]
        self.movements = {
            sku: [row for row in rows if row.movement.order_id not in order_ids and row.id not in movement_ids]
            for sku, rows in self.movements.items()
        }

    def within_bounds(self, level: StockLevel) -> bool:
        """Return whether a level may be kept; a database has a CHECK for it."""
        return is_within_bounds(level)

    def _moved(self, entries: Sequence[MovementEntry]) -> dict[str, Product]:
        """Return the products as they are after all these rows."""
        moved: dict[str, Product] = {}
        for (sku, location), move in moves_of(entries).items():
            product = moved.get(sku) or self.products.get(sku) or new_product(sku, move.stamp.at)
            level = level_after(product.level(location) or self.new_level(location), location, move)
            if not self.within_bounds(level):
                raise OmsError("internal_error", f"{sku} {location}: the decision is not covered by stock: {level}")
            moved[sku] = _with_level(product, level, move.stamp.at)
        return moved

    def write_movement(self, row: NewMovement, stamp: Stamp) -> None:
        """Append a row to the ledger, and leave its level."""
        self.movement_count += 1
        written = Movement(id=self.movement_count, movement=row, actor=stamp.actor, created_at=stamp.at)
        self.movements.setdefault(row.sku, []).append(written)
        if row.order_id is not None:
            self.order_movements.setdefault(row.order_id, []).append(row)


def new_product(sku: str, now: datetime) -> Product:
    """Return a product of which nothing is known yet."""
    return Product(sku=sku, name="", low_stock_threshold=None, levels=(), updated_at=now)


def _with_level(product: Product, level: StockLevel, now: datetime) -> Product:
    others = [other for other in product.levels if other.location != level.location]
    levels = tuple(sorted([*others, level], key=lambda entry: entry.location))
    return replace(product, levels=levels, updated_at=now)
