"""Acts on orders in random histories of several systems, which must give the same answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from oms_contracts.clock import TickingClock

from oms_core import (
    Caller,
    CancelShipment,
    ChangeOrderLines,
    ChangeOrderStatus,
    ChangeOrderStatuses,
    ConfirmOrder,
    CreateReturn,
    CreateShipment,
    ExtendHold,
    Oms,
    OrderStatus,
    Ports,
    RetryOrder,
    Settings,
    UpdateOrder,
    UpdateShipment,
)
from oms_core.ports.storage import Storage
from tests.adapters.answers import answer_of, comparable
from tests.adapters.history_values import (
    KeyedCommand,
    callers,
    changed_lines,
    keys,
    let_run_out_now,
    other_details,
    payments,
    prose,
    returned_parts,
    shipment_changes,
    shipped_parts,
    which_one,
)


class OrderActs(RuleBasedStateMachine):
    """Several systems, each over a storage of its own, asked the same; `open_all` gives the storages, empty."""

    def __init__(self, open_all: Callable[[ExitStack], Sequence[Storage]]) -> None:
        super().__init__()
        self._opened = ExitStack()
        self.systems = [
            Oms(
                settings=Settings(locations=("main", "north"), group_commit=False),
                ports=Ports(storage=storage, clock=TickingClock()),
            )
            for storage in open_all(self._opened)
        ]
        self.order_ids: list[UUID] = []
        self.keyed: list[tuple[KeyedCommand, Caller]] = []

    def ask(self, question: Callable[[Oms], object]) -> Any:
        """Ask them all, insist on one answer, and give the first one's."""
        answers = [answer_of(question, system) for system in self.systems]
        shown = [comparable(answer) for answer in answers]
        for system, other in zip(self.systems[1:], shown[1:], strict=True):
            assert other == shown[0], f"{system.describe().storage} answers otherwise than memory"
        return answers[0]

    def order_id(self, which: int) -> UUID:
        """Give the id of an order that is there, or now and then of none."""
        return UUID(int=0) if which == 0 or not self.order_ids else self.order_ids[which % len(self.order_ids)]

    @precondition(lambda self: self.order_ids)
    @rule(
        which=which_one,
        status=st.sampled_from(OrderStatus),
        reason=st.none() | prose,
        version=st.sampled_from([None, None, 1, 2]),
        caller=callers,
    )
    def move(self, which: int, status: OrderStatus, reason: str | None, version: int | None, caller: Caller) -> None:
        command = ChangeOrderStatus(order_id=self.order_id(which), status=status, reason=reason, if_version=version)
        self.ask(lambda oms: oms.orders.change_status(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(
        which=st.lists(which_one, min_size=1, max_size=6),
        status=st.sampled_from([*[OrderStatus.CANCELLED] * 3, *OrderStatus]),
        reason=st.none() | prose,
        caller=callers,
    )
    def move_many(self, which: list[int], status: OrderStatus, reason: str | None, caller: Caller) -> None:
        command = ChangeOrderStatuses(order_ids=[self.order_id(each) for each in which], status=status, reason=reason)
        self.ask(lambda oms: oms.orders.change_many(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, given=shipped_parts, caller=callers)
    def ship(self, which: int, given: dict[str, Any], caller: Caller) -> None:
        command = CreateShipment(order_id=self.order_id(which), **given)
        self.ask(lambda oms: oms.shipments.create(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=st.lists(which_one, min_size=1, max_size=6), given=shipped_parts, caller=callers)
    def ship_many(self, which: list[int], given: dict[str, Any], caller: Caller) -> None:
        commands = [CreateShipment(order_id=self.order_id(each), **given) for each in which]
        self.ask(lambda oms: oms.shipments.create_many(commands, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, shipment_no=st.sampled_from([1, 1, 2, 3]), given=shipment_changes, caller=callers)
    def update_a_shipment(self, which: int, shipment_no: int, given: dict[str, Any], caller: Caller) -> None:
        command = UpdateShipment(order_id=self.order_id(which), shipment_no=shipment_no, **given)
        self.ask(lambda oms: oms.shipments.update(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, shipment_no=st.sampled_from([1, 1, 2, 3]), key=keys, caller=callers)
    def take_a_shipment_back(self, which: int, shipment_no: int, key: str | None, caller: Caller) -> None:
        command = CancelShipment(order_id=self.order_id(which), shipment_no=shipment_no, idempotency_key=key)
        self.ask(lambda oms: oms.shipments.cancel(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, given=returned_parts, caller=callers)
    def take_in(self, which: int, given: dict[str, Any], caller: Caller) -> None:
        command = CreateReturn(order_id=self.order_id(which), **given)
        self.ask(lambda oms: oms.returns.create(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=st.lists(which_one, min_size=1, max_size=6), given=returned_parts, caller=callers)
    def take_in_many(self, which: list[int], given: dict[str, Any], caller: Caller) -> None:
        commands = [CreateReturn(order_id=self.order_id(each), **given) for each in which]
        self.ask(lambda oms: oms.returns.create_many(commands, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, given=changed_lines, caller=callers)
    def change_lines(self, which: int, given: dict[str, Any], caller: Caller) -> None:
        command = ChangeOrderLines(order_id=self.order_id(which), **given)
        self.ask(lambda oms: oms.changes.lines(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, given=other_details, caller=callers)
    def update(self, which: int, given: dict[str, Any], caller: Caller) -> None:
        command = UpdateOrder(order_id=self.order_id(which), **given)
        self.ask(lambda oms: oms.changes.details(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, caller=callers)
    def cancel(self, which: int, caller: Caller) -> None:
        order_id = self.order_id(which)
        self.ask(lambda oms: oms.orders.cancel(order_id, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, payment=payments, version=st.sampled_from([None, None, 1, 2]), key=keys, caller=callers)
    def confirm(self, which: int, payment: str | None, version: int | None, key: str | None, caller: Caller) -> None:
        command = ConfirmOrder(
            order_id=self.order_id(which), payment_reference=payment, if_version=version, idempotency_key=key
        )
        self.ask(lambda oms: oms.holds.confirm(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, seconds=st.sampled_from([60, 1_800, 3_600, 7_200]), key=keys, caller=callers)
    def extend(self, which: int, seconds: int, key: str | None, caller: Caller) -> None:
        command = ExtendHold(order_id=self.order_id(which), seconds=seconds, idempotency_key=key)
        self.ask(lambda oms: oms.holds.extend(command, caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one)
    def let_run_out(self, which: int) -> None:
        order_id = self.order_id(which)
        self.ask(lambda oms: let_run_out_now(oms, order_id))

    @rule(caller=callers)
    def expire(self, caller: Caller) -> None:
        self.ask(lambda oms: oms.holds.expire(caller=caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, key=keys, caller=callers)
    def retry(self, which: int, key: str | None, caller: Caller) -> None:
        command = RetryOrder(order_id=self.order_id(which), idempotency_key=key)
        self.ask(lambda oms: oms.orders.retry(command, caller=caller))
