"""Queue a rejected or failed order again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from oms_core.domain.callers import Caller, Scope
from oms_core.domain.commands import RetryOrder
from oms_core.domain.fingerprints import retry_fingerprint
from oms_core.domain.idempotency import IdempotencyKey
from oms_core.domain.orders.order import Holding, Order
from oms_core.domain.orders.queueing import decide_retry
from oms_core.domain.orders.status_changes import OrderChange
from oms_core.ports.clock import Clock
from oms_core.ports.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """The order as it is now; `replayed` when the idempotency key had been used."""

    order: Order
    replayed: bool


def retry_order(command: RetryOrder, *, caller: Caller, clock: Clock, storage: Storage) -> Retried:
    """Put the order at the end of the queue, without its failure and its tries; give it as it then is.

    An order that is queued already stays as it is. Under an idempotency key it is done once, whatever has become of
    the order since. Raises `invalid_transition`, `version_mismatch`, `idempotency_key_reused`, `order_not_found`,
    `forbidden`, `storage_unavailable` or `outcome_unknown`.
    """
    caller.require(Scope.ORDERS_MANAGE)
    orders, order_id = storage.orders, command.order_id
    owner = caller.customer_id

    def decide(order: Order, _: Sequence[Holding]) -> OrderChange | None:
        return decide_retry(order, command.reason, command.if_version)

    if command.idempotency_key is None:
        order = orders.change(order_id, owner=owner, caller=caller, now=clock.now(), decide=decide)
        return Retried(order=order, replayed=False)
    fingerprint = retry_fingerprint(command)
    key = IdempotencyKey(actor=caller.name, key=command.idempotency_key, fingerprint=fingerprint)
    order, replayed = orders.change_once(order_id, key=key, owner=owner, caller=caller, now=clock.now(), decide=decide)
    return Retried(order=order, replayed=replayed)
