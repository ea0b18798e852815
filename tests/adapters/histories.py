"""Random histories of several order management systems, which must give the same answers."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from oms_core import (
    AdjustStock,
    Caller,
    ImportFormat,
    ImportMode,
    ImportReject,
    ImportStock,
    Oms,
    OmsError,
    OrderFilter,
    OrderStatus,
    Page,
    PlaceOrder,
    ProductFilter,
    ReceiveStock,
    SetLocation,
    SetStock,
    TransferStock,
)
from tests.adapters.history_values import (
    CALLERS,
    SKUS,
    KeyedCommand,
    adjustments,
    callers,
    imported_rows,
    keys,
    limits,
    location_changes,
    orders,
    receipts,
    sets,
    settle_one,
    skus,
    texts,
    transfers,
    which_one,
)
from tests.adapters.order_acts import OrderActs


class Histories(OrderActs):
    """Histories of orders, stock and imports, and all that can be read of them."""

    @initialize(counts=st.lists(st.integers(0, 30), min_size=len(SKUS), max_size=len(SKUS)))
    def open_with_stock(self, counts: list[int]) -> None:
        for sku, on_hand in zip(SKUS[:-1], counts, strict=False):
            self.ask(lambda oms: oms.stock.set(SetStock(sku=sku, on_hand=on_hand), caller=CALLERS[0]))  # noqa: B023

    def teardown(self) -> None:
        try:
            self.compare_everything()
        finally:
            self._opened.close()

    def compare_everything(self) -> None:
        """Compare all that a history has left behind."""
        self.list_products(low_stock=False, limit=50)
        self.list_products(low_stock=True, limit=1)
        for sku in SKUS:
            self.read_a_product(sku=sku, limit=50)
        for which in range(1, len(self.order_ids) + 1):
            self.read_an_order(which=which, limit=50, caller=CALLERS[0])

    @rule(command=orders, caller=callers)
    def place_order(self, command: PlaceOrder, caller: Caller) -> None:
        self.remember(command, caller)
        outcome = self.ask(lambda oms: oms.orders.place(command, caller=caller))
        if not isinstance(outcome, OmsError):
            self.order_ids.append(outcome.order.id)

    @rule(commands=st.lists(orders, min_size=1, max_size=6), caller=callers)
    def place_orders(self, commands: list[PlaceOrder], caller: Caller) -> None:
        for command in commands:
            self.remember(command, caller)
        outcomes = self.ask(lambda oms: oms.orders.place_many(commands, caller=caller))
        self.order_ids += [outcome.order.id for outcome in outcomes if hasattr(outcome, "order")]

    @precondition(lambda self: self.keyed)
    @rule(which=which_one)
    def send_again(self, which: int) -> None:
        command, caller = self.keyed[which % len(self.keyed)]
        if isinstance(command, PlaceOrder):
            self.place_order(command=command, caller=caller)
        else:
            self.change_stock(command=command, caller=caller)

    def remember(self, command: KeyedCommand | SetStock, caller: Caller) -> None:
        """Keep a command that has a key, to be sent again."""
        if not isinstance(command, SetStock) and command.idempotency_key is not None:
            self.keyed.append((command, caller))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one)
    def settle(self, which: int) -> None:
        order_id = self.order_id(which)
        self.ask(lambda oms: settle_one(oms, order_id))

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one)
    def claim(self, which: int) -> None:
        """Count a try of an order that is queued, as a worker does that dies of it."""
        order_id = self.order_id(which)
        self.ask(lambda oms: oms._ports.storage.queue.claim([order_id], lease_seconds=-1))

    @rule(command=sets | adjustments | receipts, caller=callers)
    def change_stock(self, command: SetStock | AdjustStock | ReceiveStock, caller: Caller) -> None:
        self.remember(command, caller)
        match command:
            case SetStock():
                self.ask(lambda oms: oms.stock.set(command, caller=caller))
            case AdjustStock():
                self.ask(lambda oms: oms.stock.adjust(command, caller=caller))
            case ReceiveStock():
                self.ask(lambda oms: oms.stock.receive(command, caller=caller))

    @rule(command=location_changes, caller=callers)
    def change_a_location(self, command: SetLocation, caller: Caller) -> None:
        self.ask(lambda oms: oms.locations.set(command, caller=caller))
        self.ask(lambda oms: oms.locations.list(caller=caller))

    @rule(command=transfers, caller=callers)
    def transfer(self, command: TransferStock, caller: Caller) -> None:
        self.ask(lambda oms: oms.stock.transfer(command, caller=caller))

    @rule(
        rows=imported_rows,
        mode=st.sampled_from(ImportMode),
        batch_size=st.integers(1, 4),
        skip_bad=st.booleans(),
        dry_run=st.sampled_from([False, False, True]),
        idempotency_key=keys,
        caller=callers,
    )
    def import_stock(self, rows: list[dict[str, object]], caller: Caller, **given: Any) -> None:
        file = "\n".join(json.dumps(row) for row in rows).encode()

        def bring(oms: Oms) -> object:
            rejects: list[ImportReject] = []
            command = ImportStock(**given, format=ImportFormat.JSONL, reason="counted")
            return oms.imports.stock(command, io.BytesIO(file), caller=caller, rejects=rejects.append), rejects

        self.ask(bring)

    @rule(
        statuses=st.frozensets(st.sampled_from(OrderStatus), max_size=3),
        customer_id=st.sampled_from([None, "C1", "C2", "c1"]),
        sku=st.none() | skus,
        reference=st.none() | texts,
        between=st.tuples(which_one, which_one),
        limit=limits,
        caller=callers,
    )
    def list_orders(self, limit: int, caller: Caller, between: tuple[int, int], **given: Any) -> None:
        created_from, created_to = (self.time_of(which) for which in between)
        wanted = OrderFilter(**given, created_from=created_from, created_to=created_to)
        self.all_pages(lambda oms, cursor: oms.orders.list(wanted, caller=caller, cursor=cursor, limit=limit))

    def time_of(self, which: int) -> datetime | None:
        """Give the time of an order, or none."""
        order_id = self.order_id(which)
        return None if order_id.int == 0 else self.systems[0]._ports.storage.orders.get(order_id, owner=None).created_at

    @precondition(lambda self: self.order_ids)
    @rule(which=which_one, limit=limits, caller=callers)
    def read_an_order(self, which: int, limit: int, caller: Caller) -> None:
        order_id = self.order_id(which)
        self.ask(lambda oms: oms.orders.get(order_id, caller=caller))
        self.ask(lambda oms: oms.orders.allocations([order_id], caller=caller))
        self.ask(lambda oms: oms.shipments.list(order_id, caller=caller))
        self.ask(lambda oms: oms.returns.list(order_id, caller=caller))
        self.all_pages(lambda oms, cursor: oms.orders.events(order_id, caller=caller, cursor=cursor, limit=limit))

    @rule(low_stock=st.booleans(), limit=limits)
    def list_products(self, low_stock: bool, limit: int) -> None:
        wanted = ProductFilter(low_stock=low_stock)
        self.all_pages(lambda oms, cursor: oms.stock.list(wanted, caller=CALLERS[0], cursor=cursor, limit=limit))

    @rule(sku=skus, limit=limits)
    def read_a_product(self, sku: str, limit: int) -> None:
        self.ask(lambda oms: oms.stock.get(sku, caller=CALLERS[0]))
        self.all_pages(lambda oms, cursor: oms.stock.movements(sku, caller=CALLERS[0], cursor=cursor, limit=limit))

    @invariant()
    def audits_find_nothing(self) -> None:
        report = self.ask(lambda oms: oms.audit(caller=CALLERS[0]))
        assert report.discrepancies == ()

    def all_pages(self, page_of: Callable[[Oms, str | None], Page[Any]]) -> None:
        """Compare a list page by page; cursors hold row ids, so each system is given its own."""
        cursors: dict[int, str | None] = {}

        def page(oms: Oms) -> object:
            found = page_of(oms, cursors.get(id(oms)))
            cursors[id(oms)] = found.next
            return found.items, found.next is None

        while isinstance(answer := self.ask(page), tuple) and not answer[1]:
            pass
