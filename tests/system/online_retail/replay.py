"""Replays a plan through the use cases, from several clients at once, and tells what became of every line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID
from zlib import crc32

from oms_core import (
    ALL_SCOPES,
    AdjustStock,
    Caller,
    Oms,
    OmsError,
    OrderLine,
    PlaceOrder,
    ReceiveStock,
)
from tests.system.online_retail.steps import Cancellation, Category, CustomerReturn, Find, Sale, Step, WriteOff

CALLER = Caller(name="online-retail", scopes=ALL_SCOPES)
WALK_IN = "walk-in"
APPLIED = "applied"
# The code of a cancellation whose order was refused before: there is nothing to cancel.
ORDER_NOT_PLACED = "order_not_placed"

Progress = Callable[[int], None]


@dataclass(slots=True)
class Tally:
    """What became of the lines: (category, "applied" or the error's code) to lines, and orders likewise."""

    lines: Counter[tuple[Category, str]] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)

    def note(self, step: Step, outcome: str) -> None:
        """Count one step's lines."""
        self.lines[step.category, outcome] += len(step.lines)
        if isinstance(step, Sale):
            self.orders[outcome] += 1

    def add(self, other: Tally) -> None:
        """Take in what another client counted."""
        self.lines.update(other.lines)
        self.orders.update(other.orders)


def share_out(steps: Iterable[Step], clients: int) -> list[list[Step]]:
    """Give each client its steps, in order: all of one customer's to the same one.

    So no cancellation overtakes its order; whatever else is done commutes, as long as the stock suffices.
    """
    shares: list[list[Step]] = [[] for _ in range(clients)]
    for step in steps:
        owner = step.lines[0].customer_id or step.invoice
        shares[crc32(owner.encode()) % clients].append(step)
    return shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """How sales are handed in, and whether one that was taken in has been placed (a cancellation asks)."""

    hand_in: Callable[[PlaceOrder], UUID]
    was_placed: Callable[[UUID], bool] = lambda _: True


def placing_intake(oms: Oms) -> Intake:
    """Have sales placed at once."""
    return Intake(hand_in=lambda command: oms.orders.place(command, caller=CALLER).order.id)


def replay(
    oms: Oms, shares: Sequence[Sequence[Step]], progress: Progress = lambda _: None, *, intake: Intake | None = None
) -> Tally:
    """Let one thread per share carry out its steps; `progress` is told the lines done, from any thread.

    Sales are placed at once unless `intake` says otherwise.
    """
    tally = Tally()
    chosen = intake or placing_intake(oms)
    with ThreadPoolExecutor(len(shares)) as threads:
        for counted in threads.map(lambda share: _Client(oms, progress, chosen).carry_out(share), shares):
            tally.add(counted)
    return tally


class _Client:
    """One client: does one thing after the other, and remembers its orders' ids."""

    def __init__(self, oms: Oms, progress: Progress, intake: Intake) -> None:
        self._oms = oms
        self._progress = progress
        self._intake = intake
        self._placed: dict[str, UUID] = {}

    def carry_out(self, steps: Iterable[Step]) -> Tally:
        tally = Tally()
        for step in steps:
            tally.note(step, self._outcome(step))
            self._progress(len(step.lines))
        return tally

    def _outcome(self, step: Step) -> str:
        if isinstance(step, Cancellation) and not self._was_placed(step.sale):
            return ORDER_NOT_PLACED
        try:
            self._do(step)
        except OmsError as error:
            return error.code
        return APPLIED

    def _was_placed(self, invoice: str) -> bool:
        return invoice in self._placed and self._intake.was_placed(self._placed[invoice])

    def _do(self, step: Step) -> None:
        match step:
            case Sale():
                self._placed[step.invoice] = self._intake.hand_in(order_of(step))
            case Cancellation():
                self._oms.orders.cancel(self._placed[step.sale], reason=step.invoice, caller=CALLER)
            case CustomerReturn():
                self._oms.stock.receive(receipt_of(step), caller=CALLER)
            case WriteOff() | Find():
                self._oms.stock.adjust(adjustment_of(step), caller=CALLER)


def order_of(sale: Sale) -> PlaceOrder:
    """Give the order of an invoice: its lines as they stand, exact prices; what is no product as metadata `charges`."""
    first = sale.lines[0]
    metadata = {"country": first.country, "invoiced_at": first.invoiced_at}
    if sale.charges:
        metadata["charges"] = str(sum((line.amount for line in sale.charges), Decimal(0)))
    return PlaceOrder(
        customer_id=first.customer_id or WALK_IN,
        lines=[OrderLine(sku=line.sku, quantity=line.quantity, unit_price=line.unit_price) for line in sale.lines],
        currency="GBP",
        reference=sale.invoice,
        metadata=metadata,
        idempotency_key=sale.invoice,
    )


def receipt_of(step: CustomerReturn) -> ReceiveStock:
    """Give the receipt of a line that a customer sent back."""
    (line,) = step.lines
    return ReceiveStock(
        sku=line.sku,
        quantity=-line.quantity,
        reason="customer_return",
        reference=step.invoice,
        idempotency_key=f"{step.invoice}/{step.line_no}",
    )


def adjustment_of(step: WriteOff | Find) -> AdjustStock:
    """Give the adjustment of a line of the shop's own; its remark is the reason, as far as there is one."""
    (line,) = step.lines
    return AdjustStock(
        sku=line.sku,
        delta=line.quantity,
        reason=line.description or step.category.value,
        reference=step.invoice,
        idempotency_key=f"{step.invoice}/{step.line_no}",
    )
