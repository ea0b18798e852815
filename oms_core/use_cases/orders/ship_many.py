"""Making many shipments: some 500 orders in a transaction, and one order's fault costs no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.fingerprints import shipment_fingerprint
from oms_core.domain.limits import BATCH_ORDERS_MAX
from oms_core.domain.orders.bulk_changes import Acted, Decision, StandingOrder, decided_alone
from oms_core.domain.orders.shipping import decide_shipment
from oms_core.domain.shipment_commands import CreateShipment
from oms_core.domain.validation import one_finding
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import OrderStorage
from oms_core.use_cases.orders.acts import key_of
from oms_core.use_cases.orders.change_many import act_on_many


def ship_many(orders: OrderStorage, commands: Sequence[CreateShipment], *, caller: Caller, clock: Clock) -> list[Acted]:
    """Return what has become of each shipment: its order as it is now with the shipment's number, or why not.

    One transaction makes one shipment of an order. Where several are asked for, they follow each other.
    """
    if len(commands) > BATCH_ORDERS_MAX:
        raise one_finding("/shipments", "wrong_length", f"must be at most {BATCH_ORDERS_MAX} shipments")
    outcomes: dict[int, Acted] = {}
    left = list(range(len(commands)))
    while left:
        chosen = _of_different_orders(commands, left)
        acted = _ship(
            orders, {order_id: commands[index] for order_id, index in chosen.items()}, caller, clock, outcomes
        )
        outcomes |= {index: acted[order_id] for order_id, index in chosen.items()}
        left = [index for index in left if index not in outcomes]
    return [outcomes[index] for index in range(len(commands))]


def _of_different_orders(commands: Sequence[CreateShipment], left: Sequence[int]) -> dict[UUID, int]:
    """Choose the first shipment that is left of each order, none of them under the key of another, by order."""
    chosen: dict[UUID, int] = {}
    keys: set[str | None] = set()
    for index in left:
        command = commands[index]
        if command.order_id not in chosen and command.idempotency_key not in keys:
            chosen[command.order_id] = index
            keys |= {command.idempotency_key} - {None}
    return chosen


def _ship(
    orders: OrderStorage,
    commands: Mapping[UUID, CreateShipment],
    caller: Caller,
    clock: Clock,
    done: Mapping[int, Acted],
) -> dict[UUID, Acted]:
    keys = {
        order_id: key
        for order_id, command in commands.items()
        if (key := key_of(command, "ship", shipment_fingerprint(command), caller)) is not None
    }

    def decide(standing_orders: Sequence[StandingOrder]) -> list[Decision]:
        return [
            decided_alone(lambda: decide_shipment(order, standing, commands[order.id], caller))  # noqa: B023  At once.
            for order, standing in standing_orders
        ]

    return act_on_many(
        orders, list(commands), decide, keys=keys, caller=caller, clock=clock, was_something_done=bool(done)
    )
