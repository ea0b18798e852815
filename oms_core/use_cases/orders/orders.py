"""Orders: placed or accepted, moved, retried and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.commands import ChangeOrderStatus, PlaceOrder, RetryOrder
from oms_core.domain.events import Event
from oms_core.domain.fingerprints import retry_fingerprint
from oms_core.domain.limits import PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX, RETRY_ORDERS_MAX
from oms_core.domain.orders.bulk_changes import ChangeOrderStatuses, Moved
from oms_core.domain.orders.holds import OrderDefaults
from oms_core.domain.orders.order import LineAllocation, Order, OrderFilter
from oms_core.domain.orders.order_changes import Changed, OrderChange
from oms_core.domain.orders.placement import Placed, PlacementOutcome, Refused
from oms_core.domain.orders.queueing import decide_retry
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.orders.status_changes import decide_status_change
from oms_core.domain.orders.statuses import OrderStatus, scope_needed
from oms_core.domain.pages import Page, check_limit, decode_number_cursor, encode_cursor, page_of
from oms_core.domain.rate_limits import RateScope
from oms_core.domain.validation import one_finding
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.use_cases.databases import Databases
from oms_core.use_cases.orders.acts import OrderActs
from oms_core.use_cases.orders.change_many import change_many
from oms_core.use_cases.orders.intake import Intake
from oms_core.use_cases.orders.order_export import OrderExport
from oms_core.use_cases.orders.order_pages import list_orders, owned_filter
from oms_core.use_cases.orders.orders_of_location import list_orders_of_location
from oms_core.use_cases.orders.prepare_placement import prepare_placement, write_prepared
from oms_core.use_cases.orders.retry_many import RetryReport, retry_many
from oms_core.use_cases.rate_limits import Charge, OnCharge, RateLimits

_EVENTS_CURSOR = "order_events"
_SHOWN_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Orders. `defaults` are for what an order does not say; `intake` writes new orders.

    Placing and accepting are charged to the caller's rate limit. A caller that was charged before passes its `charge`;
    otherwise `charged` is called with what is left under the limit. A replay costs nothing. Every method may raise
    `forbidden`.
    """

    databases: Databases
    clock: Clock
    defaults: OrderDefaults
    intake: Intake
    rate_limits: RateLimits

    def place(
        self, command: PlaceOrder, *, caller: Caller, charge: Charge | None = None, charged: OnCharge | None = None
    ) -> Placed:
        """Validate stock and reserve, all or nothing, in one transaction; with a hold until the order is confirmed.

        Raise `insufficient_inventory` with `shortages`, `unknown_sku`, `total_too_large`, `idempotency_key_reused`,
        `idempotency_key_in_use`, `order_archived`, `rate_limited`, `overloaded`, `storage_unavailable` or
        `outcome_unknown`.
        """
        charge = charge or self._charge(caller, charged)
        placement = prepare_placement(
            command, caller=caller, clock=self.clock, currency=self.defaults.currency, holds=self.defaults.holds
        )
        return _taken(self.intake.place(placement), charge)

    def place_many(
        self,
        commands: Sequence[PlaceOrder | OmsError],
        *,
        caller: Caller,
        charge: Charge | None = None,
        charged: OnCharge | None = None,
    ) -> Sequence[PlacementOutcome]:
        """Place up to 1,000 orders, each all or nothing; return one outcome each, in order.

        An OmsError in place of a command is an order that the driver could not read: it becomes that order's refusal.
        Raise `validation_error` for an empty or too long list. Raise `rate_limited` when they are more than the limit
        leaves; none is placed then.
        """
        charge = charge or self._charge(caller, charged, cost=0)
        charge.raise_to(len(commands))
        outcomes = write_prepared(
            commands,
            caller=caller,
            clock=self.clock,
            currency=self.defaults.currency,
            holds=self.defaults.holds,
            write=self.intake.place_many,
        )
        charge.give_back(sum(isinstance(outcome, Placed) and outcome.replayed for outcome in outcomes))
        return outcomes

    def accept(
        self, command: PlaceOrder, *, caller: Caller, charge: Charge | None = None, charged: OnCharge | None = None
    ) -> Placed:
        """Queue one order for a worker, which checks the stock later.

        The order is placed, rejected or failed in the end, even if the broker, a worker or this process crashes. A
        replay returns the order as it is now. Raise `unknown_sku`, `total_too_large`, `idempotency_key_reused`,
        `idempotency_key_in_use`, `order_archived`, `rate_limited`, `overloaded`, `storage_unavailable` or
        `outcome_unknown`.
        """
        charge = charge or self._charge(caller, charged)
        placement = prepare_placement(
            command, caller=caller, clock=self.clock, currency=self.defaults.currency, holds=self.defaults.holds
        )
        return _taken(self.intake.enqueue(placement), charge)

    def wait(self, order_id: UUID, *, caller: Caller, timeout_seconds: float) -> Order | None:
        """Return an accepted order once it is placed, rejected, failed or cancelled.

        None at the timeout, or when too many wait already. For a caller bound to a customer, raise `order_not_found` at
        once if the order is not that customer's.
        """
        caller.require(Scope.ORDERS_WRITE)
        _check_known_id(order_id)
        if caller.customer_id is not None:
            self.databases.primary.orders.get(order_id, owner=caller.customer_id)
        return self.intake.wait(order_id, timeout_seconds=timeout_seconds)

    def get(self, order_id: UUID, *, caller: Caller) -> Order:
        """Return an order that the caller may see. Raise `order_not_found`."""
        caller.require(Scope.ORDERS_READ)
        _check_known_id(order_id)
        return self.databases.primary.orders.get(order_id, owner=caller.customer_id)

    def allocations(self, order_ids: Sequence[UUID], *, caller: Caller) -> Mapping[UUID, Sequence[LineAllocation]]:
        """Return from where the lines of up to 500 orders are served: what is reserved, shipped and returned there.

        An order of which nothing is has none, nor has one that the caller may not see. Raise `validation_error` for
        more orders.
        """
        caller.require(Scope.ORDERS_READ)
        if len(order_ids) > PAGE_ITEMS_MAX:
            raise one_finding("/order_ids", "wrong_length", f"must be at most {PAGE_ITEMS_MAX} orders")
        return self.databases.primary.orders.allocations(order_ids, owner=caller.customer_id)

    def list(
        self,
        wanted: OrderFilter | None = None,
        *,
        caller: Caller,
        location: str | None = None,
        cursor: str | None = None,
        limit: int = PAGE_ITEMS_DEFAULT,
    ) -> Page[Order]:
        """Return a page of up to 500 orders, newest first unless the filter says otherwise.

        It has fewer if they reach 2,000 lines and entries of metadata together. It may be read from a replica. With a
        location: the open orders of which units are reserved there. Such a page may be short, and have a next.

        Raise `validation_error` for a bad cursor, location or limit.
        """
        caller.require(Scope.ORDERS_READ)
        filtered = wanted or OrderFilter()
        list_page = list_orders if location is None else partial(list_orders_of_location, location=location)
        read = self.databases.read(
            lambda storage: list_page(storage.orders, filtered, caller=caller, cursor=cursor, limit=limit)
        )
        return replace(read.result, replica_lag_seconds=read.replica_lag_seconds)

    def export(self, wanted: OrderFilter | None = None, *, caller: Caller) -> OrderExport:
        """Return every order that the filter finds, in bounded memory. Each page is as of its own reading.

        Pages may be read from a replica. Raise `forbidden` at once, not at the first order.
        """
        caller.require(Scope.ORDERS_READ)
        return OrderExport(self.databases, owned_filter(wanted or OrderFilter(), caller))

    def events(
        self, order_id: UUID, *, caller: Caller, cursor: str | None = None, limit: int = PAGE_ITEMS_DEFAULT
    ) -> Page[Event]:
        """Return a page of an order's history, oldest first. Raise `order_not_found`, `validation_error`."""
        caller.require(Scope.ORDERS_READ)
        _check_known_id(order_id)
        check_limit(limit)
        after = None if cursor is None else decode_number_cursor(_EVENTS_CURSOR, cursor)
        rows = self.databases.primary.orders.events(order_id, owner=caller.customer_id, after=after, limit=limit + 1)
        return page_of(rows, limit, lambda event: encode_cursor(_EVENTS_CURSOR, str(event.id)))

    def change_status(self, command: ChangeOrderStatus, *, caller: Caller) -> Order:
        """Move an order to a status, with the movements of stock that this implies; return it as it then is.

        A move to the status that it already has changes nothing and succeeds. Raise `invalid_transition`,
        `version_mismatch`, `order_not_found`, `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(scope_needed(command.status))
        return self.databases.primary.orders.change(
            command.order_id,
            owner=caller.customer_id,
            caller=caller,
            now=self.clock.now(),
            decide=lambda order, standing: decide_status_change(order, standing, command, caller),
        )

    def change_many(self, command: ChangeOrderStatuses, *, caller: Caller) -> Sequence[Moved]:
        """Move up to 1,000 orders, each if it may; return the order as it then is, or why not, for each, in order.

        Some 500 are moved in a transaction, by one update of each level. What `change_status` raises is the outcome of
        that order. Raise `storage_unavailable` or `outcome_unknown` where none was moved; the same call again leaves
        those that were moved as they are.
        """
        caller.require(scope_needed(command.status))
        return change_many(self.databases.primary.orders, command, caller=caller, clock=self.clock)

    def cancel(self, order_id: UUID, *, caller: Caller, reason: str | None = None) -> Order:
        """Cancel an order that has not shipped, and release what it holds. Raise what `change_status` does."""
        command = ChangeOrderStatus(order_id=order_id, status=OrderStatus.CANCELLED, reason=reason)
        return self.change_status(command, caller=caller)

    def retry(self, command: RetryOrder, *, caller: Caller) -> Changed:
        """Put a rejected, failed or expired order at the end of the queue, without its failure and its attempts.

        An order that is queued already stays as it is. Under one idempotency key it is done once, even if the order has
        changed since. Raise `invalid_transition`, `version_mismatch`, `idempotency_key_reused`, `order_not_found`,
        `order_archived`, `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(Scope.ORDERS_MANAGE)

        def decide(order: Order, _: Standing) -> OrderChange | None:
            return decide_retry(order, command.reason, command.if_version)

        act = OrderActs(self.databases.primary.orders, self.clock)
        retried = act(
            command, "retry", retry_fingerprint(command), caller=caller, owner=caller.customer_id, decide=decide
        )
        self.intake.announce([command.order_id])
        return retried

    def retry_many(
        self, wanted: OrderFilter, *, caller: Caller, reason: str | None = None, limit: int = RETRY_ORDERS_MAX
    ) -> RetryReport:
        """Retry the newest `limit` (at most 1,000) orders that the filter finds, each in its own transaction.

        If the filter has no statuses, these are rejected and failed orders; expired ones only where it names them.
        Raise `validation_error` or `storage_unavailable`.
        """
        caller.require(Scope.ORDERS_MANAGE)
        return retry_many(
            self.databases.primary.orders,
            wanted,
            reason=reason,
            limit=limit,
            caller=caller,
            retry=lambda order_id: self.retry(RetryOrder(order_id=order_id, reason=reason), caller=caller),
        )

    def _charge(self, caller: Caller, charged: OnCharge | None, cost: int = 1) -> Charge:
        return self.rate_limits.charge(RateScope.ORDERS_PLACE, caller=caller, cost=cost, charged=charged)


def _taken(outcome: PlacementOutcome, charge: Charge) -> Placed:
    if isinstance(outcome, Refused):
        raise outcome.error
    charge.give_back(1 if outcome.replayed else 0)
    return outcome


def _check_known_id(order_id: object) -> None:
    """Raise `order_not_found` for what is not a UUID, since databases would each raise an error of their own."""
    if not isinstance(order_id, UUID):
        raise OmsError("order_not_found", f"no order has the id {str(order_id)[:_SHOWN_MAX]!a}")
