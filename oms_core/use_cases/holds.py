"""Holds: orders whose stock is reserved until they are confirmed, or their time runs out."""

from __future__ import annotations

from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.fingerprints import confirm_fingerprint, extend_fingerprint
from oms_core.domain.hold_commands import ConfirmOrder, ExtendHold
from oms_core.domain.orders.holds import HoldLimits, decide_confirmation, decide_extension
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import Changed, OrderChange
from oms_core.domain.orders.shipments import Standing
from oms_core.errors import OmsError
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage
from oms_core.use_cases.orders.acts import OrderActs
from oms_core.use_cases.orders.expire_holds import ExpireHolds, ExpiryReport

_OWN_HOLDER_BITS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """Held orders. A caller that is bound to a customer may neither confirm nor extend: its shop does, once paid.

    Every method may raise `forbidden`.
    """

    storage: Storage
    clock: Clock
    limits: HoldLimits

    def confirm(self, command: ConfirmOrder, *, caller: Caller) -> Changed:
        """Place a held order for good, also when its time has run out but it was not expired yet.

        An order that is confirmed already, or was never held, stays as it is, but for its payment reference where it
        has none. Raise `not_settled`, `hold_expired`, `already_confirmed`, `payment_reference_in_use`,
        `invalid_transition`, `version_mismatch`, `idempotency_key_reused`, `order_not_found`, `order_archived`,
        `storage_unavailable` or `outcome_unknown`.
        """
        _check_unbound(caller)

        def decide(order: Order, _: Standing) -> OrderChange | None:
            return decide_confirmation(order, command, caller)

        return self._act(command, "confirm", confirm_fingerprint(command), caller=caller, owner=None, decide=decide)

    def extend(self, command: ExtendHold, *, caller: Caller) -> Changed:
        """Let a hold end later. One that ends later anyway stays as it is, and that is no extension.

        Raise `extension_limit`, `hold_expired`, and what `confirm` raises.
        """
        _check_unbound(caller)
        self.limits.check("/seconds", command.seconds)
        as_of = self.storage.holds.clock()  # A repetition after a lost COMMIT counts from the same time.

        def decide(order: Order, _: Standing) -> OrderChange | None:
            return decide_extension(order, command, self.limits, as_of)

        return self._act(command, "extend", extend_fingerprint(command), caller=caller, owner=None, decide=decide)

    def expire(self, *, caller: Caller) -> ExpiryReport:
        """Expire all that is overdue, as workers do all the time; nothing where a worker is at it.

        Raise `storage_unavailable`.
        """
        caller.require(Scope.ORDERS_MANAGE)
        if caller.customer_id is not None:
            raise OmsError("forbidden", "holds are expired by callers of no customer")
        holder = f"{caller.name}:{self.clock.random_bits(_OWN_HOLDER_BITS):016x}"
        sweep = ExpireHolds(holds=self.storage.holds, clock=self.clock, caller=caller, holder=holder)
        try:
            return sweep()
        finally:
            sweep.release()

    @property
    def _act(self) -> OrderActs:
        return OrderActs(self.storage.orders, self.clock)


def _check_unbound(caller: Caller) -> None:
    caller.require(Scope.ORDERS_WRITE)
    if caller.customer_id is not None:
        raise OmsError("forbidden", "orders are confirmed, and held longer, by callers of no customer")
