"""Acting on many orders, on each as its command says: some 500 in a transaction, and no fault costs another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from oms_core.domain.callers import Caller
from oms_core.domain.limits import BATCH_ORDERS_MAX
from oms_core.domain.orders.bulk_changes import Acted, Decision, StandingOrder, decided_alone
from oms_core.domain.orders.order import Order
from oms_core.domain.orders.order_changes import OrderChange
from oms_core.domain.orders.shipments import Standing
from oms_core.domain.validation import one_finding
from oms_core.ports.clock import Clock
from oms_core.ports.order_storage import OrderStorage
from oms_core.use_cases.orders.acts import OrderCommand, key_of
from oms_core.use_cases.orders.change_many import act_on_many

Command = TypeVar("Command", bound=OrderCommand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act(Generic[Command]):
    """What is done to each order: its name, the digest of a command, and the decision."""

    name: str
    fingerprint: Callable[[Command], bytes]
    decide: Callable[[Order, Standing, Command], OrderChange | None]


def act_on_each(
    orders: OrderStorage, commands: Sequence[Command], act: Act[Command], *, caller: Caller, clock: Clock
) -> list[Acted]:
    """Return what has become of each command: its order as it is now with the number of the act, or why not.

    One transaction acts once on an order. Where several acts on one are asked for, they follow each other.
    """
    if len(commands) > BATCH_ORDERS_MAX:
        raise one_finding("/commands", "wrong_length", f"must be at most {BATCH_ORDERS_MAX}")
    outcomes: dict[int, Acted] = {}
    left = list(range(len(commands)))
    while left:
        chosen = _of_different_orders(commands, left)
        of_orders = {order_id: commands[index] for order_id, index in chosen.items()}
        acted = _act(orders, of_orders, act, caller=caller, clock=clock, was_something_done=bool(outcomes))
        outcomes |= {index: acted[order_id] for order_id, index in chosen.items()}
        left = [index for index in left if index not in outcomes]
    return [outcomes[index] for index in range(len(commands))]


def _of_different_orders(commands: Sequence[OrderCommand], left: Sequence[int]) -> dict[UUID, int]:
    """Choose the first command that is left of each order, none of them under the key of another, by order."""
    chosen: dict[UUID, int] = {}
    keys: set[str | None] = set()
    for index in left:
        command = commands[index]
        if command.order_id not in chosen and command.idempotency_key not in keys:
            chosen[command.order_id] = index
            keys |= {command.idempotency_key} - {None}
    return chosen


def _act(
    orders: OrderStorage,
    commands: Mapping[UUID, Command],
    act: Act[Command],
    *,
    caller: Caller,
    clock: Clock,
    was_something_done: bool,
) -> dict[UUID, Acted]:
    keys = {
        order_id: key
        for order_id, command in commands.items()
        if (key := key_of(command, act.name, act.fingerprint(command), caller)) is not None
    }

    def decide(standing_orders: Sequence[StandingOrder]) -> list[Decision]:
        return [
            decided_alone(lambda: act.decide(order, standing, commands[order.id]))  # noqa: B023  At once.
            for order, standing in standing_orders
        ]

    return act_on_many(
        orders,
        list(commands),
        decide,
        keys=keys,
        caller=caller,
        clock=clock,
        was_something_done=was_something_done,
    )
