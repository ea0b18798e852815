"""Shipments: what leaves for an order, how it travels, and what is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.fingerprints import shipment_cancellation_fingerprint, shipment_fingerprint
from oms_core.domain.orders.bulk_changes import Acted
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipment_changes import (
    decide_shipment_cancellation,
    decide_shipment_update,
    shipment_not_found,
)
from oms_core.domain.orders.shipments import Shipment, Standing
from oms_core.domain.orders.shipping import decide_shipment
from oms_core.domain.shipment_commands import CancelShipment, CreateShipment, UpdateShipment
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.orders.act_on_each import Act, act_on_each
from oms_core.use_cases.orders.acts import OrderActs


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentChanged:
    """A shipment and its order as they are now; `replayed` when the idempotency key was used before."""

    order: Order
    shipment: Shipment
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentList:
    """The shipments of an order, by number, and the order as it is."""

    order: Order
    shipments: Sequence[Shipment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipments:
    """Shipments of orders. Each act on one moves the version of its order. Every method may raise `forbidden`."""

    storage: Storage
    clock: Clock

    def create(self, command: CreateShipment, *, caller: Caller) -> ShipmentChanged:
        """Ship units that an order has reserved at a location, in one transaction.

        The order is then partly shipped, or shipped where nothing of it is left. Raise `invalid_transition`,
        `location_required`, `exceeds_reserved`, `shipment_limit`, `version_mismatch`, `idempotency_key_reused`,
        `order_not_found`, `order_archived`, `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(Scope.ORDERS_MANAGE)

        def decide(order: Order, standing: Standing) -> OrderChange:
            return decide_shipment(order, standing, command, caller)

        made = self._act(
            command, "ship", shipment_fingerprint(command), caller=caller, owner=caller.customer_id, decide=decide
        )
        return self._changed(made.order, made.act_no, replayed=made.replayed, caller=caller)

    def create_many(self, commands: Sequence[CreateShipment], *, caller: Caller) -> list[Acted]:
        """Make up to 1,000 shipments, each if it may be; return its order and number, or why not, for each, in order.

        Some 500 orders are shipped in a transaction, by one update of each level. What `create` raises is the outcome
        of that shipment. Raise `storage_unavailable` or `outcome_unknown` where none was made; the same call again
        makes only those that have no idempotency key a second time.
        """
        caller.require(Scope.ORDERS_MANAGE)

        def decide(order: Order, standing: Standing, command: CreateShipment) -> OrderChange:
            return decide_shipment(order, standing, command, caller)

        act = Act(name="ship", fingerprint=shipment_fingerprint, decide=decide)
        return act_on_each(self.storage.orders, commands, act, caller=caller, clock=self.clock)

    def list(self, order_id: UUID, *, caller: Caller) -> ShipmentList:
        """Return all shipments of an order. Raise `order_not_found`."""
        caller.require(Scope.ORDERS_READ)
        order = self.storage.orders.get(order_id, owner=caller.customer_id)
        found = self.storage.orders.shipments([order_id], owner=caller.customer_id)
        return ShipmentList(order=order, shipments=found.get(order_id, []))

    def get(self, order_id: UUID, shipment_no: int, *, caller: Caller) -> ShipmentChanged:
        """Return one shipment and its order. Raise `order_not_found` or `shipment_not_found`."""
        caller.require(Scope.ORDERS_READ)
        order = self.storage.orders.get(order_id, owner=caller.customer_id)
        return self._changed(order, shipment_no, replayed=False, caller=caller)

    def update(self, command: UpdateShipment, *, caller: Caller) -> ShipmentChanged:
        """Say how a shipment travels, or that it was delivered. An order all of which was is delivered.

        What is so already changes nothing and succeeds. Raise `shipment_not_found`, `shipment_cancelled`,
        `shipment_delivered`, `version_mismatch`, `order_not_found`, `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(Scope.ORDERS_MANAGE)
        order = self.storage.orders.change(
            command.order_id,
            owner=caller.customer_id,
            caller=caller,
            now=self.clock.now(),
            decide=lambda order, standing: decide_shipment_update(order, standing, command),
        )
        return self._changed(order, command.shipment_no, replayed=False, caller=caller)

    def cancel(self, command: CancelShipment, *, caller: Caller) -> ShipmentChanged:
        """Take a shipment back: its units are on hand and reserved again, at the location that they left.

        One that was cancelled already stays so. Raise `shipment_not_found`, `shipment_delivered`, `shipment_returned`,
        `stock_limit`, `version_mismatch`, `idempotency_key_reused`, `order_not_found`, `order_archived`,
        `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(Scope.ORDERS_MANAGE)
        done = self._act(
            command,
            "cancel_shipment",
            shipment_cancellation_fingerprint(command),
            caller=caller,
            owner=caller.customer_id,
            decide=lambda order, standing: decide_shipment_cancellation(order, standing, command),
        )
        return self._changed(done.order, command.shipment_no, replayed=done.replayed, caller=caller)

    @property
    def _act(self) -> OrderActs:
        return OrderActs(self.storage.orders, self.clock)

    def _changed(self, order: Order, shipment_no: int | None, *, replayed: bool, caller: Caller) -> ShipmentChanged:
        found = self.storage.orders.shipments([order.id], owner=caller.customer_id).get(order.id, [])
        for shipment in found:
            if shipment.shipment_no == shipment_no:
                return ShipmentChanged(order=order, shipment=shipment, replayed=replayed)
        raise shipment_not_found(shipment_no or 0)
