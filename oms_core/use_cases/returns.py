"""Returns: units of an order that come back, and what becomes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.fingerprints import return_fingerprint
from oms_core.domain.orders.bulk_changes import Acted
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.returning import decide_return, return_not_found
from oms_core.domain.orders.returns import Disposition, Return
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.return_commands import CreateReturn
from oms_core.domain.stock.locations import Location
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.orders.act_on_each import Act, act_on_each
from oms_core.use_cases.orders.acts import OrderActs

_ACT = "return"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnMade:
    """A return, and its order as it is now; `replayed` when the idempotency key was used before."""

    order: Order
    made: Return
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnList:
    """The returns of an order, by number, and the order as it is."""

    order: Order
    returns: Sequence[Return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """Returns of orders. Each moves the version of its order. Every method may raise `forbidden`."""

    storage: Storage
    clock: Clock

    def create(self, command: CreateReturn, *, caller: Caller) -> ReturnMade:
        """Take units back that were shipped, in one transaction; what is restocked or in quarantine is on hand again.

        Once nothing of an order is reserved, it is then partly returned, or returned where nothing is out. Raise
        `invalid_transition`, `exceeds_shipped`, `location_required`, `return_limit`, `stock_limit`, `version_mismatch`,
        `idempotency_key_reused`, `order_not_found`, `order_archived`, `storage_unavailable` or `outcome_unknown`.
        """
        caller.require(Scope.ORDERS_MANAGE)
        places = self._places([command])
        made = OrderActs(self.storage.orders, self.clock)(
            command,
            _ACT,
            return_fingerprint(command),
            caller=caller,
            owner=caller.customer_id,
            decide=lambda order, standing: decide_return(order, standing, command, caller, places),
        )
        return self._made(made.order, made.act_no or 0, replayed=made.replayed, caller=caller)

    def create_many(self, commands: Sequence[CreateReturn], *, caller: Caller) -> list[Acted]:
        """Make up to 1,000 returns, each if it may be; return its order and number, or why not, for each, in order.

        Some 500 orders are returned in a transaction, by one update of each level. What `create` raises is the outcome
        of that return. Raise `storage_unavailable` or `outcome_unknown` where none was made; the same call again makes
        only those that have no idempotency key a second time.
        """
        caller.require(Scope.ORDERS_MANAGE)
        places = self._places(commands)

        def decide(order: Order, standing: Standing, command: CreateReturn) -> OrderChange:
            return decide_return(order, standing, command, caller, places)

        act = Act(name=_ACT, fingerprint=return_fingerprint, decide=decide)
        return act_on_each(self.storage.orders, commands, act, caller=caller, clock=self.clock)

    def list(self, order_id: UUID, *, caller: Caller) -> ReturnList:
        """Return all returns of an order. Raise `order_not_found`."""
        caller.require(Scope.ORDERS_READ)
        order = self.storage.orders.get(order_id, owner=caller.customer_id)
        found = self.storage.orders.returns([order_id], owner=caller.customer_id)
        return ReturnList(order=order, returns=found.get(order_id, []))

    def get(self, order_id: UUID, return_no: int, *, caller: Caller) -> ReturnMade:
        """Return one return and its order. Raise `order_not_found` or `return_not_found`."""
        caller.require(Scope.ORDERS_READ)
        order = self.storage.orders.get(order_id, owner=caller.customer_id)
        return self._made(order, return_no, replayed=False, caller=caller)

    def _made(self, order: Order, return_no: int, *, replayed: bool, caller: Caller) -> ReturnMade:
        for made in self.storage.orders.returns([order.id], owner=caller.customer_id).get(order.id, []):
            if made.return_no == return_no:
                return ReturnMade(order=order, made=made, replayed=replayed)
        raise return_not_found(return_no)

    def _places(self, commands: Sequence[CreateReturn]) -> Mapping[str, Location]:
        """Read the locations that are known, if one of the commands needs to know of any; none is ever deleted."""
        lines = (line for command in commands for line in command.lines or ())
        if not any(line.location is not None or line.disposition is Disposition.QUARANTINE for line in lines):
            return {}
        return {location.name: location for location in self.storage.locations.find()}
